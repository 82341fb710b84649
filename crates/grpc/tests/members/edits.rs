//! Editing one member (product.md 3).

use rollcall_proto::v1::{
    DataCapture, EmailExport, Member as MemberMessage, Phase, Settings, UpdateMemberSettingsRequest,
    WorkspacePermission,
};
use rollcall_testkit::{Member, Org, TestServer, refused};

use crate::acme;

/// A flag that is written as false and an empty home workspace are values, also without a mask.
#[tokio::test(flavor = "multi_thread")]
async fn an_update_without_a_mask_writes_every_value_that_it_gives() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    org.sync(&[Member::new("ada", &[])]).await;
    let update = async |capture: DataCapture| {
        let settings = Settings { data_capture: Some(capture), ..Default::default() };
        let member = Some(MemberMessage { name: org.member("ada"), settings: Some(settings), ..Default::default() });
        let request = UpdateMemberSettingsRequest { member, ..Default::default() };
        let updated = server.members().update_member_settings(request).await.unwrap().into_inner();
        let capture = updated.member.unwrap().settings.unwrap().data_capture.unwrap();
        (capture.emails_imported(), capture.telephony_calls_imported())
    };
    let on = DataCapture { emails_imported: Some(true), telephony_calls_imported: Some(true), ..Default::default() };
    assert_eq!(update(on).await, (true, true));
    assert_eq!(update(DataCapture { emails_imported: Some(false), ..Default::default() }).await, (false, true));
    assert_eq!(update(DataCapture::default()).await, (false, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_validated_and_can_be_previewed() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let before = org.get_member("keeper").await;
    let export =
        MemberMessage { email_export: EmailExport::Export.into(), name: before.name.clone(), ..Default::default() };
    let edit = |member: MemberMessage| UpdateMemberSettingsRequest { member: Some(member), ..Default::default() };
    let masked = |path: &str| {
        let update_mask = Some(prost_types::FieldMask { paths: vec![path.to_owned()] });
        UpdateMemberSettingsRequest { update_mask, ..edit(export.clone()) }
    };
    let seats = Some(Settings { seats: vec!["moon".to_owned()], ..Default::default() });
    let not_there = Some(Settings {
        seats: vec!["moon".to_owned()],
        home_workspace: Some("sea".to_owned()),
        permissions: vec![WorkspacePermission { workspace: "sky".to_owned(), profile: "admin".to_owned() }],
        ..Default::default()
    });
    let both = DataCapture { emails_imported: Some(true), prevent_email_import: Some(true), ..Default::default() };
    let contradictory = Some(Settings { data_capture: Some(both), ..Default::default() });
    let stale = format!("Aborted STALE_ETAG current_etag={} etag=0 resource={}", before.etag, before.name);
    let bad = |text: &str| format!("InvalidArgument {text}");
    let cases = [
        (
            edit(MemberMessage { settings: seats, ..export.clone() }),
            bad("UNKNOWN_SEAT_TYPE member.settings.seats seat_type=moon"),
        ),
        (
            edit(MemberMessage { settings: not_there, job_title: "Boss".to_owned(), ..export.clone() }),
            bad(concat!(
                "INVALID_REQUEST member.job_title member.settings.seats member.settings.home_workspace ",
                "member.settings.permissions field=job_title profile=,admin seat_type=moon workspace=sea,sky"
            )),
        ),
        (
            edit(MemberMessage { settings: contradictory, ..export.clone() }),
            bad(concat!(
                "CONTRADICTORY_DATA_CAPTURE member.settings.data_capture.prevent_email_import ",
                "fields=emails_imported,prevent_email_import"
            )),
        ),
        (edit(MemberMessage { etag: "0".to_owned(), ..export.clone() }), stale),
        (
            edit(MemberMessage { name: org.member("nobody"), ..export.clone() }),
            "NotFound MEMBER_NOT_FOUND member=nobody".to_owned(),
        ),
        (masked("assignment"), bad("INVALID_REQUEST update_mask")),
        (masked("email"), bad("FIELD_OWNED_BY_IDP member.email field=email")),
    ];
    for (request, expected) in cases {
        assert_eq!(refused(server.members().update_member_settings(request)).await, expected);
    }
    let request = UpdateMemberSettingsRequest { validate_only: true, ..edit(export) };
    let preview = server.members().update_member_settings(request).await.unwrap().into_inner().preview.unwrap();
    assert_eq!((preview.flips_to_export, preview.assignment_changes, preview.sample.len()), (1, 0, 1));
    assert_eq!(org.get_member("keeper").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_member_may_be_sent_back_with_unchanged_identity_fields() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let before = org.get_member("keeper").await;
    let whole = MemberMessage { email_export: EmailExport::Export.into(), ..before.clone() };
    let edit = |member: MemberMessage| UpdateMemberSettingsRequest {
        member: Some(member),
        update_mask: Some(prost_types::FieldMask { paths: vec!["*".to_owned()] }),
        ..Default::default()
    };
    let other = edit(MemberMessage { job_title: "Boss".to_owned(), ..whole.clone() });
    let refusal = refused(server.members().update_member_settings(other)).await;
    assert_eq!(refusal, "InvalidArgument FIELD_OWNED_BY_IDP member.job_title field=job_title");
    assert_eq!(org.get_member("keeper").await, before);
    let edited = server.members().update_member_settings(edit(whole)).await.unwrap().into_inner().member.unwrap();
    assert_eq!((edited.email_export(), edited.job_title), (EmailExport::Export, before.job_title));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_etag_error_names_the_member_with_percent_encoding() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    org.sync(&[Member::new("a/b", &[])]).await;
    let name = org.member("a%2Fb");
    let stale = MemberMessage { name: name.clone(), etag: "0".to_owned(), ..Default::default() };
    let request = UpdateMemberSettingsRequest { member: Some(stale), ..Default::default() };
    let refusal = refused(server.members().update_member_settings(request)).await;
    assert!(refusal.ends_with(&format!(" resource={name}")), "{refusal}");
}
