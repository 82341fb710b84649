//! The rows that an import of legacy settings accepts, and the members they bind to.

use rollcall_proto::v1::{
    EmailExport, ImportLegacySettingsRequest, ImportLegacySettingsResponse, Phase, Preview, RejectedRow,
    SyncDirectoryRequest, SyncMode,
};
use rollcall_testkit::{Member, Org, TestServer, difference, dump, reason};
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{NO, YES, import, migration, roll_back, send, setting};

/// Changes the address of a member.
async fn rename(server: &TestServer, org: &Org<'_>, member: &'static str, email: &str) {
    let mut row = org.row(&Member::new(member, &[]));
    row.email = email.to_owned();
    let (parent, mode) = (org.name(), SyncMode::Delta.into());
    let request = SyncDirectoryRequest { parent, mode, members: vec![row], ..Default::default() };
    server.directory().sync_directory(tokio_stream::once(request)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_reports_the_result_of_every_row() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Legacy).await;
    org.sync(&[Member::new("a", &[]), Member::new("b", &[]), Member::new("c", &[])]).await;
    let rows = vec![
        setting("A@Acme.Example", YES),
        setting("a@acme.example", YES),
        setting("b@acme.example", YES),
        setting("B@acme.example", NO),
        setting("Later@acme.example", YES),
        setting("early@acme.example", NO),
        setting("nobody", YES),
        setting("mailto:c@acme.example", YES),
        setting("c@acme.example", EmailExport::Unspecified),
    ];
    let checked = ImportLegacySettingsRequest { validate_only: true, ..import(&org, rows.clone()) };
    let checked = send(&server, vec![checked]).await.unwrap();
    let before = migration(&server, &org).await;
    assert_eq!((before.0.unmatched_legacy_settings, checked.revision.clone()), (0, before.1));
    // The rows may be in any number of messages.
    let more = ImportLegacySettingsRequest { settings: rows[3..].to_vec(), ..Default::default() };
    let done = send(&server, vec![import(&org, rows[..3].to_vec()), more]).await.unwrap();
    assert_eq!(checked.preview, Some(Preview::default()));
    assert_eq!(ImportLegacySettingsResponse { revision: done.revision.clone(), preview: None, ..checked }, done);

    let row = |row: &RejectedRow| format!("{} {}", row.kind, row.key);
    let mut rejected: Vec<String> = done.rejected.iter().map(row).collect();
    rejected.sort_unstable();
    let expected = ["B@acme.example", "b@acme.example", "c@acme.example", "mailto:c@acme.example", "nobody"];
    assert_eq!(rejected, expected.map(|key| format!("legacy_setting {key}")));
    let expected = ImportLegacySettingsResponse {
        bound_count: 1,
        unmatched_count: 2,
        unmatched_emails: vec!["early@acme.example".to_owned(), "later@acme.example".to_owned()],
        duplicate_count: 1,
        duplicate_emails: vec!["a@acme.example".to_owned()],
        rejected_count: 5,
        ..done.clone()
    };
    assert_eq!(done, expected);
    let exporting = [org.check("a", None).await.export, org.check("b", None).await.export];
    assert_eq!((exporting, migration(&server, &org).await.0.unmatched_legacy_settings), ([true, false], 2));
    let again = send(&server, vec![import(&org, rows)]).await.unwrap();
    assert_eq!(again, done, "the same import again changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unmatched_legacy_setting_binds_to_its_member_and_then_follows_the_member() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Legacy).await;
    org.sync(&[Member::new("a", &[])]).await;
    let rows = || vec![setting("a@acme.example", YES), setting("new@acme.example", YES)];
    send(&server, vec![import(&org, rows())]).await.unwrap();
    rename(&server, &org, "late", "NEW@acme.example").await;
    assert_eq!(migration(&server, &org).await.0.unmatched_legacy_settings, 0);
    assert!(org.check("new", None).await.export);
    // `heir` gets the address of `a`, but not the setting of `a`, nor that of a second row.
    rename(&server, &org, "a", "moved@acme.example").await;
    rename(&server, &org, "heir", "a@acme.example").await;
    assert!(org.check("moved", None).await.export && !org.check("a", None).await.export);
    // A later import replaces the setting: a row binds to the current holder of its address.
    let rows = vec![setting("moved@acme.example", NO), setting("a@acme.example", YES)];
    let replaced = send(&server, vec![import(&org, rows)]).await.unwrap();
    assert_eq!((replaced.bound_count, replaced.unmatched_count), (2, 0));
    assert!(!org.check("moved", None).await.export && org.check("a", None).await.export);
    // A later import also replaces an unmatched row.
    for value in [YES, NO] {
        let waiting = send(&server, vec![import(&org, vec![setting("then@acme.example", value)])]).await.unwrap();
        assert_eq!(waiting.unmatched_emails, ["then@acme.example"]);
    }
    rename(&server, &org, "then", "then@acme.example").await;
    assert!(!org.check("then", None).await.export);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_import_is_refused_completely() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    let rows = || vec![setting("a@acme.example", YES)];
    for validate_only in [true, false] {
        let request = ImportLegacySettingsRequest { validate_only, ..import(&org, rows()) };
        let status = send(&server, vec![request]).await.unwrap_err();
        let expected = (Code::FailedPrecondition, "EMAIL_EXPORT_ALREADY_MIGRATED");
        assert_eq!((status.code(), reason(&status).as_str()), expected);
        assert_eq!(status.get_error_details().error_info().unwrap().metadata["organization"], "acme");
    }
    let legacy = Org::create(&server, "old", Phase::Legacy).await;
    let first = import(&legacy, rows());
    let later = ImportLegacySettingsRequest { validate_only: true, ..Default::default() };
    let every_row = ImportLegacySettingsRequest { list_all_rows: true, ..Default::default() };
    let cases = [
        (vec![], "parent"),
        (vec![ImportLegacySettingsRequest { parent: String::new(), ..first.clone() }], "parent"),
        (vec![first.clone(), first.clone()], "parent"),
        (vec![first.clone(), later], "validate_only"),
        (vec![first.clone(), every_row], "list_all_rows"),
    ];
    for (messages, field) in cases {
        let status = send(&server, messages).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "INVALID_REQUEST"));
        assert_eq!(status.get_error_details().bad_request().unwrap().field_violations[0].field, field);
    }
    let status =
        send(&server, vec![ImportLegacySettingsRequest { parent: "organizations/none".to_owned(), ..first }]).await;
    assert_eq!(reason(&status.unwrap_err()), "ORGANIZATION_NOT_FOUND");
    assert_eq!(migration(&server, &legacy).await.0.unmatched_legacy_settings, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_can_return_more_than_ten_thousand_unmatched_rows() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Legacy).await;
    let rows =
        |kind: &'static str, value| (0..10_001).map(move |n| setting(&format!("{kind}{n:05}@acme.example"), value));
    let rows = || [rows("w", YES), rows("w", YES), rows("c", YES), rows("c", NO)].into_iter().flatten();
    let mut client = server.migration().max_decoding_message_size(usize::MAX);
    for (list_all_rows, emails, rejected) in [(false, 10_000, 10_000), (true, 10_001, 20_002)] {
        let options = ImportLegacySettingsRequest { list_all_rows, ..import(&org, Vec::new()) };
        let rows: Vec<_> = rows().collect();
        let more = rows
            .chunks(5_000)
            .map(|rows| ImportLegacySettingsRequest { settings: rows.to_vec(), ..Default::default() });
        let messages: Vec<_> = [options].into_iter().chain(more).collect();
        let answer = client.import_legacy_settings(tokio_stream::iter(messages)).await.unwrap().into_inner();
        assert_eq!((answer.unmatched_count, answer.duplicate_count, answer.rejected_count), (10_001, 10_001, 20_002));
        assert_eq!((answer.unmatched_emails.len(), answer.duplicate_emails.len()), (emails, emails));
        assert!(answer.rejected.len() == rejected || !list_all_rows, "{}", answer.rejected.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_created_while_migrated_gets_a_legacy_setting_at_the_next_sync() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Legacy).await;
    org.sync(&[Member::new("a", &[])]).await;
    send(&server, vec![import(&org, vec![setting("b@acme.example", YES), setting("c@acme.example", YES)])])
        .await
        .unwrap();
    org.migrate().await;
    org.sync(&["a", "b", "c"].map(|id| Member::new(id, &[]))).await;
    roll_back(&server, &org, false).await.unwrap();
    assert_eq!(migration(&server, &org).await.0.unmatched_legacy_settings, 2);
    // The row of `b` changes nothing, and `c` is absent.
    let before = dump(&server.database, None).await["audit_subjects"].len();
    org.sync(&["a", "b"].map(|id| Member::new(id, &[]))).await;
    assert_eq!(migration(&server, &org).await.0.unmatched_legacy_settings, 1);
    assert!(org.check("b", None).await.export && !org.check("c", None).await.export);
    assert_eq!(dump(&server.database, None).await["audit_subjects"].len() - before, 2, "b and c");
    let before = dump(&server.database, None).await;
    org.sync(&["a", "b"].map(|id| Member::new(id, &[]))).await;
    assert_eq!(difference(&before, &dump(&server.database, None).await), None);
}
