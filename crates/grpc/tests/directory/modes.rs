//! The changes of a DELTA and a FULL sync.

use rollcall_proto::v1::{
    Catalog, DirectoryGroup, EmailExport, EmailExportSource, GetCatalogRequest, Phase, SeatType, Settings, SyncCounts,
    SyncDirectoryRequest, UpdateCatalogRequest,
};
use rollcall_testkit::{Member, Org, TestServer};

use crate::{AUTOMATIC, EVERYBODY, MANUAL, MEMBERS, acme, delta, everybody, groups, memberships, revision, take};

#[tokio::test(flavor = "multi_thread")]
async fn a_delta_sync_changes_only_what_it_names() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let before = org.get_member("a").await;
    let request = SyncDirectoryRequest {
        members: vec![org.row(&MEMBERS[3].clone().inactive()), org.row(&Member::new("e", &[]))],
        groups: vec![DirectoryGroup { group: "eng".to_owned(), display_name: "Makers".to_owned() }],
        memberships: memberships(&[("eng", "c"), ("eng", "e"), ("eng", "a")]),
        removed_memberships: memberships(&[("eng", "b"), ("ops", "a")]),
        ..delta(&org)
    };
    let preview = take(&server, SyncDirectoryRequest { validate_only: true, ..request.clone() }).await;
    let counts = SyncCounts {
        members_created: 1,
        members_deactivated: 1,
        groups_changed: 1,
        memberships_added: 2,
        memberships_removed: 1,
        members_rehomed: 2,
        ..Default::default()
    };
    let flips = preview.preview.as_ref().map(|p| (p.assignment_changes, p.flips_to_export, p.flips_to_do_not_export));
    assert_eq!(
        (preview.counts, flips, preview.revision),
        (Some(counts), Some((3, 1, 1)), revision(&server, &org).await)
    );
    assert_eq!(everybody(&server, &org).await, EVERYBODY);

    let response = take(&server, request).await;
    assert_eq!((response.counts, response.preview, response.rejected_count), (Some(counts), None, 0));
    let expected = [
        "a (eng) engineering",
        "b (ops) operations",
        "c (eng ops) engineering",
        "-d () default",
        "e (eng) engineering",
    ];
    assert_eq!(everybody(&server, &org).await, expected);
    assert_eq!(groups(&server, &org).await, ["Makers (3)", "ops (2)"]);
    assert_eq!(org.get_member("a").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_and_groups_absent_from_a_full_sync_are_inactive_until_they_return() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let response = org.sync(&MEMBERS[..1]).await;
    let counts = SyncCounts {
        members_deactivated: 3,
        groups_changed: 1,
        memberships_removed: 2,
        members_rehomed: 1,
        ..Default::default()
    };
    assert_eq!(response.counts, Some(counts));
    // Absent members keep their assignment and memberships, except for memberships of the absent group.
    assert_eq!(
        everybody(&server, &org).await,
        ["a (eng) engineering", "-b (eng) engineering", "-c () default", "-d () default"]
    );
    assert_eq!(groups(&server, &org).await, ["eng (2)", "-ops (0)"]);
    assert_eq!(org.get_assignment("operations").await.groups, [org.group("ops")]);
    org.sync(&MEMBERS).await;
    assert_eq!(everybody(&server, &org).await, EVERYBODY);
    assert_eq!(groups(&server, &org).await, ["eng (2)", "ops (2)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reactivated_member_gets_the_settings_of_the_update_mode() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Legacy).await;
    let away = [
        Member::new("auto", &["eng"]).inactive(),
        Member::new("hand", &["ops"]).inactive(),
        Member::new("rest", &[]).inactive(),
    ];
    org.sync(&away).await;
    let request = GetCatalogRequest { name: format!("{}/catalog", org.name()), ..Default::default() };
    let catalog = server.organizations().get_catalog(request).await.unwrap().into_inner().catalog.unwrap();
    let seat_types = vec![SeatType { seat_type: "gong".to_owned(), ..Default::default() }];
    let request = UpdateCatalogRequest { catalog: Some(Catalog { seat_types, ..catalog }), ..Default::default() };
    server.organizations().update_catalog(request).await.unwrap();
    for (id, group, mode) in [("engineering", "eng", AUTOMATIC), ("operations", "ops", MANUAL)] {
        let mut request = org.new_assignment(id, &[group], mode, None);
        let settings = Settings { seats: vec!["gong".to_owned()], ..Default::default() };
        request.assignment.as_mut().unwrap().settings = Some(settings);
        server.assignments().create_assignment(request).await.unwrap();
    }
    org.import(&[("auto", true), ("hand", true), ("rest", true)]).await;
    org.migrate().await;
    let what = async |id: &str| {
        let member = org.get_member(id).await;
        (member.email_export(), member.email_export_source(), member.email_export_since, member.held_seats.len())
    };
    let carried = |seats| (EmailExport::Export, EmailExportSource::Migration, None, seats);
    for id in ["auto", "hand", "rest"] {
        assert_eq!(what(id).await, carried(0), "{id}");
    }
    let back = away.clone().map(|member| Member { active: true, ..member });
    let response = org.sync(&back).await;
    assert_eq!(response.counts, Some(SyncCounts { members_reactivated: 3, ..Default::default() }));
    // Without active members, the migration chooses DO_NOT_EXPORT for each assignment.
    assert_eq!(what("auto").await, (EmailExport::DoNotExport, EmailExportSource::Assignment, None, 1));
    assert_eq!((what("hand").await, what("rest").await), (carried(1), carried(0)));
    org.sync(&away).await;
    assert_eq!(what("hand").await, carried(0));
    assert_eq!(org.get_member("hand").await.settings.unwrap().seats, ["gong"]);
    org.sync(&back).await;
    assert_eq!(what("hand").await, carried(1));
}
