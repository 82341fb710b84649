//! The holders of an address over time: an email by address is an email of the member who held the address when it was
//! sent (product.md 4.10).

#![allow(clippy::unwrap_used)]

use std::time::{Duration, SystemTime};

use rollcall_proto::v1::{
    CheckEmailExportRequest, CheckEmailExportResponse, DirectoryMember, EmailExport, EmailExportReason, Phase,
    SyncDirectoryRequest, SyncMode, UpdateMode, check_email_export_request::Subject,
};
use rollcall_testkit::{Member, Org, TestServer};

/// `no` does not export emails, `yes` does.
const MEMBERS: [Member; 2] = [Member::new("no", &["silent"]), Member::new("yes", &["loud"])];

async fn acme(server: &TestServer) -> Org<'_> {
    let org = Org::create(server, "acme", Phase::Migrated).await;
    org.sync(&MEMBERS).await;
    org.assign("silent", &["silent"], UpdateMode::AutomaticUpdates, Some(EmailExport::DoNotExport)).await;
    org.assign("loud", &["loud"], UpdateMode::AutomaticUpdates, Some(EmailExport::Export)).await;
    org
}

/// Syncs members with the addresses of others: (member, address, active).
async fn give(server: &TestServer, org: &Org<'_>, rows: &[(&'static str, &str, bool)]) -> SystemTime {
    let row = |(id, address, active): &(&'static str, &str, bool)| {
        let member = if *active { Member::new(id, &[]) } else { Member::new(id, &[]).inactive() };
        DirectoryMember { email: org.email(address), ..org.row(&member) }
    };
    let members = rows.iter().map(row).collect();
    let request =
        SyncDirectoryRequest { parent: org.name(), mode: SyncMode::Delta.into(), members, ..Default::default() };
    server.directory().sync_directory(tokio_stream::once(request)).await.unwrap();
    let sql = "SELECT last_write_at FROM organizations WHERE id = 'acme'";
    server.database.client().await.query_one(sql, &[]).await.unwrap().get(0)
}

/// Asks about an email from an address.
async fn ask(server: &TestServer, org: &Org<'_>, address: &str, sent: Option<SystemTime>) -> CheckEmailExportResponse {
    let request = CheckEmailExportRequest {
        parent: org.name(),
        subject: Some(Subject::Email(org.email(address))),
        sent_time: sent.map(Into::into),
        ..Default::default()
    };
    server.email_export().check_email_export(request).await.unwrap().into_inner()
}

/// Returns the id of the member who answers for an address.
async fn holder(server: &TestServer, org: &Org<'_>, address: &str, sent: Option<SystemTime>) -> String {
    ask(server, org, address, sent).await.member.rsplit('/').next().unwrap().to_owned()
}

const MICROSECOND: Duration = Duration::from_micros(1);

#[tokio::test(flavor = "multi_thread")]
async fn an_email_of_the_earlier_holder_is_never_exported_for_the_new_one() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let gone = give(&server, &org, &[("no", "no", false)]).await;
    let given = give(&server, &org, &[("yes", "no", true)]).await;

    // `yes` exports since before `no` has left.
    let since: SystemTime = ask(&server, &org, "no", None).await.export_since.unwrap().try_into().unwrap();
    assert!(since < gone && gone < given);
    let cases = [
        (Some(gone), "no", EmailExportReason::MemberInactive),
        (Some(given - MICROSECOND), "no", EmailExportReason::MemberInactive),
        (Some(SystemTime::UNIX_EPOCH), "no", EmailExportReason::MemberInactive),
        (Some(given), "yes", EmailExportReason::Exported),
        (None, "yes", EmailExportReason::Exported),
    ];
    for (sent, member, reason) in cases {
        let answer = ask(&server, &org, "no", sent).await;
        assert_eq!((answer.reason(), answer.member), (reason, org.member(member)), "{sent:?}");
        assert_eq!(answer.export, reason == EmailExportReason::Exported);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_answers_for_a_former_address_until_another_member_gets_it() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let renamed = give(&server, &org, &[("yes", "new", true)]).await;
    for sent in [None, Some(renamed)] {
        let answer = ask(&server, &org, "yes", sent).await;
        assert_eq!((answer.export, answer.member), (true, org.member("yes")), "{sent:?}");
    }
    let given = give(&server, &org, &[("no", "yes", true)]).await;
    assert_eq!(holder(&server, &org, "yes", Some(given - MICROSECOND)).await, "yes");
    assert_eq!(holder(&server, &org, "yes", Some(given)).await, "no");
    assert!(!ask(&server, &org, "yes", None).await.export);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_returns_holds_the_address_again() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    give(&server, &org, &[("yes", "yes", false)]).await;
    let borrowed = give(&server, &org, &[("no", "yes", true)]).await;
    let returned = give(&server, &org, &[("no", "no", true), ("yes", "yes", true)]).await;
    for (sent, member) in [
        (Some(borrowed - MICROSECOND), "yes"),
        (Some(borrowed), "no"),
        (Some(returned - MICROSECOND), "no"),
        (Some(returned), "yes"),
        (None, "yes"),
    ] {
        assert_eq!(holder(&server, &org, "yes", sent).await, member, "{sent:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inactive_member_does_not_get_the_address_of_an_active_one() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let shared = give(&server, &org, &[("old", "yes", false)]).await;
    assert_eq!(holder(&server, &org, "yes", Some(shared)).await, "yes");
    assert_eq!(holder(&server, &org, "yes", None).await, "yes");
    // A new address of inactive members is that of the first one in the order of the ids.
    give(&server, &org, &[("z", "shared", false), ("q", "shared", false)]).await;
    assert_eq!(holder(&server, &org, "shared", None).await, "q");
}

/// An old setting that is imported binds to the inactive member who had the address last (product.md 4.10, 7.3).
#[tokio::test(flavor = "multi_thread")]
async fn an_old_setting_binds_to_the_inactive_member_who_had_the_address_last() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Legacy).await;
    give(&server, &org, &[("first", "shared", true)]).await;
    give(&server, &org, &[("first", "shared", false)]).await;
    give(&server, &org, &[("last", "shared", false)]).await;
    org.import(&[("shared", true)]).await;
    let old_setting = async |member: &str| {
        let sql = "SELECT legacy_email_export FROM members WHERE id = $1";
        server.database.client().await.query_one(sql, &[&member]).await.unwrap().get::<_, Option<bool>>(0)
    };
    assert_eq!((old_setting("first").await, old_setting("last").await), (None, Some(true)));
    assert_eq!(holder(&server, &org, "shared", None).await, "last");
}

