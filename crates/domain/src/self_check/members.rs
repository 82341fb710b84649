//! Comparing stored members with the rules. What a member should have comes from the functions with which changes are
//! planned.

use std::collections::{BTreeSet, HashMap};

use super::{CheckRule, Difference};
use crate::{
    Assignment, AssignmentId, AssignmentList, Held, MemberState, Organization, Phase, Settings, SettingsId,
    catalog::Catalog,
    resolution::{Why, resolve},
};

/// A member with everything that is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedMember {
    /// What a plan has to know of the member.
    pub state: MemberState,
    /// The seat types that the member waits for.
    pub pending: BTreeSet<String>,
    /// The newest change in the member's history.
    pub newest: Option<NewestChange>,
}

/// The newest change in the history of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewestChange {
    /// The revision that made the change.
    pub revision: i64,
    /// The settings before it; `None` for a new member.
    pub settings_before: Option<SettingsId>,
    /// What the member had after it.
    pub after: Held,
}

/// Compares members of one organization, as one transaction reads them.
#[derive(Debug)]
pub struct MemberCheck<'a> {
    phase: Phase,
    revision: i64,
    catalog: &'a Catalog,
    list: &'a AssignmentList,
    by_id: HashMap<&'a AssignmentId, (&'a Assignment, SettingsId)>,
    settings: &'a HashMap<SettingsId, Settings>,
}

impl<'a> MemberCheck<'a> {
    /// Makes the check of an organization. `settings` has the settings of the members that are compared.
    #[must_use]
    pub fn new(
        organization: &'a Organization,
        list: &'a AssignmentList,
        settings: &'a HashMap<SettingsId, Settings>,
    ) -> Self {
        let (phase, revision, catalog) = (organization.phase, organization.revision, &organization.catalog);
        let by_id = list.ranked().map(|(_, a)| (&a.id, (a, a.settings.id()))).collect();
        Self { phase, revision, catalog, list, by_id, settings }
    }

    /// Returns every difference of one member.
    #[must_use]
    pub fn check(&self, member: &CheckedMember) -> Vec<Difference> {
        let Some(held) = &member.state.held else { return Vec::new() };
        let messages = [
            (CheckRule::MemberAssignment, self.assignment(&member.state, held)),
            (CheckRule::AutomaticSettings, self.automatic(&member.state, held)),
            (CheckRule::EmailExportPhase, self.phase(held)),
            (CheckRule::PendingSeat, self.pending(member, held)),
            (CheckRule::MemberHistory, self.history(member.newest.as_ref(), held)),
        ];
        let found = messages.into_iter().filter_map(|(rule, message)| Some((rule, message?)));
        found.map(|(rule, message)| Difference::of_member(rule, &member.state.id, message)).collect()
    }

    fn assignment(&self, member: &MemberState, held: &Held) -> Option<String> {
        let (expected, why) = resolve(self.list, member);
        let why = match why {
            Why::Pinned => "the member is pinned to",
            Why::StaysInManual => "the member stays in",
            Why::FirstMatch => "the first assignment with a group of the member is",
            Why::NoOtherMatches => "no listed assignment has a group of the member, who so belongs to",
        };
        let message = || format!("the member is in `{}`, but {why} `{}`", held.assignment, expected.id);
        (expected.id != held.assignment).then(message)
    }

    /// Compares the settings of an active member with those of the member's automatic assignment. The settings of an
    /// inactive member may differ from them (product.md 3).
    fn automatic(&self, member: &MemberState, held: &Held) -> Option<String> {
        let (assignment, given) = self.by_id.get(&held.assignment)?;
        if !member.active || !assignment.update_mode.is_automatic() {
            return None;
        }
        if held.settings != *given {
            return Some(format!("the member has other settings than the automatic assignment `{}`", assignment.id));
        }
        let (has, chosen) = (held.export_value()?, assignment.chosen?);
        let message = || {
            let (has, chosen) = (has.as_str(), chosen.as_str());
            format!("the member has email export {has}, but the automatic assignment `{}` has {chosen}", assignment.id)
        };
        (has != chosen).then(message)
    }

    fn phase(&self, held: &Held) -> Option<String> {
        match (self.phase, held.export) {
            (Phase::Legacy, Some(_)) => Some("the member has an email export setting in phase LEGACY".to_owned()),
            (Phase::Migrated, None) => Some("the member has no email export setting in phase MIGRATED".to_owned()),
            _ => None,
        }
    }

    fn pending(&self, member: &CheckedMember, held: &Held) -> Option<String> {
        let totals = self.catalog.totals();
        let given = self.settings.get(&held.settings);
        let problem = |seat: &String| {
            if !totals.contains_key(seat.as_str()) {
                Some(format!("the member waits for the seat `{seat}`, which has no total"))
            } else if !member.state.active {
                Some(format!("the member waits for the seat `{seat}`, but is inactive"))
            } else if given.is_some_and(|given| !given.seats.contains(seat)) {
                Some(format!("the member waits for the seat `{seat}`, which the member's settings do not give"))
            } else {
                None
            }
        };
        let problems: Vec<String> = member.pending.iter().filter_map(problem).collect();
        (!problems.is_empty()).then(|| problems.join("; "))
    }

    fn history(&self, newest: Option<&NewestChange>, held: &Held) -> Option<String> {
        let Some(newest) = newest else { return Some("the member has no history".to_owned()) };
        let revision = newest.revision;
        if revision > self.revision {
            return Some(format!(
                "the newest change of the member has revision {revision}, but the organization has revision {}",
                self.revision
            ));
        }
        let given = &newest.after;
        let differs = [
            ("assignment", given.assignment != held.assignment),
            ("settings", given.settings != held.settings),
            ("email export", given.export != held.export),
        ];
        let differing: Vec<&str> = differs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
        let message =
            || format!("the newest change of the member, of revision {revision}, gave other {}", differing.join(", "));
        (!differing.is_empty()).then(message)
    }
}
