//! A save of an assignment with 2,000 members that chooses a value for all of them.

use rand::{RngExt as _, rngs::StdRng};
use rollcall_proto::v1::{Assignment, EmailExport, GetAssignmentRequest, Phase, UpdateAssignmentRequest};

use super::{
    kill_migration::migrate,
    kill_moment::{INSERT_CHANGES, INSERT_EVENT, Stop, UPDATE_MEMBERS, UPDATE_ORGANIZATION},
    kill_seed::{self as seed, NewAssignment, Person, member},
    kill_server::Server,
    kill_trial::Operation,
};

/// The organizations: in one, the members differ; in the other, all export.
pub(crate) const ORGANIZATIONS: [&str; 2] = ["mixed", "exporting"];

/// Creates the organizations with an assignment `everyone`.
pub(crate) async fn seed(server: &Server) {
    let person = |number: usize| Person {
        number,
        name: "Given".to_owned(),
        groups: vec![usize::from(number >= 2000)],
        active: !number.is_multiple_of(10),
    };
    let people: Vec<Person> = (0..2100).map(person).collect();
    for (organization, export) in ORGANIZATIONS.into_iter().zip([None, Some(EmailExport::Export)]) {
        let phase = if export.is_some() { Phase::Migrated } else { Phase::Legacy };
        let everyone = NewAssignment { id: "everyone".to_owned(), groups: vec![0], automatic: true, export };
        seed::organization(server, organization, phase, &people, &[everyone]).await;
    }
    seed::import(server, ORGANIZATIONS[0], 0..2000).await;
    migrate(server).await.unwrap().unwrap();
}

/// Chooses a value, and changes the name and adds a group in the same save.
pub(crate) fn operation(organization: &'static str, export: EmailExport) -> Operation {
    let assignment = Assignment {
        name: format!("organizations/{organization}/assignments/everyone"),
        display_name: "Everyone".to_owned(),
        groups: [0, 1].map(|group| seed::group_name(organization, group)).to_vec(),
        email_export: export.into(),
        ..Default::default()
    };
    let request = UpdateAssignmentRequest { assignment: Some(assignment), ..Default::default() };
    Box::new(move |server| {
        let (mut client, request) = (server.assignments(), request.clone());
        tokio::spawn(async move { client.update_assignment(request).await.map(drop) })
    })
}

/// Returns how many active members of the assignment export, and how many do not.
pub(crate) async fn exporting(server: &Server, organization: &str) -> (i32, i32) {
    let name = format!("organizations/{organization}/assignments/everyone");
    let request = GetAssignmentRequest { name, ..Default::default() };
    let assignment = server.assignments().get_assignment(request).await.unwrap().into_inner().assignment.unwrap();
    let summary = assignment.email_export_summary.unwrap();
    (summary.exporting, summary.not_exporting)
}

/// Returns stops in a save, in the order of its statements.
pub(crate) fn stops(organization: &str, rng: &mut StdRng) -> Vec<Stop> {
    // A member whose setting changes with either choice.
    let mut drawn = || member(15 * rng.random_range(0..130) + 3 * rng.random_range(1..5));
    let saved = format!("organization_id = '{organization}' AND id = 'everyone'");
    let new_group = format!("'assignment_id', 'everyone', 'group_id', '{}'", seed::group(1));
    vec![
        Stop::at_row("INSERT INTO assignments", "assignments", &saved),
        Stop::at_table("DELETE FROM \"assignment_groups\"", "assignment_groups"),
        Stop::at_new_row("INSERT INTO assignment_groups", "assignment_groups", organization, &new_group),
        Stop::at_table(UPDATE_MEMBERS, "members"),
        Stop::at_member(UPDATE_MEMBERS, organization, &drawn()),
        Stop::at_member(UPDATE_MEMBERS, organization, &drawn()),
        Stop::at_member(UPDATE_MEMBERS, organization, &drawn()),
        Stop::at_member(UPDATE_MEMBERS, organization, &drawn()),
        Stop::at_table(INSERT_CHANGES, "member_changes"),
        Stop::at_change(organization, &drawn()),
        Stop::at_change(organization, &drawn()),
        Stop::at_change(organization, &drawn()),
        Stop::at_table(INSERT_EVENT, "audit_events"),
        Stop::at_table(UPDATE_ORGANIZATION, "organizations"),
    ]
}
