//! The list of the migrations of all organizations.

use rollcall_proto::v1::{
    ListMigrationsRequest, Migration, MigrationState, Organization, Phase, UpdateOrganizationRequest,
};
use rollcall_testkit::{Member, Org, TestServer, refused};

use super::{break_setting_of, fail, migration, retry, roll_back};

fn all(state: MigrationState, page_size: i32, page_token: &str) -> ListMigrationsRequest {
    ListMigrationsRequest { state: state.into(), page_size, page_token: page_token.to_owned(), wave: None }
}

/// Returns the items of every page of a list.
async fn list(server: &TestServer, state: MigrationState, page_size: i32) -> Vec<Migration> {
    let (mut listed, mut token) = (Vec::new(), String::new());
    loop {
        let page = server.migration().list_migrations(all(state, page_size, &token)).await.unwrap().into_inner();
        assert!(page_size == 0 || page.migrations.len() <= usize::try_from(page_size).unwrap());
        listed.extend(page.migrations);
        token = page.next_page_token;
        if token.is_empty() {
            return listed;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_are_listed_in_pages_with_their_states() {
    let server = TestServer::start().await;
    assert_eq!(list(&server, MigrationState::Unspecified, 0).await, []);
    let ids = ["a-failed", "b-migrated", "c-rolled-back", "d-retried"];
    let mut orgs = Vec::new();
    for id in ids {
        let org = Org::create(&server, id, Phase::Legacy).await;
        let member = if id == "a-failed" { "unlucky" } else { "lucky" };
        org.sync(&[Member::new(member, &[])]).await;
        org.import(&[(member, true), ("nobody", true)]).await;
        orgs.push(org);
    }
    break_setting_of(&server, "unlucky").await;
    fail(&server).await;
    for org in &orgs[2..] {
        roll_back(&server, org, false).await.unwrap();
    }
    retry(&server, &orgs[3], false).await.unwrap();
    Org::create(&server, "e-created-migrated", Phase::Migrated).await;
    orgs.push(Org::create(&server, "f-never-tried", Phase::Legacy).await);
    orgs[4].import(&[("x", true), ("y", true)]).await;

    let mut expected = Vec::new();
    for org in &orgs {
        expected.push(Migration { assignments: Vec::new(), assignment_count: 0, ..migration(&server, org).await.0 });
    }
    let summary = |listed: &Migration| (listed.state(), listed.proof.is_some(), listed.unmatched_legacy_settings);
    use MigrationState::{Failed, Migrated, Pending, RolledBack};
    let states =
        [(Failed, true, 1), (Migrated, true, 1), (RolledBack, true, 1), (Pending, false, 1), (Pending, false, 2)];
    assert_eq!(expected.iter().map(summary).collect::<Vec<_>>(), states);
    assert!(!expected[0].failure.is_empty() && expected[3].update_time.is_some() && expected[4].update_time.is_none());
    for page_size in [0, 1, 2, 5] {
        assert_eq!(list(&server, MigrationState::Unspecified, page_size).await, expected, "{page_size}");
        for state in [Failed, Migrated, RolledBack, Pending] {
            let only: Vec<_> = expected.iter().filter(|migration| migration.state() == state).cloned().collect();
            assert_eq!(list(&server, state, page_size).await, only, "{state:?} {page_size}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_list_request_is_refused() {
    let server = TestServer::start().await;
    for id in ["a", "b"] {
        Org::create(&server, id, Phase::Legacy).await;
    }
    let page = server.migration().list_migrations(all(MigrationState::Pending, 1, "")).await.unwrap().into_inner();
    let unknown = ListMigrationsRequest { state: 9, ..Default::default() };
    let of_wave = |wave| ListMigrationsRequest { wave: Some(wave), ..all(MigrationState::Pending, 1, "") };
    let page_token = page.next_page_token.clone();
    let cases = [
        (all(MigrationState::Failed, 1, &page.next_page_token), "page_token"),
        (all(MigrationState::Pending, -1, ""), "page_size"),
        (unknown, "state"),
        (of_wave(-1), "wave"),
        (ListMigrationsRequest { page_token, ..of_wave(0) }, "page_token"),
    ];
    for (request, field) in cases {
        let expected = format!("InvalidArgument INVALID_REQUEST {field}");
        assert_eq!(refused(server.migration().list_migrations(request)).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_of_one_wave_are_listed() {
    let server = TestServer::start().await;
    for (id, wave) in [("a", 0), ("b", 2), ("c", 2), ("d", 3)] {
        let org = Org::create(&server, id, Phase::Legacy).await;
        let organization = Organization { name: org.name(), wave: Some(wave), ..Default::default() };
        let request = UpdateOrganizationRequest { organization: Some(organization), ..Default::default() };
        server.organizations().update_organization(request).await.unwrap();
        assert_eq!(migration(&server, &org).await.0.wave, wave);
    }
    for (wave, expected) in [(None, "a0 b2 c2 d3"), (Some(0), "a0"), (Some(2), "b2 c2"), (Some(9), "")] {
        let request = ListMigrationsRequest { wave, ..Default::default() };
        let listed = server.migration().list_migrations(request).await.unwrap().into_inner().migrations;
        let shown: Vec<String> =
            listed.iter().map(|listed| format!("{}{}", &listed.name[14..15], listed.wave)).collect();
        assert_eq!(shown.join(" "), expected);
    }
}
