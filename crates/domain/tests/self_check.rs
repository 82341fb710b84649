//! The self-check: each rule finds data that breaks it, and nothing else.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod support;

use std::collections::{BTreeSet, HashMap};

use rollcall_domain::{
    AssignmentId, Organization, Phase, Settings, SettingsId,
    catalog::Catalog,
    directory::MassChangeLimit,
    email_export::{MemberExport, Setting, Source, Summary},
    migration::{AssignmentOutcome, MigrationRecord, MigrationState},
    seats::SeatCount,
    self_check::{
        CheckRule, CheckedMember, Difference, DifferenceSubject, Differences, MemberCheck, NewestChange, SeatTally,
        check_chosen_values, check_ranks, check_revisions,
    },
};
use support::{AUTOMATIC, AssignmentBuilder, DO_NOT_EXPORT, EXPORT, MANUAL, Org, PersonBuilder, assignment, at, seats};
use uuid::Uuid;

/// An organization with an automatic and a manual assignment, and a member in each and in the default assignment.
fn org() -> Org {
    let sales = AssignmentBuilder::new("sales", AUTOMATIC, &["sales"]).chosen(EXPORT).seats(&["gong"]);
    let eng = AssignmentBuilder::new("eng", MANUAL, &["eng"]).chosen(DO_NOT_EXPORT).seats(&["gong"]);
    Org::new(Phase::Migrated, vec![sales, eng])
        .with(PersonBuilder::new("ann", &["sales"]))
        .with(PersonBuilder::new("bob", &["eng"]))
        .with(PersonBuilder::new("cid", &[]))
}

fn organization(org: &Org, catalog: Catalog) -> Organization {
    Organization {
        id: support::organization(),
        uid: Uuid::nil(),
        display_name: String::new(),
        phase: org.phase,
        mass_change_limit: MassChangeLimit::default(),
        catalog,
        catalog_revision: 4,
        revision: 9,
        updated_revision: 1,
        last_write_at: at(0),
        created_at: at(0),
        updated_at: at(0),
        email_domains: Vec::new(),
        wave: 0,
    }
}

/// The members as they are stored when the history agrees with them.
fn members(org: &Org) -> Vec<CheckedMember> {
    let states = org.states(&org.list(), |_, _| true);
    let member = |state: rollcall_domain::MemberState| {
        let newest = NewestChange { revision: 3, settings_before: None, after: state.held.clone().unwrap() };
        CheckedMember { state, pending: BTreeSet::new(), newest: Some(newest) }
    };
    states.into_iter().map(member).collect()
}

fn settings(org: &Org) -> HashMap<SettingsId, Settings> {
    org.settings.iter().map(|(id, settings)| (*id, settings.clone())).collect()
}

/// Returns the rules that the members break, each with the member.
fn broken(org: &Org, members: &[CheckedMember]) -> Vec<(CheckRule, String)> {
    let (organization, list, settings) = (organization(org, org.catalog.clone()), org.list(), settings(org));
    let check = MemberCheck::new(&organization, &list, &settings);
    let found = members.iter().flat_map(|member| check.check(member));
    found.map(|difference| (difference.rule, difference.subject.to_string())).collect()
}

fn of(rule: CheckRule, member: &str) -> Vec<(CheckRule, String)> {
    vec![(rule, format!("member {member}"))]
}

/// Changes the stored state of a member, together with the history.
fn with_member(org: &Org, id: &str, change: impl FnOnce(&mut CheckedMember)) -> Vec<CheckedMember> {
    let mut members = members(org);
    let member = members.iter_mut().find(|member| member.state.id.as_str() == id).unwrap();
    change(member);
    if let Some(newest) = &mut member.newest {
        newest.after = member.state.held.clone().unwrap();
    }
    members
}

#[test]
fn an_organization_that_follows_the_rules_has_no_difference() {
    let org = org();
    assert_eq!(broken(&org, &members(&org)), []);
    assert_eq!(check_chosen_values(org.phase, &org.list(), None), []);
    let ranks: Vec<(AssignmentId, u32)> = org.list().ranks();
    assert_eq!(check_ranks(&ranks), []);
}

#[test]
fn ranks_with_a_gap_and_a_list_without_a_last_default_are_found() {
    let gap = [(assignment("sales"), 1), (assignment("eng"), 3), (AssignmentId::default_assignment(), 4)];
    let subjects: Vec<String> = check_ranks(&gap).into_iter().map(|found| found.subject.to_string()).collect();
    assert_eq!(subjects, ["assignment eng", "assignment default"]);
    let last = [(AssignmentId::default_assignment(), 1), (assignment("sales"), 2)];
    let messages: Vec<String> = check_ranks(&last).into_iter().map(|found| found.message).collect();
    assert_eq!(messages, ["the default assignment is not the last one; nothing else could be checked"]);
    assert_eq!(check_ranks(&[]).len(), 1);
}

