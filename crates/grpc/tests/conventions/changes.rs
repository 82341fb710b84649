//! Changes: `validate_only` writes nothing, and a repeated `request_id` makes the change only once.

use rollcall_testkit::{Dump, contract::Rpc, cut_channel, difference, dump};
use serde_json::{Value, json};
use tonic::Code;

use crate::walk::{PreparedCall, Walk, with};

const REQUEST_ID: &str = "0193f0c4-0000-7000-8000-00000000000a";

fn changes(rpc: &Rpc) -> bool {
    rpc.takes("request_id")
}

#[test]
fn every_change_takes_validate_only_and_request_id() {
    for rpc in Rpc::all() {
        assert_eq!(rpc.takes("request_id"), rpc.takes("validate_only"), "{}", rpc.name());
        let reads = ["Get", "List", "Explain", "Lint", "Check", "BatchCheck", "LookUp", "Plan", "Export", "Download"];
        let reads = reads.iter().any(|verb| rpc.method().name().starts_with(verb));
        assert_eq!(rpc.takes("request_id"), !reads, "{}", rpc.name());
        let of_organization = rpc.answers("revision");
        assert_eq!(rpc.answers("preview"), changes(&rpc) && of_organization, "{}", rpc.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn validate_only_responds_and_writes_nothing() {
    let mut walk = Walk::start().await;
    for sample in Walk::samples(changes) {
        let Some(prepared) = walk.prepare_on_new_organization(sample).await else { continue };
        let before = everything(&walk).await;
        let request = with(&prepared.request, "/validate_only", true);
        let checked = walk.answer(&prepared, &request, "validate_only").await;
        let wrote = difference(&before, &everything(&walk).await);
        walk.check(wrote.is_none(), &prepared, &format!("validate_only wrote: {wrote:?}"));
        let made = walk.answer(&prepared, &prepared.request, "in earnest").await;
        let (Some(checked), Some(made)) = (checked, made) else { continue };
        if prepared.rpc.answers("preview") {
            walk.check(checked.get("preview").is_some(), &prepared, "validate_only has no preview");
            walk.check(made.get("preview").is_none(), &prepared, "a change that was made has a preview");
        }
    }
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn validate_only_is_refused_like_the_change_itself() {
    let mut walk = Walk::start().await;
    for sample in Walk::samples(changes) {
        let Some(prepared) = walk.prepare(sample).await else { continue };
        let text =
            prepared.request.to_string().replace(&format!("organizations/{}", prepared.id), "organizations/nobody");
        let bad = with(&serde_json::from_str(&text).unwrap(), "/request_id", "nonsense");
        for request in [serde_json::from_str(&text).unwrap(), bad] {
            if request == prepared.request {
                continue;
            }
            let mut codes = Vec::new();
            for validate_only in [true, false] {
                let request = with(&request, "/validate_only", validate_only);
                let answered = prepared.rpc.call(&walk.server.channel(), &request).await;
                codes.push(answered.map_err(|status| (status.code(), status.message().to_owned())));
            }
            walk.check(
                codes[0].is_err() && codes[0] == codes[1],
                &prepared,
                &format!("not the same answers: {codes:?}"),
            );
        }
    }
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_gets_the_same_response_and_is_made_once() {
    let mut walk = Walk::start().await;
    for sample in Walk::samples(changes) {
        let Some(prepared) = walk.prepare_on_new_organization(sample).await else { continue };
        walk.bad_field(&prepared, &with(&prepared.request, "/request_id", "nonsense"), "request_id", "no UUID").await;
        let request = with(&prepared.request, "/request_id", REQUEST_ID);
        // `validate_only` does not use up the `request_id`.
        walk.answer(&prepared, &with(&request, "/validate_only", true), "checked before it is made").await;
        let Some(first) = call(&mut walk, &prepared, &request, "first").await else { continue };
        let made = everything(&walk).await;
        let again = call(&mut walk, &prepared, &request, "again").await;
        let shown =
            format!("first {}, again {:?}", prepared.rpc.read(&first), again.as_ref().map(|a| prepared.rpc.read(a)));
        walk.check(Some(first) == again, &prepared, &format!("not the same bytes: {shown}"));
        let (pointer, value) = sample.other.unwrap();
        let other = with(&request, pointer, other_value(&prepared, value));
        let reused = walk.refused(&prepared, &other, (Code::AlreadyExists, "REQUEST_ID_REUSED"), "reused").await;
        let told = reused.map(|refusal| json!(refusal.metadata)).unwrap_or_default();
        walk.check(told == json!({ "request_id": REQUEST_ID }), &prepared, &format!("reused: {told}"));
        let wrote = difference(&made, &everything(&walk).await);
        walk.check(wrote.is_none(), &prepared, &format!("a repeated request wrote: {wrote:?}"));
        forget(&walk).await;
    }
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_connection_was_lost_can_be_repeated() {
    let mut walk = Walk::start().await;
    for sample in Walk::samples(changes) {
        let Some(prepared) = walk.prepare_on_new_organization(sample).await else { continue };
        let request = with(&prepared.request, "/request_id", REQUEST_ID);
        let before = everything(&walk).await;
        let lost = prepared.rpc.call(&cut_channel(&walk.server).await, &request).await;
        walk.check(lost.is_err(), &prepared, &format!("the connection was to be lost: {lost:?}"));
        let made = everything(&walk).await;
        let told = call(&mut walk, &prepared, &request, "after a lost connection").await;
        let again = call(&mut walk, &prepared, &request, "once more").await;
        walk.check(told == again, &prepared, "not the same bytes after a lost connection");
        let wrote = difference(&made, &everything(&walk).await);
        walk.check(wrote.is_none(), &prepared, &format!("repeating it wrote: {wrote:?}"));
        let writes = count(&made) - count(&before);
        walk.check(writes == made_by(sample.rpc), &prepared, &format!("it was made {writes} times"));
        forget(&walk).await;
    }
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_concurrent_requests_is_made() {
    let mut walk = Walk::start().await;
    for sample in Walk::samples(changes) {
        let Some(prepared) = walk.prepare_on_new_organization(sample).await else { continue };
        let request = with(&prepared.request, "/request_id", REQUEST_ID);
        let before = everything(&walk).await;
        let (bytes, channel) = (encode(&prepared, &request), walk.server.channel());
        let both = [(); 2].map(|()| {
            let (rpc, channel, bytes) = (prepared.rpc.clone(), channel.clone(), bytes.clone());
            tokio::spawn(async move { rpc.call_bytes(&channel, bytes).await })
        });
        let mut told = Vec::new();
        for one in both {
            told.push(one.await.unwrap().map_err(|status| format!("{:?} {}", status.code(), status.message())));
        }
        let same = told[0].is_ok() && told[0] == told[1];
        walk.check(
            same,
            &prepared,
            &format!("two at once: {:?}", told.iter().map(shown(&prepared)).collect::<Vec<_>>()),
        );
        let writes = count(&everything(&walk).await) - count(&before);
        walk.check(writes == made_by(sample.rpc), &prepared, &format!("two at once were made {writes} times"));
        forget(&walk).await;
    }
    walk.end().await;
}

fn shown(prepared: &PreparedCall) -> impl Fn(&Result<Vec<u8>, String>) -> Result<Value, String> {
    |told| told.as_ref().map(|bytes| prepared.rpc.read(bytes)).map_err(Clone::clone)
}

async fn everything(walk: &Walk) -> Dump {
    dump(&walk.server.database, None).await
}

/// Returns the number of changes: audit events and job runs.
fn count(dump: &Dump) -> usize {
    dump["audit_events"].len() + dump["job_runs"].len()
}

/// Cancelling a finished run changes nothing.
fn made_by(rpc: &str) -> usize {
    usize::from(rpc != "JobService/CancelJobRun")
}

/// RPCs without an organization share their request ids.
async fn forget(walk: &Walk) {
    let client = walk.server.database.client().await;
    client.batch_execute("DELETE FROM requests").await.unwrap();
}

fn other_value(prepared: &PreparedCall, value: &str) -> Value {
    match value {
        "true" => Value::Bool(true),
        text => text.replace("$org", &format!("organizations/{}", prepared.id)).replace("$id", &prepared.id).into(),
    }
}

fn encode(prepared: &PreparedCall, request: &Value) -> Vec<u8> {
    prost::Message::encode_to_vec(&prepared.rpc.request(request))
}

async fn call(walk: &mut Walk, prepared: &PreparedCall, request: &Value, what: &str) -> Option<Vec<u8>> {
    let answered = prepared.rpc.call_bytes(&walk.server.channel(), encode(prepared, request)).await;
    answered.map_err(|status| walk.note(prepared, &format!("{what}: {:?} {}", status.code(), status.message()))).ok()
}
