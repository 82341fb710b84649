//! `rollcall member check`: the answer to "may this email be exported?", in words.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

use std::process::Command;

use rollcall_testkit::{
    TestServer,
    standard::{MigrationHistory, StandardOrganization},
};

/// The arguments, and the printed lines.
const CASES: [(&[&str], &[&str]); 6] = [
    (
        &["Bob@acme.example", "--organization", "acme"],
        &[
            "bob@acme.example: export",
            "why         the member is active, and the setting is EXPORT",
            "member      bob (Bob), active",
            "assignment  sales (sales), rank 1: the first listed one with a group of the member (sales)",
            "setting     EXPORT since TIME: the member entered the assignment, by anonymous",
        ],
    ),
    (
        &["ada@acme.example", "--organization", "acme", "--sent-time", "2020-01-01T00:00:00Z"],
        &[
            "ada@acme.example: do not export",
            "why         the email was sent before TIME, when the setting became EXPORT",
            "member      ada (Ada), active",
            "assignment  eng (Engineering), rank 2: the first listed one with a group of the member (eng)",
            "setting     EXPORT since TIME: the member was edited, by anonymous",
            "next        nothing: such an email is never exported",
        ],
    ),
    (
        &["dot@acme.example", "--organization", "organizations/acme"],
        &[
            "dot@acme.example: do not export",
            "why         the setting of the member is DO_NOT_EXPORT",
            "member      dot (Dot), active",
            "assignment  eng (Engineering), rank 2: anonymous has moved the member there: a standard",
            "setting     DO_NOT_EXPORT since TIME: the member entered the assignment, by anonymous",
            "next        choose EMAIL_EXPORT_EXPORT on the assignment, or move the member to one that exports",
        ],
    ),
    (
        &["eve@acme.example", "--organization", "acme"],
        &[
            "eve@acme.example: do not export",
            "why         the member is inactive",
            "member      eve (Eve), inactive",
            "assignment  sales (sales), rank 1: the first listed one with a group of the member (sales)",
            "setting     EXPORT since TIME: the member entered the assignment, by anonymous",
            "next        nothing, until the identity provider makes the member active",
        ],
    ),
    (
        &["nobody@acme.example", "--organization", "acme"],
        &[
            "nobody@acme.example: do not export",
            "why   no member is known to have had the address at that time",
            "next  check the address and the time, or sync the directory",
        ],
    ),
    (
        &["cid@old.example", "--organization", "old"],
        &[
            "cid@old.example: do not export",
            "why         the setting of the member is DO_NOT_EXPORT",
            "member      cid (Cid), active",
            "assignment  sales (sales), rank 1: the first listed one with a group of the member (sales)",
            "setting     DO_NOT_EXPORT: the old settings page decides",
            "next        import another old setting for the address, or migrate the organization",
        ],
    ),
];

/// Runs the command. Returns the exit status and what it prints, without times.
async fn check(server: &TestServer, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command.args(["member", "check"]).args(arguments);
    command.args(["--target", &format!("http://{}", server.address)]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    let words = text.split_inclusive(char::is_whitespace).map(|word| {
        let is_time = word.len() > 20 && word.starts_with("20") && word.contains("T") && word.contains("Z");
        if is_time { format!("TIME{}", word.rsplit('Z').next().unwrap()) } else { word.to_owned() }
    });
    (output.status.code(), words.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_is_explained_in_words() {
    let server = TestServer::start().await;
    let acme = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    StandardOrganization::create(&server, "old", MigrationHistory::Legacy).await.unwrap();
    let edit = r#"{"member": {"name": "$org/members/ada", "email_export": "EMAIL_EXPORT_EXPORT"}}"#;
    acme.make("MemberService/UpdateMemberSettings", edit).await.unwrap();
    let choose = r#"{"assignment": {"name": "$org/assignments/eng", "display_name": "Engineering"}}"#;
    acme.make("AssignmentService/UpdateAssignment", choose).await.unwrap();
    for (arguments, expected) in CASES {
        let (status, printed) = check(&server, arguments).await;
        assert_eq!((status, printed.lines().collect::<Vec<_>>().as_slice()), (Some(0), expected), "{printed}");
        assert!(printed.lines().all(|line| line.chars().count() <= 100), "{printed}");
    }
    let (status, printed) = check(&server, &["nobody", "--organization", "acme"]).await;
    assert_eq!(status, Some(2));
    assert!(printed.contains("`nobody` is not an email address such as name@company.example"), "{printed}");
    let (status, printed) = check(&server, &["ada@acme.example", "--organization", "moon"]).await;
    assert_eq!(status, Some(1));
    assert!(printed.contains("cannot check ada@acme.example: there is no organization `moon`"), "{printed}");
    server.stop().await;
}
