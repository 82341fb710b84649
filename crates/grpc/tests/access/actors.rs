//! The principal of a call is the actor in the audit, in pins and in the history, and has idempotency keys of its own.

use rollcall_testkit::{TestServer, contract::Rpc, issuer::TestIssuer};
use serde_json::json;
use tonic::{Code, transport::Channel};

use crate::prepare_calls;

struct CallerOf<'a>(&'a Channel, String);

impl CallerOf<'_> {
    async fn call(&self, rpc: &str, request: serde_json::Value) -> Result<serde_json::Value, tonic::Status> {
        Rpc::find(rpc).call_as(self.0, Some(&self.1), &request).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_principal_is_the_actor() {
    let server = TestServer::start().await;
    let issuer = TestIssuer::start().await;
    let channel = server.serve_guarded(&issuer).await;
    prepare_calls(&server).await;
    let ann = CallerOf(&channel, issuer.token("ann@corp.example", &["TECH_ADMIN"], &["acme"]));
    let acme = "organizations/acme";
    let moved = json!({
        "parent": acme, "members": [format!("{acme}/members/ada")], "assignment": format!("{acme}/assignments/sales")
    });
    ann.call("MemberService/MoveMembers", moved).await.unwrap();
    let events = ann.call("AuditService/ListAuditEvents", json!({"parent": acme, "page_size": 1})).await.unwrap();
    assert_eq!(events["audit_events"][0]["actor"], "test:ann@corp.example");
    let member = json!({"name": format!("{acme}/members/ada")});
    let member = ann.call("MemberService/GetMember", member).await.unwrap();
    assert_eq!(member.pointer("/member/pin/actor"), Some(&json!("test:ann@corp.example")), "{member}");
    let history = json!({"parent": format!("{acme}/members/ada"), "page_size": 1});
    let history = ann.call("MemberService/ListEmailExportChanges", history).await.unwrap();
    assert!(history.to_string().contains("test:ann@corp.example"), "{history}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_principals_with_one_request_id_do_not_see_each_other() {
    let server = TestServer::start().await;
    let issuer = TestIssuer::start().await;
    let channel = server.serve_guarded(&issuer).await;
    prepare_calls(&server).await;
    let [ann, bob] = ["ann", "bob"].map(|name| CallerOf(&channel, issuer.token(name, &["TECH_ADMIN"], &["acme"])));
    let create = |name: &str| {
        json!({
            "parent": "organizations/acme", "request_id": "0193f0c4-0000-7000-8000-000000000001",
            "assignment": {
                "display_name": name, "groups": ["organizations/acme/groups/idle"],
                "update_mode": "UPDATE_MODE_MANUAL_EDITING", "email_export": "EMAIL_EXPORT_EXPORT"
            }
        })
    };
    let rpc = "AssignmentService/CreateAssignment";
    let name = |answer: serde_json::Value| answer["assignment"]["name"].clone();
    let of_ann = name(ann.call(rpc, create("Same")).await.unwrap());
    let of_bob = name(bob.call(rpc, create("Same")).await.unwrap());
    assert_ne!(of_ann, of_bob);
    assert_eq!(name(ann.call(rpc, create("Same")).await.unwrap()), of_ann);
    assert_eq!(name(bob.call(rpc, create("Same")).await.unwrap()), of_bob);
    let reused = bob.call(rpc, create("Other")).await.unwrap_err();
    assert_eq!(reused.code(), Code::AlreadyExists);
    assert!(reused.message().contains("0193f0c4-0000-7000-8000-000000000001"), "{reused:?}");
    server.stop().await;
}