#[test]
fn a_member_who_should_be_elsewhere_is_found() {
    let org = org();
    let moved = with_member(&org, "cid", |member| member.state.matching_ranks = vec![2]);
    assert_eq!(broken(&org, &moved), of(CheckRule::MemberAssignment, "cid"));
    let pinned = with_member(&org, "bob", |member| member.state.pin = Some(assignment("sales")));
    assert_eq!(broken(&org, &pinned), of(CheckRule::MemberAssignment, "bob"));
}

#[test]
fn a_pinned_member_and_a_member_of_a_manual_assignment_stay() {
    let org = org();
    let pinned = with_member(&org, "bob", |member| {
        member.state.pin = Some(assignment("eng"));
        member.state.matching_ranks = vec![1];
    });
    assert_eq!(broken(&org, &pinned), []);
    let manual = with_member(&org, "bob", |member| member.state.matching_ranks = vec![1]);
    assert_eq!(broken(&org, &manual), []);
}

#[test]
fn only_active_members_of_automatic_assignments_must_have_the_settings_of_the_assignment() {
    let org = org();
    let other = |member: &mut CheckedMember| member.state.held.as_mut().unwrap().settings = seats(&[]).id();
    assert_eq!(broken(&org, &with_member(&org, "ann", other)), of(CheckRule::AutomaticSettings, "ann"));
    assert_eq!(broken(&org, &with_member(&org, "bob", other)), []);
    let inactive = with_member(&org, "ann", |member| {
        other(member);
        member.state.active = false;
    });
    assert_eq!(broken(&org, &inactive), []);
}

#[test]
fn only_a_chosen_value_binds_the_members_of_an_automatic_assignment() {
    let mut org = org();
    let other = |member: &mut CheckedMember| {
        member.state.held.as_mut().unwrap().export =
            Some(MemberExport { setting: Setting::DoNotExport, source: Source::Assignment });
    };
    assert_eq!(broken(&org, &with_member(&org, "ann", other)), of(CheckRule::AutomaticSettings, "ann"));
    let inactive = with_member(&org, "ann", |member| {
        other(member);
        member.state.active = false;
    });
    assert_eq!(broken(&org, &inactive), []);
    org.listed[0].chosen = None;
    assert_eq!(broken(&org, &with_member(&org, "ann", other)), []);
}

#[test]
fn a_setting_of_the_wrong_phase_is_found() {
    let mut org = org();
    let without = with_member(&org, "bob", |member| member.state.held.as_mut().unwrap().export = None);
    assert_eq!(broken(&org, &without), of(CheckRule::EmailExportPhase, "bob"));
    let with = members(&org);
    org.phase = Phase::Legacy;
    assert_eq!(broken(&org, &with).len(), 3);
}

#[test]
fn a_chosen_value_is_absent_only_in_legacy_and_where_the_migration_left_it_mixed() {
    let mut org = org();
    org.listed[1].chosen = None;
    let found = check_chosen_values(org.phase, &org.list(), None);
    assert_eq!(found.iter().map(|found| found.subject.to_string()).collect::<Vec<_>>(), ["assignment eng"]);
    let outcome = AssignmentOutcome {
        assignment: assignment("eng"),
        display_name: String::new(),
        rank: 2,
        update_mode: MANUAL,
        summary: Summary::default(),
        state: Summary::default().state(None),
        chosen: None,
        action_required: false,
    };
    let migrated = MigrationRecord::new(MigrationState::Migrated, at(0));
    let mut migrated = MigrationRecord { outcomes: vec![outcome], ..migrated };
    assert_eq!(check_chosen_values(org.phase, &org.list(), Some(&migrated)), []);
    migrated.outcomes[0].chosen = Some(EXPORT);
    assert_eq!(check_chosen_values(org.phase, &org.list(), Some(&migrated)).len(), 1);
    assert_eq!(check_chosen_values(Phase::Legacy, &org.list(), None).len(), 2);
}

/// A catalog in which the seat type `gong` has a total.
fn limited(total: u32) -> Catalog {
    let mut catalog = support::catalog();
    catalog.seat_types.iter_mut().filter(|seat| seat.id == "gong").for_each(|seat| seat.total = Some(total));
    catalog
}

#[test]
fn a_pending_seat_without_a_claim_or_a_total_is_found() {
    let mut org = org();
    let waits = |member: &mut CheckedMember| member.pending = BTreeSet::from(["gong".to_owned()]);
    assert_eq!(broken(&org, &with_member(&org, "ann", waits)), of(CheckRule::PendingSeat, "ann"));
    org.catalog = limited(1);
    assert_eq!(broken(&org, &with_member(&org, "ann", waits)), []);
    assert_eq!(broken(&org, &with_member(&org, "cid", waits)), of(CheckRule::PendingSeat, "cid"));
    let inactive = with_member(&org, "ann", |member| {
        waits(member);
        member.state.active = false;
    });
    assert_eq!(broken(&org, &inactive), of(CheckRule::PendingSeat, "ann"));
}

/// Returns the messages about seats of an organization with this total.
fn seat_messages(org: &Org, total: u32, members: &[CheckedMember]) -> Vec<String> {
    let organization = organization(org, limited(total));
    let mut tally = SeatTally::default();
    for part in members.chunks(2) {
        tally.add(&organization, part, &settings(org));
    }
    tally.check(&organization, tally.counts()).into_iter().map(|found| found.message).collect()
}

