//! Comparing the use of seats with the totals of the catalog.
//!
//! More seats than the total can be used, because a lower total takes no seat away. As long as that is so, no member gets
//! a seat. Therefore an exceeded total is a difference if a member got such a seat after the last change of the catalog.

use std::collections::{BTreeMap, HashMap};

use super::{CheckRule, CheckedMember, Difference, DifferenceSubject};
use crate::{MemberId, Organization, Settings, SettingsId, catalog::Catalog, seats::SeatCount};

/// The seats of all members, counted while the members are read in parts. Only seat types with a total are counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeatTally {
    /// The revision of the catalog; `None` before the first part.
    catalog_revision: Option<i64>,
    counts: BTreeMap<String, SeatCount>,
    /// For each seat type, the first member who holds a seat that was given after the catalog last changed.
    given_later: BTreeMap<String, MemberId>,
}

impl SeatTally {
    /// Adds a part of the members. A new catalog begins a new tally, because the counted totals no longer hold.
    pub fn add(
        &mut self,
        organization: &Organization,
        members: &[CheckedMember],
        settings: &HashMap<SettingsId, Settings>,
    ) {
        let revision = organization.catalog_revision;
        if self.catalog_revision != Some(revision) {
            *self = Self { catalog_revision: Some(revision), ..Self::default() };
        }
        let totals = organization.catalog.totals();
        for member in members.iter().filter(|member| member.state.active) {
            let held = member.state.held.as_ref().and_then(|held| settings.get(&held.settings));
            let given = held.into_iter().flat_map(|held| &held.seats);
            for seat in given.filter(|seat| totals.contains_key(seat.as_str())) {
                let count = self.counts.entry(seat.clone()).or_default();
                if member.pending.contains(seat) {
                    count.pending += 1;
                    continue;
                }
                count.used += 1;
                if began_after(member, seat, revision, settings) {
                    self.given_later.entry(seat.clone()).or_insert_with(|| member.state.id.clone());
                }
            }
        }
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> &BTreeMap<String, SeatCount> {
        &self.counts
    }

    /// Compares counts with the totals of the catalog: the counts of this tally, or counts that were read at once for
    /// the same catalog. Returns nothing if the catalog has changed since.
    #[must_use]
    pub fn check(&self, organization: &Organization, counts: &BTreeMap<String, SeatCount>) -> Vec<Difference> {
        if self.catalog_revision != Some(organization.catalog_revision) {
            return Vec::new();
        }
        self.compare(&organization.catalog, counts)
    }

    fn compare(&self, catalog: &Catalog, counts: &BTreeMap<String, SeatCount>) -> Vec<Difference> {
        let message = |(seat, total): (&str, u32)| {
            let SeatCount { used, pending } = counts.get(seat).copied().unwrap_or_default();
            let given_later = self.given_later.get(seat).filter(|_| used > total);
            let message = match given_later {
                _ if pending > 0 && used < total => {
                    format!("{pending} members wait for the seat `{seat}`, although {used} of {total} seats are used")
                }
                Some(member) => format!(
                    "{used} of {total} seats `{seat}` are used, but no seat could be given since the catalog changed, \
                     and the member {member} was given one"
                ),
                None => return None,
            };
            let subject = DifferenceSubject::SeatType(seat.to_owned());
            Some(Difference { rule: CheckRule::SeatTotal, subject, message })
        };
        catalog.totals().into_iter().filter_map(message).collect()
    }
}

/// Whether the newest change of the member began to give the seat after a revision.
fn began_after(member: &CheckedMember, seat: &str, revision: i64, settings: &HashMap<SettingsId, Settings>) -> bool {
    let Some(newest) = member.newest.as_ref().filter(|newest| newest.revision > revision) else { return false };
    let had = |before| settings.get(&before).is_none_or(|before: &Settings| before.seats.contains(seat));
    !newest.settings_before.is_some_and(had)
}
