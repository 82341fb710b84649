//! The invariants of an organization, and of any change of it.

use std::collections::{BTreeMap, BTreeSet};

use rollcall_domain::{
    Assignment, AssignmentId, Held, MemberId, Phase,
    directory::SyncCounts,
    email_export::{EmailExport, Setting, Since},
    plan::Counts,
};

use super::{
    random::{Change, Done},
    support::{Org, Person},
};

/// Checks one change. `done` is the result of the change, or `None` if it was refused.
pub(crate) fn check(
    before: &Org,
    after: &Org,
    change: &Change,
    done: Option<&Done>,
    unresolved: &BTreeSet<AssignmentId>,
) {
    let Some(done) = done else {
        let before = Org { minute: after.minute, ..before.clone() };
        assert_eq!(*after, before, "a refused change leaves nothing");
        return;
    };
    standing(after, unresolved);
    check_export_periods(before, after);
    check_manual_assignments(before, after, change);
    released_members_are_resolved_again(before, after);
    assert_eq!(done.counts, recount(before, after), "a preview counts the changes");
    if let Some(counts) = done.sync {
        assert_eq!(counts, recount_sync(before, after, counts.groups_changed));
        let people = |org: &Org| (org.people.clone(), org.groups.clone());
        assert_eq!(done.empty, people(before) == people(after), "empty means nothing changed");
    }
}

/// Checks the invariants of an organization.
pub(crate) fn standing(org: &Org, unresolved: &BTreeSet<AssignmentId>) {
    let assignments: BTreeMap<AssignmentId, Assignment> =
        org.list().ranked().map(|(_, a)| (a.id.clone(), a.clone())).collect();
    assert_eq!(assignments.len(), org.listed.len() + 1, "ids are unique");
    for (id, person) in &org.people {
        let home = assignments.get(&person.held.assignment);
        let home = home.unwrap_or_else(|| panic!("{id} is in an assignment that is gone"));
        is_at_home(org, id, person, home);
        check_settings_of_member(org, id, person, home);
    }
    for assignment in assignments.values() {
        let legacy = org.phase == Phase::Legacy && assignment.chosen.is_none();
        let may_be_absent = !assignment.update_mode.is_automatic() || unresolved.contains(&assignment.id);
        let settled = org.phase == Phase::Migrated && (assignment.chosen.is_some() || may_be_absent);
        assert!(legacy || settled, "{}: chosen is {:?}", assignment.id, assignment.chosen);
    }
    let active = org.people.values().filter(|person| person.active);
    let addresses: BTreeSet<&str> = active.clone().map(|p| p.identity.email.as_str()).collect();
    assert_eq!(addresses.len(), active.count(), "active members' addresses are unique");
}

/// A pinned member is in the pinned assignment. A member of an automatic assignment or the default is where a fresh
/// resolution puts the member. No member is in an absent group.
fn is_at_home(org: &Org, id: &MemberId, person: &Person, home: &Assignment) {
    match &person.pin {
        Some(pin) => assert_eq!(home.id, *pin, "{id} is pinned"),
        None if home.holds_members() => {}
        None => assert_eq!(home.id, org.first_match(&person.groups), "{id} is resolved"),
    }
    let there = |group| org.groups.get(group).is_some_and(|known| known.present);
    assert!(person.groups.iter().all(there), "{id} is in a group that is gone");
}

/// After the migration, every member has a setting. Active members of an automatic assignment have its settings, and
/// its chosen value if there is one.
fn check_settings_of_member(org: &Org, id: &MemberId, person: &Person, home: &Assignment) {
    let migrated = org.phase == Phase::Migrated;
    assert_eq!(person.held.export.is_some(), migrated, "{id}: {:?}", person.held.export);
    assert!(org.settings.contains_key(&person.held.settings), "{id} has unknown settings");
    if person.active && home.update_mode.is_automatic() {
        assert_eq!(person.held.settings, home.settings.id(), "{id} follows {}", home.id);
        if home.chosen.is_some() {
            assert_eq!(value(&person.held), home.chosen, "{id} follows {}", home.id);
        }
    }
}

