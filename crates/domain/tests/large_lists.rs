//! Lists of 10,000 assignments: an assignment is looked up by id, however long the list is. With a search through the
//! list for each member, these plans take minutes.

mod support;

use rollcall_domain::{
    AssignmentList, Current, Facts, Held, MemberState, Phase, Plan, Proposal,
    assignments::{AssignmentEdit, CreateAssignment, NewAssignment, ReorderAssignments, UpdateAssignment},
    email_export::{MemberExport, Setting, Source},
};
use support::{AUTOMATIC, AssignmentBuilder, DO_NOT_EXPORT, EXPORT, MANUAL, Org, assignment, at, member};
use uuid::Uuid;

const ASSIGNMENTS: u32 = 10_000;
const MEMBERS: usize = 300_000;

fn id(rank: u32) -> String {
    format!("a{rank}")
}

/// 10,000 manual assignments, each with a group of its own.
fn org() -> Org {
    let listed = (1..=ASSIGNMENTS).map(|rank| AssignmentBuilder::new(&id(rank), MANUAL, &[&id(rank)]).chosen(EXPORT));
    Org::new(Phase::Migrated, listed.collect())
}

/// 300,000 members of the last assignment.
fn members_of_the_last(org: &Org) -> Facts {
    let last = &org.listed[ASSIGNMENTS as usize - 1];
    let export = Some(MemberExport { setting: Setting::DoNotExport, source: Source::Migration });
    let held = Held { assignment: last.id.clone(), settings: last.settings.id(), export };
    let state = |number: usize| MemberState {
        id: member(&format!("m{number}")),
        active: true,
        held: Some(held.clone()),
        pin: None,
        matching_ranks: vec![1],
    };
    Facts { members: (0..MEMBERS).map(state).collect(), ..Facts::default() }
}

fn plan(org: &Org, list: &AssignmentList, propose: impl FnOnce(Current<'_>) -> Proposal<'static>) -> Plan {
    let organization = org.organization();
    let current = Current { organization: &organization, list };
    propose(current).plan(current, &members_of_the_last(org), at(1)).unwrap_or_else(|refusal| panic!("{refusal}"))
}

#[test]
fn a_value_chosen_on_the_last_assignment_is_planned_for_each_of_its_members() {
    let (org, last) = (org(), assignment(&id(ASSIGNMENTS)));
    let edit = AssignmentEdit { choose: Some(EXPORT), ..AssignmentEdit::default() };
    let planned = plan(&org, &org.list(), |current| {
        Proposal::UpdateAssignment(UpdateAssignment::propose(current, &last, &edit, None).unwrap())
    });
    assert_eq!(planned.members.len(), MEMBERS);
}

#[test]
fn members_of_the_last_manual_assignment_stay_in_it_when_the_order_changes() {
    let org = org();
    let planned = plan(&org, &org.list(), |current| {
        Proposal::ReorderAssignments(ReorderAssignments::propose_move(current, &assignment(&id(5_000)), 1).unwrap())
    });
    assert_eq!((planned.members.len(), planned.ranks.len()), (0, ASSIGNMENTS as usize + 1));
}

#[test]
fn every_change_of_a_list_leaves_each_assignment_at_its_rank() {
    let mut org = Org::new(Phase::Migrated, vec![]);
    for (name, position) in [("b", None), ("a", Some(1)), ("d", None), ("c", Some(3)), ("e", Some(5))] {
        org.create(AssignmentBuilder::new(name, AUTOMATIC, &[name]).chosen(DO_NOT_EXPORT).build(), position).unwrap();
    }
    let check = |org: &Org, order: &str| {
        let organization = org.organization();
        let list = org.list();
        let current = Current { organization: &organization, list: &list };
        assert_eq!(org.order().join(" "), order);
        // The list of a proposal is the stored list after the changes above, in memory.
        let new = AssignmentBuilder::new("x", AUTOMATIC, &["x"]).chosen(EXPORT).build();
        let new = NewAssignment { assignment: new, uid: Uuid::nil(), position: Some(2) };
        let create = Proposal::CreateAssignment(CreateAssignment::propose(current, new, None).unwrap());
        for list in [&list, create.list(current)] {
            for (rank, found) in list.ranked() {
                assert_eq!((list.rank(&found.id), list.find(&found.id)), (Some(rank), Some(found)));
            }
        }
        assert_eq!(list.find(&assignment("x")), None);
    };
    check(&org, "a b c d e default");
    org.reorder(&["e", "d", "c", "b", "a"]).unwrap();
    check(&org, "e d c b a default");
    org.move_to("e", 4).unwrap();
    check(&org, "d c b e a default");
    org.delete("c", true).unwrap();
    check(&org, "d b e a default");
}
