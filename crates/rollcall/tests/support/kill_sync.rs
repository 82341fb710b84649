//! A full sync of 2,000 members in 50 groups with 6,000 memberships, into an organization with some of them.

use rand::{RngExt as _, rngs::StdRng};
use rollcall_proto::v1::{EmailExport, Phase};

use super::{
    kill_moment::{INSERT_CHANGES, INSERT_EVENT, Stop, UPDATE_ORGANIZATION},
    kill_seed::{self as seed, NewAssignment, Person, group, member},
    kill_server::Server,
    kill_trial::Operation,
};

/// The organizations: one of each phase.
pub(crate) const ORGANIZATIONS: [&str; 2] = ["migrated", "legacy"];

fn people_before() -> Vec<Person> {
    let person = |number: usize| Person {
        number,
        name: "Given".to_owned(),
        groups: vec![number % 50, (number + 17) % 50],
        active: !number.is_multiple_of(7),
    };
    (0..1200).map(person).collect()
}

/// Returns the members after the sync: some are absent, new, renamed, active again, or in other groups. One group is
/// absent and one is new.
fn people_after() -> Vec<Person> {
    let person = |number: usize| {
        let shift = usize::from(number.is_multiple_of(3));
        let groups = [0, 17, 31].map(|step| match (number + shift + step) % 50 {
            49 => 50,
            group => group,
        });
        let name = if number % 5 == 1 { "Other" } else { "Given" };
        Person { number, name: name.to_owned(), groups: groups.to_vec(), active: true }
    };
    (200..2200).map(person).collect()
}

/// Creates the organizations with `people_before`.
pub(crate) async fn seed(server: &Server) {
    for (organization, phase) in ORGANIZATIONS.into_iter().zip([Phase::Migrated, Phase::Legacy]) {
        let value = |rank: usize| if rank.is_multiple_of(4) { EmailExport::DoNotExport } else { EmailExport::Export };
        let assignment = |rank: usize| NewAssignment {
            id: format!("a{rank}"),
            groups: (5 * rank..5 * rank + 5).collect(),
            automatic: !rank.is_multiple_of(3),
            export: (phase == Phase::Migrated).then(|| value(rank)),
        };
        let assignments: Vec<_> = (0..8).map(assignment).collect();
        seed::organization(server, organization, phase, &people_before(), &assignments).await;
    }
    seed::import(server, ORGANIZATIONS[1], 0..2200).await;
}

/// Makes the sync of `people_after`.
pub(crate) fn operation(organization: &'static str) -> Operation {
    let request = seed::full_sync(organization, &people_after());
    Box::new(move |server| {
        let (mut client, request) = (server.directory(), request.clone());
        tokio::spawn(async move { client.sync_directory(tokio_stream::once(request)).await.map(drop) })
    })
}

/// Returns a member whose assignment, and nothing else, the last sync changed.
pub(crate) const REHOMED: &str = "SELECT member_id FROM member_changes
    WHERE organization_id = $1 AND assignment_before IS NOT NULL AND cause = 'ENTERED_ASSIGNMENT'
        AND substr(member_id, 2)::integer % 5 <> 1 AND substr(member_id, 2)::integer % 7 <> 0
    ORDER BY revision DESC, member_id LIMIT 1 OFFSET 50";

/// Returns stops in the sync, in the order of its statements. The sync changes only the assignment of `rehomed`.
pub(crate) fn stops(organization: &str, rehomed: &str, rng: &mut StdRng) -> Vec<Stop> {
    let (renamed, new) = (201 + 5 * rng.random_range(0..199), rng.random_range(1200..2200));
    let (leaves, joins) = (201 + 3 * rng.random_range(0..300), 202 + 150 * rng.random_range(0..6));
    let membership = format!(
        "organization_id = '{organization}' AND member_id = '{}' AND group_id = '{}'",
        member(leaves),
        group(leaves % 50)
    );
    let joined = format!("'member_id', '{}', 'group_id', '{}'", member(joins), group((joins + 31) % 50));
    let newcomer = format!("'id', '{}', 'email', 'somebody@example.com'", member(new));
    vec![
        Stop::at_table("INSERT INTO groups", "groups"),
        Stop::at_table("SET active = FALSE", "members"),
        Stop::at_member("manager_email = u.manager_email", organization, &member(renamed)),
        Stop::at_new_row("INSERT INTO members", "members", organization, &newcomer),
        Stop::locking("DELETE FROM memberships", &format!("SELECT FROM memberships WHERE {membership} FOR UPDATE")),
        Stop::at_new_row("INSERT INTO memberships", "memberships", organization, &joined),
        Stop::at_member("assignment_id = c.assignment_id", organization, rehomed),
        Stop::at_table("DELETE FROM unmatched_legacy_settings", "unmatched_legacy_settings"),
        Stop::at_table(INSERT_CHANGES, "member_changes"),
        Stop::at_change(organization, &member(new)),
        Stop::at_table(INSERT_EVENT, "audit_events"),
        Stop::at_table(UPDATE_ORGANIZATION, "organizations"),
    ]
}
