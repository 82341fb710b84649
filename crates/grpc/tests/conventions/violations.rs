//! Invalid input: all violations together, etags, and masks.

use prost_reflect::{DynamicMessage, Value as Field};
use rollcall_testkit::contract::Rpc;
use serde_json::Value;
use tonic::Code;

use crate::walk::{INVALID, PreparedCall, Walk, names, path, with};

/// Required etags.
const REQUIRED_ETAGS: [&str; 2] = ["AssignmentService/ReorderAssignments", "OrganizationService/UpdateCatalog"];

#[tokio::test(flavor = "multi_thread")]
async fn all_violations_are_reported_together() {
    let mut walk = Walk::start().await;
    let mut tried = 0;
    for sample in Walk::samples(|_| true) {
        let Some(prepared) = walk.prepare(sample).await else { continue };
        let (mut request, mut fields) = (prepared.request.clone(), Vec::new());
        for (pointer, _) in names(&prepared.request) {
            request = with(&request, &pointer, "nonsense");
            fields.push(path(&pointer));
        }
        let bad: [(&str, Value); 6] = [
            ("request_id", "nonsense".into()),
            ("page_size", (-1).into()),
            ("page_token", "nonsense".into()),
            ("at_least_revision", "nonsense".into()),
            ("offset", "-1".into()),
            ("position", (-1).into()),
        ];
        for (field, value) in bad {
            if prepared.rpc.takes(field) {
                request = with(&request, &format!("/{field}"), value);
                fields.push(field.to_owned());
            }
        }
        if fields.len() < 2 {
            continue;
        }
        tried += 1;
        let refused = walk.refused(&prepared, &request, INVALID, "everything is bad").await;
        let told = refused.map(|refusal| refusal.fields).unwrap_or_default();
        let missing: Vec<&String> = fields.iter().filter(|field| !told.contains(field)).collect();
        walk.check(missing.is_empty(), &prepared, &format!("everything is bad, but it does not tell {missing:?}"));
    }
    assert!(tried >= 35, "{tried}");
    walk.end().await;
}

/// Returns the pointer of the etag in a request.
fn etag_of(rpc: &Rpc) -> Option<String> {
    if rpc.takes("etag") {
        return Some("/etag".to_owned());
    }
    let input = rpc.input();
    let carries = |field: &prost_reflect::FieldDescriptor| {
        field.kind().as_message().is_some_and(|resource| resource.get_field_by_name("etag").is_some())
    };
    let resource = input.fields().find(carries).filter(|_| !input.name().starts_with("Create"))?;
    Some(format!("/{}/etag", resource.name()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_etag_error_contains_the_current_etag() {
    let mut walk = Walk::start().await;
    let samples = Walk::samples(|rpc| etag_of(rpc).is_some());
    assert!(samples.len() >= 7, "{}", samples.len());
    for sample in samples {
        let Some(prepared) = walk.prepare_on_new_organization(sample).await else { continue };
        let pointer = etag_of(&prepared.rpc).unwrap();
        if REQUIRED_ETAGS.contains(&sample.rpc) {
            walk.bad_field(&prepared, &with(&prepared.request, &pointer, ""), &path(&pointer), "left out").await;
        }
        for validate_only in [true, false] {
            let request = with(&with(&prepared.request, &pointer, "stale"), "/validate_only", validate_only);
            let expected = (Code::Aborted, "STALE_ETAG");
            let Some(refusal) = walk.refused(&prepared, &request, expected, "a stale etag").await else { continue };
            let told = |key: &str| refusal.metadata.get(key).cloned().unwrap_or_default();
            let keys: Vec<&str> = refusal.metadata.keys().map(String::as_str).collect();
            walk.check(keys == ["current_etag", "etag", "resource"], &prepared, &format!("a stale etag: {keys:?}"));
            walk.check(told("etag") == "stale", &prepared, &format!("the etag told is {}", told("etag")));
            let resource = told("resource");
            let right = resource.starts_with(&format!("organizations/{}", prepared.id));
            walk.check(right, &prepared, &format!("the resource told is {resource}"));
            if !validate_only {
                let request = with(&prepared.request, &pointer, told("current_etag"));
                walk.answer(&prepared, &request, "the current etag").await;
            }
        }
    }
    walk.end().await;
}

fn masked(prepared: &PreparedCall, paths: &[String]) -> DynamicMessage {
    let mut message = prepared.rpc.request(&with(&prepared.request, "/validate_only", true));
    let mut mask = message.get_field_by_name("update_mask").unwrap().as_message().unwrap().clone();
    mask.set_field_by_name("paths", Field::List(paths.iter().cloned().map(Field::String).collect()));
    message.set_field_by_name("update_mask", Field::Message(mask));
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mask_accepts_both_spellings_and_no_unknown_path() {
    let mut walk = Walk::start().await;
    let samples = Walk::samples(|rpc| rpc.takes("update_mask"));
    assert!(samples.len() >= 3);
    for sample in samples {
        let Some(prepared) = walk.prepare(sample).await else { continue };
        for unknown in ["nonsense", "name", "display_name.nonsense", "", "**"] {
            let message = masked(&prepared, &[unknown.to_owned()]);
            let refused = walk.refused_message(&prepared, &message, INVALID, &format!("a mask of `{unknown}`")).await;
            let told = refused.map(|refusal| refusal.fields).unwrap_or_default();
            walk.check(told == ["update_mask"], &prepared, &format!("a mask of `{unknown}`: {told:?}"));
        }
        let camel: Vec<String> =
            prepared.request["update_mask"].as_str().unwrap().split(',').map(str::to_owned).collect();
        let snake: Vec<String> = camel.iter().map(|path| snake_case(path)).collect();
        assert_ne!(camel, snake);
        let channel = walk.server.channel();
        let one = prepared.rpc.call_message(&channel, &masked(&prepared, &camel)).await.map(without_times);
        let other = prepared.rpc.call_message(&channel, &masked(&prepared, &snake)).await.map(without_times);
        let same = matches!((&one, &other), (Ok(one), Ok(other)) if one == other);
        walk.check(same, &prepared, &format!("{camel:?} is {one:?}, and {snake:?} is {other:?}"));
    }
    walk.end().await;
}

/// Returns a response without the times of the change.
fn without_times(mut answer: Value) -> Value {
    if let Some(member) = answer["member"].as_object_mut() {
        member.remove("email_export_since");
    }
    answer
}

fn snake_case(path: &str) -> String {
    path.chars().map(|c| if c.is_uppercase() { format!("_{}", c.to_lowercase()) } else { c.to_string() }).collect()
}
