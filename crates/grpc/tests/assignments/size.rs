//! A write reads the rows of the members that it concerns, in an organization of any size (docs/adr/0027-cost-of-a-write.md).

use std::collections::BTreeMap;

use prost_types::FieldMask;
use rollcall_proto::v1::{
    Assignment, Catalog, DeleteAssignmentRequest, GetCatalogRequest, Member as MemberMessage, MoveAssignmentRequest,
    MoveMembersRequest, Phase, ReleaseMembersRequest, SeatType, Settings, UpdateAssignmentRequest,
    UpdateCatalogRequest, UpdateMemberSettingsRequest,
};
use rollcall_testkit::{Member, Org, TestServer, enlarge, rows_read};

use crate::{AUTOMATIC, EXPORT, MANUAL};

/// The members that the writes concern, and `first`, who is copied.
const MEMBERS: [Member; 6] = [
    Member::new("first", &["crowd"]),
    Member::new("second", &["crowd"]),
    Member::new("a", &["eng"]),
    Member::new("b", &["eng", "sales"]),
    Member::new("c", &["eng", "sales"]),
    Member::new("d", &["sales"]),
];

/// Every second copy of `first` has another email export, so that `crowd` is mixed, and no value is chosen on it.
const FIELDS: &str = "jsonb_build_object(
        'email_export', CASE WHEN i % 2 = 0 THEN 'EXPORT' ELSE 'DO_NOT_EXPORT' END, 'email_export_since', NULL
    )";

/// Every copy has a seat of the type `gong`, and waits for one of the type `engage`.
const ROWS: [&str; 2] = [
    "INSERT INTO memberships (organization_id, member_id, group_id)
        SELECT 'acme', 'u' || i, 'crowd' FROM generate_series(1, $1::integer) AS i",
    "INSERT INTO pending_seats (organization_id, seat_type, member_id, pending_since, pending_revision)
        SELECT 'acme', 'engage', 'u' || i, now(), 1 FROM generate_series(1, $1::integer) AS i",
];

/// Sets the seat types, of which more or fewer have a total.
async fn set_totals(server: &TestServer, org: &Org<'_>, totals: [i32; 2]) {
    let name = format!("{}/catalog", org.name());
    let get = GetCatalogRequest { name, ..Default::default() };
    let catalog = server.organizations().get_catalog(get).await.unwrap().into_inner().catalog.unwrap();
    let seat =
        |(id, total): (&str, i32)| SeatType { seat_type: id.to_owned(), total: Some(total), ..Default::default() };
    let seat_types = ["gong", "engage"].into_iter().zip(totals).map(seat).collect();
    let request = UpdateCatalogRequest { catalog: Some(Catalog { seat_types, ..catalog }), ..Default::default() };
    server.organizations().update_catalog(request).await.unwrap();
}

fn seats(types: &[&str]) -> Option<Settings> {
    Some(Settings { seats: types.iter().map(|&seat| seat.to_owned()).collect(), ..Default::default() })
}

fn mask(path: &str) -> Option<FieldMask> {
    Some(FieldMask { paths: vec![path.to_owned()] })
}

/// Creates, renames, moves and deletes an assignment with three members, and moves, releases and edits one member.
async fn write(server: &TestServer, org: &Org<'_>) {
    let (mut assignments, mut members, parent) = (server.assignments(), server.members(), org.name());
    let mut create = org.new_assignment("sales", &["sales"], AUTOMATIC, EXPORT);
    create.assignment.as_mut().unwrap().settings = seats(&["gong", "engage"]);
    create.position = 1;
    assignments.create_assignment(create).await.unwrap();
    let renamed = Assignment { name: org.assignment("sales"), display_name: "Sales".to_owned(), ..Default::default() };
    let update_mask = mask("display_name");
    let request = UpdateAssignmentRequest { assignment: Some(renamed), update_mask, ..Default::default() };
    assignments.update_assignment(request).await.unwrap();
    for position in [2, 1] {
        let request = MoveAssignmentRequest { name: org.assignment("sales"), position, ..Default::default() };
        assignments.move_assignment(request).await.unwrap();
    }
    let (moved, assignment) = (vec![org.member("a")], org.assignment("crowd"));
    let request = MoveMembersRequest { parent, members: moved.clone(), assignment, ..Default::default() };
    assert_eq!(members.move_members(request).await.unwrap().into_inner().moved_count, 1);
    let edited = Some(MemberMessage { name: org.member("a"), settings: seats(&["gong"]), ..Default::default() });
    let update_mask = mask("settings.seats");
    let request = UpdateMemberSettingsRequest { member: edited, update_mask, ..Default::default() };
    members.update_member_settings(request).await.unwrap();
    let request = ReleaseMembersRequest { parent: org.name(), members: moved, ..Default::default() };
    members.release_members(request).await.unwrap();
    let name = org.assignment("sales");
    let request = DeleteAssignmentRequest { name, resolve_members: true, ..Default::default() };
    assignments.delete_assignment(request).await.unwrap();
}

/// Returns how many rows of each table were read, from the creation of an organization with this many members on.
async fn cost_of_writes(copies: i32) -> BTreeMap<String, i64> {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    set_totals(&server, &org, [1_000_000, 1]).await;
    org.sync(&MEMBERS).await;
    let mut crowd = org.new_assignment("crowd", &["crowd"], MANUAL, EXPORT);
    crowd.assignment.as_mut().unwrap().settings = seats(&["gong", "engage"]);
    server.assignments().create_assignment(crowd).await.unwrap();
    org.assign("engineering", &["eng"], AUTOMATIC, EXPORT).await;
    let client = server.database.client().await;
    enlarge(&client, copies, FIELDS, &ROWS).await;
    let unchosen = "UPDATE assignments SET email_export = NULL WHERE id IN ('crowd', 'default')";
    client.batch_execute(unchosen).await.unwrap();
    write(&server, &org).await;
    let tables = ["members", "memberships", "pins", "pending_seats", "member_changes"];
    rows_read(&client, &tables).await
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_about_few_members_read_the_same_rows_in_a_small_and_in_a_large_organization() {
    let (small, large) = (cost_of_writes(2_000).await, cost_of_writes(50_000).await);
    for (table, rows) in &large {
        assert!(*rows <= small[table] + 200, "{table}: {small:?} of 2,000 members, {large:?} of 50,000 members");
    }
}
