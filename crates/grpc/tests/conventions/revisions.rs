//! Revision tokens: every response about an organization contains one, and a read never returns data older than the
//! requested revision.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rollcall_testkit::contract::Rpc;
use serde_json::json;

use crate::walk::{OTHER, Walk, names, with};

/// A response about many organizations, each of which has its own revision.
const WITHOUT: [&str; 1] = ["MigrationService/ChangeMigrations"];

#[tokio::test(flavor = "multi_thread")]
async fn every_response_about_an_organization_has_its_revision() {
    let mut walk = Walk::start().await;
    for sample in Walk::samples(|rpc| !WITHOUT.contains(&rpc.name().as_str())) {
        let Some(prepared) = walk.prepare_on_new_organization(sample).await else { continue };
        let about_one = names(&prepared.request).iter().any(|(_, name)| name.starts_with("organizations/"));
        if !about_one && sample.rpc != "OrganizationService/CreateOrganization" {
            continue;
        }
        let Some(answer) = walk.answer(&prepared, &prepared.request, "the sample").await else { continue };
        let token = answer["revision"].as_str().unwrap_or_default();
        walk.check(!token.is_empty(), &prepared, "the answer has no revision");
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).unwrap_or_default()).unwrap_or_default();
        walk.check(text.contains(&prepared.id), &prepared, &format!("the revision is not of the organization: {text}"));
        walk.check(!answer.to_string().contains(&format!("organizations/{OTHER}")), &prepared, "it shows another one");
    }
    walk.end().await;
}

#[test]
fn every_read_of_an_organization_takes_a_revision() {
    for rpc in Rpc::all().iter().filter(|rpc| rpc.answers("revision")) {
        let reads = !rpc.takes("request_id");
        assert_eq!(rpc.takes("at_least_revision"), reads, "{}", rpc.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_future_revision_is_refused() {
    let mut walk = Walk::start().await;
    for sample in Walk::samples(|rpc| rpc.takes("at_least_revision")) {
        let Some(prepared) = walk.prepare(sample).await else { continue };
        let Some(now) = walk.answer(&prepared, &prepared.request, "the sample").await else { continue };
        let now = now["revision"].as_str().unwrap_or_default().to_owned();
        let token = |revision: &str, id: &str| URL_SAFE_NO_PAD.encode(format!("1:{revision}:{id}"));
        let bad = [
            ("a word", "nonsense".to_owned()),
            ("no base64", "!".to_owned()),
            ("cut", now[1..].to_owned()),
            ("of another organization", token("1", OTHER)),
            ("newer than anything", token("999999", &prepared.id)),
            ("too large", token("99999999999999999999", &prepared.id)),
            ("of another version", URL_SAFE_NO_PAD.encode(format!("2:1:{}", prepared.id))),
        ];
        for (what, token) in bad {
            let request = with(&prepared.request, "/at_least_revision", token);
            walk.bad_field(&prepared, &request, "at_least_revision", what).await;
        }
        let request = with(&prepared.request, "/at_least_revision", json!(now));
        walk.answer(&prepared, &request, "the revision of now").await;
        let request = with(&prepared.request, "/at_least_revision", token("1", &prepared.id));
        walk.answer(&prepared, &request, "an old revision").await;
    }
    walk.end().await;
}