/// Asks the store, and not the memory of the server.
async fn look_up(server: &TestServer, org: &Org<'_>, address: &str) {
    let request = CheckEmailExportRequest {
        parent: org.name(),
        subject: Some(Subject::Email(org.email(address))),
        fully_consistent: true,
        ..Default::default()
    };
    server.email_export().check_email_export(request).await.unwrap();
}

/// Makes the database what it is after the syncs of an older release, which writes no holdings, since a revision.
async fn forget_holdings(server: &TestServer, since: i64) {
    let client = server.database.client().await;
    client.execute("DELETE FROM address_holdings WHERE revision > $1", &[&since]).await.unwrap();
    client.execute("UPDATE organizations SET holdings_revision = $1", &[&since]).await.unwrap();
}

async fn stored_holdings(server: &TestServer) -> Vec<(String, i64, String, SystemTime, bool)> {
    let sql = "SELECT email, revision, member_id, begins_at, is_exact FROM address_holdings ORDER BY email, revision";
    let rows = server.database.client().await.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn holdings_of_an_older_release_are_read_from_the_audit() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    give(&server, &org, &[("no", "no", false)]).await;
    give(&server, &org, &[("yes", "no", true), ("old", "yes", false)]).await;
    give(&server, &org, &[("older", "no", false), ("no", "yes", true)]).await;
    give(&server, &org, &[("no", "no", false), ("yes", "yes", true)]).await;
    give(&server, &org, &[("last", "shared", false), ("next", "shared", false)]).await;
    let written = stored_holdings(&server).await;
    assert!(written.len() >= 8, "{written:?}");
    let revision: i64 = written.iter().map(|holding| holding.1).max().unwrap();
    for since in 0..revision {
        // The first look-up in the store fills the holdings in.
        forget_holdings(&server, since).await;
        look_up(&server, &org, "yes").await;
        assert_eq!(stored_holdings(&server).await, written, "since revision {since}");
        // So does the next write.
        forget_holdings(&server, since).await;
        give(&server, &org, &[]).await;
        assert_eq!(stored_holdings(&server).await, written, "since revision {since}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holding_that_the_audit_does_not_explain_leads_to_no_export_before_the_last_change() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let client = server.database.client().await;
    client.batch_execute("DELETE FROM audit_events WHERE method = 'SyncDirectory'").await.unwrap();
    forget_holdings(&server, 0).await;
    let changed: SystemTime = {
        holder(&server, &org, "yes", None).await;
        client.query_one("SELECT updated_at FROM members WHERE id = 'yes'", &[]).await.unwrap().get(0)
    };
    let before = ask(&server, &org, "yes", Some(changed - MICROSECOND)).await;
    assert_eq!((before.export, before.reason()), (false, EmailExportReason::MemberUnknown));
    assert_eq!(before.member, "");
    assert_eq!(holder(&server, &org, "yes", Some(changed)).await, "yes");
    assert!(ask(&server, &org, "yes", None).await.export);
}
