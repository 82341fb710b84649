//! Concurrent writers leave no gap in the events of an organization.

use rollcall_testkit::{
    TestServer,
    contract::Rpc,
    standard::{MigrationHistory, StandardOrganization},
};
use serde_json::json;

use super::{list, numbers};

const WRITERS: usize = 12;
const WRITES: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_writers_leave_no_gap_and_lose_no_event() {
    let server = TestServer::start().await;
    StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    let writers = (0..WRITERS).map(|writer| {
        let channel = server.channel();
        tokio::spawn(async move {
            let mut made = Vec::new();
            for write in 0..WRITES {
                let (rpc, request) = match write % 3 {
                    0 => (
                        "OrganizationService/UpdateOrganization",
                        json!({ "organization": { "name": "organizations/acme", "display_name": format!("{writer} {write}") } }),
                    ),
                    // Half of these calls have a stale etag.
                    1 => (
                        "OrganizationService/UpdateOrganization",
                        json!({ "organization": { "name": "organizations/acme", "display_name": "x", "etag": "1" } }),
                    ),
                    _ => (
                        "MemberService/MoveMembers",
                        json!({
                            "parent": "organizations/acme", "members": [format!("organizations/acme/members/{}", ["ada", "bob", "cid"][writer % 3])],
                            "assignment": format!("organizations/acme/assignments/{}", ["eng", "default"][write % 2]),
                        }),
                    ),
                };
                if let Ok(answer) = Rpc::find(rpc).call(&channel, &request).await {
                    made.push(answer["revision"].as_str().unwrap().to_owned());
                }
            }
            made
        })
    });
    let mut made = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        made.extend(writer.await.unwrap());
    }
    let all = json!({ "parent": "organizations/acme" });
    let count = i64::try_from(6 + made.len()).unwrap();
    assert_eq!(numbers(&server, &all).await, (1..=count).collect::<Vec<_>>());
    let events = list(&server, &all).await;
    let mut kept: Vec<&str> = events.iter().map(|event| event["revision"].as_str().unwrap()).collect();
    let read = Rpc::find("OrganizationService/GetOrganization");
    let read = read.call(&server.channel(), &json!({ "name": "organizations/acme" })).await.unwrap();
    assert_eq!(read["revision"], json!(kept[0]), "the newest revision has an event");
    kept.truncate(made.len());
    kept.sort_unstable();
    made.sort_unstable();
    assert_eq!(kept, made);
}
