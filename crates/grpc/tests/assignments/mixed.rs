//! The mixed overview: counts, resolutions and their effects, and pages.

use rollcall_proto::v1::{
    Assignment, EmailExport, EmailExportState, ListMixedAssignmentsRequest, ListMixedAssignmentsResponse,
    MixedAssignment, MoveMembersRequest, Phase, UpdateAssignmentRequest, UpdateMode,
};
use rollcall_testkit::{Member, Org, TestServer};

use crate::{AUTOMATIC, EXPORT, MANUAL};

/// The members of a group, and which of them export. The name of an inactive member begins with `i`.
type Group = (&'static str, &'static [(&'static str, bool)]);

const GROUPS: [Group; 4] = [
    ("auto", &[("a1", true), ("a2", false), ("a3", true), ("i4", false), ("i5", true), ("i6", false)]),
    ("same", &[("s1", true), ("s2", true), ("i3", false)]),
    ("hand", &[("h1", true), ("h2", false)]),
    ("more", &[("o1", false), ("o2", false), ("o3", true)]),
];

async fn page(server: &TestServer, org: &Org<'_>, size: i32, token: &str) -> ListMixedAssignmentsResponse {
    let (parent, page_token) = (org.name(), token.to_owned());
    let request = ListMixedAssignmentsRequest { parent, page_size: size, page_token, ..Default::default() };
    server.assignments().list_mixed_assignments(request).await.unwrap().into_inner()
}

/// Creates a migrated organization with an assignment for each group.
async fn carried(server: &TestServer) -> Org<'_> {
    let org = Org::create(server, "acme", Phase::Legacy).await;
    let mut members = Vec::new();
    for (group, people) in &GROUPS {
        let groups: &'static [&'static str] = std::slice::from_ref(group);
        let member = |id: &'static str| {
            if id.starts_with('i') { Member::new(id, groups).inactive() } else { Member::new(id, groups) }
        };
        members.extend(people.iter().map(|(id, _)| member(id)));
    }
    org.sync(&members).await;
    for (group, _) in &GROUPS {
        org.assign(group, &[group], if *group == "hand" { MANUAL } else { AUTOMATIC }, None).await;
    }
    assert_eq!(page(server, &org, 0, "").await.mixed_assignments, [], "there is no setting in phase LEGACY");
    let settings: Vec<_> = GROUPS.iter().flat_map(|(_, people)| *people).copied().collect();
    org.import(&settings).await;
    org.migrate().await;
    org
}

fn mixed(org: &Org<'_>, id: &str, rank: i32, mode: UpdateMode) -> MixedAssignment {
    MixedAssignment {
        assignment: org.assignment(id),
        display_name: id.to_owned(),
        rank,
        update_mode: mode.into(),
        action_required: mode == AUTOMATIC,
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mixed_assignment_is_listed_with_its_counts_and_resolutions() {
    let server = TestServer::start().await;
    let org = carried(&server).await;
    let expected = [
        MixedAssignment {
            exporting: 2,
            not_exporting: 1,
            inactive: 3,
            fewer_changes: EmailExport::Export.into(),
            flips_if_export: 3,
            flips_if_do_not_export: 3,
            members_to_move: vec![org.member("a2")],
            members_to_move_count: 1,
            ..mixed(&org, "auto", 1, AUTOMATIC)
        },
        MixedAssignment {
            exporting: 1,
            not_exporting: 1,
            fewer_changes: EmailExport::DoNotExport.into(),
            flips_if_export: 1,
            flips_if_do_not_export: 1,
            members_to_move: vec![org.member("h1")],
            members_to_move_count: 1,
            ..mixed(&org, "hand", 3, MANUAL)
        },
        MixedAssignment {
            exporting: 1,
            not_exporting: 2,
            fewer_changes: EmailExport::DoNotExport.into(),
            flips_if_export: 2,
            flips_if_do_not_export: 1,
            members_to_move: vec![org.member("o3")],
            members_to_move_count: 1,
            ..mixed(&org, "more", 4, AUTOMATIC)
        },
    ];
    let answer = page(&server, &org, 0, "").await;
    assert_eq!((answer.mixed_assignments.as_slice(), answer.next_page_token.as_str()), (&expected[..], ""));
    let (mut paged, mut token) = (Vec::new(), String::new());
    loop {
        let one = page(&server, &org, 1, &token).await;
        assert_eq!(one.mixed_assignments.len(), 1);
        paged.extend(one.mixed_assignments);
        token = one.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(paged, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_resolutions_have_the_listed_effects() {
    let server = TestServer::start().await;
    let org = carried(&server).await;
    for listed in page(&server, &org, 0, "").await.mixed_assignments {
        for (value, flips) in
            [(EmailExport::Export, listed.flips_if_export), (EmailExport::DoNotExport, listed.flips_if_do_not_export)]
        {
            let name = listed.assignment.clone();
            let assignment = Some(Assignment { name, email_export: value.into(), ..Default::default() });
            let mask = prost_types::FieldMask { paths: vec!["email_export".to_owned()] };
            let request = UpdateAssignmentRequest {
                assignment,
                update_mask: Some(mask),
                validate_only: true,
                ..Default::default()
            };
            let answer = server.assignments().update_assignment(request).await.unwrap().into_inner();
            let preview = answer.preview.unwrap();
            assert_eq!(
                preview.flips_to_export + preview.flips_to_do_not_export,
                flips,
                "{} {value:?}",
                listed.assignment
            );
        }
        let id = listed.assignment.rsplit('/').next().unwrap().to_owned();
        let (parent, assignment) = (org.name(), org.assignment("default"));
        let members = listed.members_to_move.clone();
        let request = MoveMembersRequest { parent, members, assignment, ..Default::default() };
        server.members().move_members(request).await.unwrap();
        let state = org.get_assignment(&id).await.email_export_summary.unwrap().state();
        let agreed = if listed.fewer_changes() == EmailExport::Export {
            EmailExportState::Export
        } else {
            EmailExportState::DoNotExport
        };
        assert_eq!(state, agreed, "{id}");
    }
    assert_eq!(page(&server, &org, 0, "").await.mixed_assignments, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_hundred_moving_members_are_listed_and_all_are_counted() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Legacy).await;
    let ids: Vec<&'static str> = (0..250).map(|number| &*format!("m{number:03}").leak()).collect();
    let members: Vec<Member> = ids.iter().map(|id| Member::new(id, &["g"])).collect();
    org.sync(&members).await;
    org.assign("all", &["g"], AUTOMATIC, None).await;
    // The last 120 members export, which is the smaller part.
    org.import(&ids[130..].iter().map(|id| (*id, true)).collect::<Vec<_>>()).await;
    org.migrate().await;
    let listed = page(&server, &org, 0, "").await.mixed_assignments.remove(0);
    assert_eq!((listed.exporting, listed.not_exporting, listed.members_to_move_count), (120, 130, 120));
    let expected: Vec<String> = ids[130..230].iter().map(|id| org.member(id)).collect();
    assert_eq!(listed.members_to_move, expected);
    let none = Org::create(&server, "other", Phase::Migrated).await;
    none.sync(&[Member::new("m", &["g"])]).await;
    none.assign("all", &["g"], AUTOMATIC, EXPORT).await;
    assert_eq!(page(&server, &none, 0, "").await.mixed_assignments, []);
}