fn value(held: &Held) -> Option<EmailExport> {
    held.export.map(|export| export.setting.value())
}

fn setting(held: &Held) -> Option<Setting> {
    held.export.map(|export| export.setting)
}

/// `export_since` is unchanged during a period of EXPORT. A new period starts now, and never at `always`.
fn check_export_periods(before: &Org, after: &Org) {
    for (id, person) in &after.people {
        let had = before.people.get(id).and_then(|person| setting(&person.held));
        let Some(Setting::Export(since)) = setting(&person.held) else { continue };
        match had {
            Some(Setting::Export(began)) => assert_eq!(since, began, "{id}: the period goes on"),
            _ => assert_eq!(since, Since::At(after.now()), "{id}: the period begins"),
        }
    }
}

/// A manual assignment keeps its members, and they keep their settings, unless they are moved,
/// released or edited, or a value is chosen.
fn check_manual_assignments(before: &Org, after: &Org, change: &Change) {
    let manual = |org: &Org, id: &AssignmentId| org.listed.iter().any(|a| a.id == *id && !a.update_mode.is_automatic());
    for (id, person) in &before.people {
        let (home, now) = (&person.held.assignment, &after.people[id]);
        let held = manual(before, home) && manual(after, home) && person.pin == now.pin;
        if !held {
            continue;
        }
        assert_eq!(now.held.assignment, *home, "{id} stays in {home}");
        match change {
            Change::EditMember { .. } => {}
            Change::Update { edit, .. } if edit.choose.is_some() => {
                assert_eq!(now.held.settings, person.held.settings, "{id} keeps the settings");
            }
            _ => assert_eq!(now.held, person.held, "{id} keeps everything"),
        }
    }
}

/// A member who lost a pin or the assignment is resolved again, even out of a manual assignment.
fn released_members_are_resolved_again(before: &Org, after: &Org) {
    for (id, person) in &before.people {
        let now = &after.people[id];
        let unpinned = person.pin.is_some() && now.pin.is_none();
        let gone = after.list().find(&person.held.assignment).is_none();
        if now.pin.is_none() && (unpinned || gone) {
            assert_eq!(now.held.assignment, after.first_match(&now.groups), "{id} is resolved again");
        }
    }
}

fn recount(before: &Org, after: &Org) -> Counts {
    let mut counts = Counts::default();
    for (id, person) in &after.people {
        let old = before.people.get(id).map(|person| &person.held);
        let new = &person.held;
        counts.assignment_changes += u32::from(old.map(|h| &h.assignment) != Some(&new.assignment));
        counts.settings_changes += u32::from(old.map(|h| h.settings) != Some(new.settings));
        let flip = old.and_then(value).zip(value(new)).filter(|(old, new)| old != new);
        counts.flips_to_export += u32::from(flip.is_some_and(|f| f.1 == EmailExport::Export));
        counts.flips_to_do_not_export += u32::from(flip.is_some_and(|f| f.1 == EmailExport::DoNotExport));
    }
    counts
}

fn recount_sync(before: &Org, after: &Org, groups_changed: u32) -> SyncCounts {
    let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let changed = after.groups.iter().filter(|(id, group)| before.groups.get(id) != Some(group));
    assert_eq!(groups_changed, size(changed.count()), "groups changed");
    assert!(before.people.keys().all(|id| after.people.contains_key(id)), "no member is deleted");
    let mut counts = SyncCounts { groups_changed, ..SyncCounts::default() };
    for (id, person) in &after.people {
        let none = BTreeSet::new();
        let old = before.people.get(id);
        let groups = old.map_or(&none, |old| &old.groups);
        counts.memberships_added += size(person.groups.difference(groups).count());
        counts.memberships_removed += size(groups.difference(&person.groups).count());
        let Some(old) = old else {
            counts.members_created += 1;
            continue;
        };
        counts.members_updated += u32::from(old.identity != person.identity);
        counts.members_deactivated += u32::from(old.active && !person.active);
        counts.members_reactivated += u32::from(!old.active && person.active);
        counts.members_rehomed += u32::from(old.held.assignment != person.held.assignment);
    }
    counts
}
