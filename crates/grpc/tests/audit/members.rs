//! The members that an audit event touched, with what changed for each.

use rollcall_testkit::{
    TestServer,
    contract::Rpc,
    standard::{MigrationHistory, StandardOrganization},
};
use serde_json::{Value, json};

use super::list;

/// Returns the members of an event as `member touch assignments exports settings cause`.
async fn touched(server: &TestServer, event: &Value) -> Vec<String> {
    let (mut request, mut lines) = (json!({ "parent": event["name"], "page_size": 2 }), Vec::new());
    loop {
        let page = Rpc::find("AuditService/ListAuditEventMembers").call(&server.channel(), &request).await.unwrap();
        lines.extend(page["audit_event_members"].as_array().into_iter().flatten().map(line));
        match page["next_page_token"].as_str() {
            Some(token) => request["page_token"] = json!(token),
            None => return lines,
        }
    }
}

fn line(member: &Value) -> String {
    let text = |field: &str| {
        let text = member[field].as_str().unwrap_or_default();
        text.rsplit('/')
            .next()
            .unwrap()
            .replace("EMAIL_EXPORT_", "")
            .replace("MEMBER_TOUCH_", "")
            .replace("SETTING_CAUSE_", "")
    };
    let pair = |field: &str| format!("{}>{}", text(&format!("{field}_before")), text(&format!("{field}_after")));
    let settings = if member["settings_changed"] == true { " settings" } else { "" };
    let (assignments, exports) = (pair("assignment"), pair("email_export"));
    format!("{} {} {assignments} {exports}{settings} {}", text("member"), text("touch"), text("cause"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_members_that_an_event_touched_are_listed_with_what_changed() {
    let server = TestServer::start().await;
    let acme = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    for (rpc, request) in [
        (
            "DirectoryService/SyncDirectory",
            r#"{"parent": "$org", "mode": "SYNC_MODE_DELTA", "members": [
                {"member": "cid", "email": "cid@$id.example", "given_name": "Sid", "status": "MEMBER_STATUS_ACTIVE"},
                {"member": "fay", "email": "fay@$id.example", "status": "MEMBER_STATUS_ACTIVE"}
            ], "removed_memberships": [{"group": "sales", "member": "eve"}]}"#,
        ),
        (
            "AssignmentService/UpdateAssignment",
            r#"{"assignment": {"name": "$org/assignments/sales", "email_export": "EMAIL_EXPORT_DO_NOT_EXPORT"}}"#,
        ),
        (
            "AssignmentService/UpdateAssignment",
            r#"{"assignment": {"name": "$org/assignments/sales", "display_name": "Sellers"}}"#,
        ),
        (
            "MemberService/MoveMembers",
            r#"{"parent": "$org", "members": ["$org/members/bob", "$org/members/dot"], "assignment": "$org/assignments/eng"}"#,
        ),
    ] {
        acme.make(rpc, request).await.unwrap();
    }
    let events = list(&server, &json!({ "parent": "organizations/acme" })).await;
    let mut lines = Vec::new();
    for event in events[..4].iter().rev() {
        let members = touched(&server, event).await;
        assert_eq!(json!(members.len()), event["member_count"].as_i64().map_or(json!(0), |count| json!(count)));
        lines.push(members);
    }
    let expected: [&[&str]; 4] = [
        &[
            "cid OTHER > > ",
            "eve CHANGED sales>default EXPORT>DO_NOT_EXPORT settings ENTERED_ASSIGNMENT",
            "fay CREATED >default >DO_NOT_EXPORT settings ENTERED_ASSIGNMENT",
        ],
        &[
            "bob CHANGED sales>sales EXPORT>DO_NOT_EXPORT ASSIGNMENT_EDITED",
            "cid CHANGED sales>sales EXPORT>DO_NOT_EXPORT ASSIGNMENT_EDITED",
        ],
        &[],
        &["bob CHANGED sales>eng DO_NOT_EXPORT>DO_NOT_EXPORT ENTERED_ASSIGNMENT", "dot OTHER > > "],
    ];
    assert_eq!(lines, expected, "{lines:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_migration_touched_every_member() {
    let server = TestServer::start().await;
    StandardOrganization::create(&server, "old", MigrationHistory::MigratedByJob).await.unwrap();
    let events = list(&server, &json!({ "parent": "organizations/old" })).await;
    let migrated = events.iter().find(|event| event["method"] == "settings-migration").unwrap();
    let lines = touched(&server, migrated).await;
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[0], "ada CHANGED eng>eng >EXPORT MIGRATION", "{lines:#?}");
}