#[test]
fn a_member_who_waits_for_a_free_seat_is_found() {
    let org = org();
    let waits = with_member(&org, "bob", |member| member.pending = BTreeSet::from(["gong".to_owned()]));
    assert_eq!(seat_messages(&org, 1, &waits), Vec::<String>::new());
    assert_eq!(seat_messages(&org, 2, &waits), ["1 members wait for the seat `gong`, although 1 of 2 seats are used"]);
}

#[test]
fn a_lower_total_may_be_exceeded_and_a_seat_that_was_given_after_it_is_found() {
    let org = org();
    assert_eq!(seat_messages(&org, 1, &members(&org)), Vec::<String>::new());
    // The catalog has revision 4, and this member got the seat later.
    let later = with_member(&org, "bob", |member| member.newest.as_mut().unwrap().revision = 5);
    assert_eq!(seat_messages(&org, 2, &later), Vec::<String>::new());
    assert_eq!(
        seat_messages(&org, 1, &later),
        ["2 of 1 seats `gong` are used, but no seat could be given since the catalog changed, and the member bob was \
          given one"]
    );
    let had_it = with_member(&org, "bob", |member| {
        let newest = member.newest.as_mut().unwrap();
        (newest.revision, newest.settings_before) = (5, Some(seats(&["gong"]).id()));
    });
    assert_eq!(seat_messages(&org, 1, &had_it), Vec::<String>::new());
}

#[test]
fn a_tally_begins_again_with_a_new_catalog() {
    let org = org();
    let (before, waits) = (organization(&org, limited(2)), [("gong".to_owned(), SeatCount { used: 1, pending: 1 })]);
    let mut tally = SeatTally::default();
    tally.add(&before, &members(&org), &settings(&org));
    assert_eq!(tally.check(&before, &waits.clone().into()).len(), 1);
    let after = Organization { catalog_revision: 8, ..before };
    assert_eq!(tally.check(&after, &waits.into()), []);
    tally.add(&after, &members(&org)[..1], &settings(&org));
    assert_eq!(tally.counts()["gong"], SeatCount { used: 1, pending: 0 });
}

#[test]
fn a_history_that_disagrees_with_the_member_is_found() {
    let org = org();
    let change = |id: &str, change: fn(&mut CheckedMember)| {
        let mut members = members(&org);
        change(members.iter_mut().find(|member| member.state.id.as_str() == id).unwrap());
        broken(&org, &members)
    };
    let expected = of(CheckRule::MemberHistory, "bob");
    assert_eq!(change("bob", |member| member.newest = None), expected);
    assert_eq!(change("bob", |member| member.newest.as_mut().unwrap().revision = 10), expected);
    assert_eq!(
        change("bob", |member| member.newest.as_mut().unwrap().after.assignment = assignment("sales")),
        expected
    );
    assert_eq!(change("bob", |member| member.newest.as_mut().unwrap().after.export = None), expected);
}

#[test]
fn a_revision_without_an_event_is_found_and_so_is_an_event_without_a_revision() {
    let found = |after: i64, events: &[i64], last: Option<i64>| -> Vec<String> {
        check_revisions(after, events, last).into_iter().map(|found| found.message).collect()
    };
    assert_eq!(found(0, &[1, 2, 3], Some(3)), Vec::<String>::new());
    assert_eq!(found(0, &[1, 2, 3], None), Vec::<String>::new());
    assert_eq!(found(3, &[], Some(3)), Vec::<String>::new());
    assert_eq!(found(0, &[1, 3], Some(3)), ["revision 2 has no audit event"]);
    assert_eq!(
        found(0, &[4], Some(6)),
        ["the revisions 1 to 3 have no audit event", "the revisions 5 to 6 have no audit event"]
    );
    assert_eq!(found(0, &[1, 2], Some(1)), ["the audit has an event of revision 2, which is none"]);
}

#[test]
fn all_differences_are_counted_and_the_first_thousand_are_kept() {
    let difference = |revision: i64| Difference {
        rule: CheckRule::AuditRevisions,
        subject: DifferenceSubject::Revision(revision),
        message: String::new(),
    };
    let mut differences = Differences::default();
    differences.add((0..700).map(difference).collect());
    differences.add((700..1_400).map(difference).collect());
    assert_eq!((differences.total(), differences.kept.len()), (1_400, 1_000));
    assert_eq!(differences.counts[&CheckRule::AuditRevisions], 1_400);
}

#[test]
fn a_difference_names_its_resource() {
    let of = |subject: DifferenceSubject| subject.resource(&support::organization());
    assert_eq!(of(DifferenceSubject::Member("a b".to_owned())), "organizations/acme/members/a%20b");
    assert_eq!(of(DifferenceSubject::Assignment("sales".to_owned())), "organizations/acme/assignments/sales");
    assert_eq!(of(DifferenceSubject::SeatType("gong".to_owned())), "organizations/acme/catalog");
    assert_eq!(of(DifferenceSubject::Revision(3)), "organizations/acme");
}
