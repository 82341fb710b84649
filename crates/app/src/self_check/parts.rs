//! The parts in which the self-check reads an organization, and their comparison with the rules.

use std::collections::BTreeSet;

use rollcall_domain::{
    SettingsId,
    self_check::{
        CheckedMember, Difference, MemberCheck, SeatTally, check_chosen_values, check_ranks, check_revisions,
        is_default_last,
    },
};
use rollcall_store::{ReadTx, assignments, members::settings::get_settings, migration, self_check as store};

use crate::Result;

/// How many members are read at once. While they are compared again under the lock, the organization cannot change.
const MEMBERS: i64 = 1_000;
/// How many revisions of audit events are read at once.
const EVENTS: i64 = 10_000;

/// A part of an organization.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// The ranks and the chosen values of the list.
    List,
    /// The members after an id, with the seats of the members before them.
    Members { after: String, tally: SeatTally },
    /// The audit events after a revision.
    Events { after: i64 },
}

/// What a part shows in one transaction.
#[derive(Debug)]
pub(super) struct PartReading {
    /// The organization's revision.
    pub(super) revision: i64,
    /// What differs from the rules.
    pub(super) differences: Vec<Difference>,
    /// The part that follows.
    pub(super) next: Option<Part>,
    /// The seats of all members so far, after a part with members.
    pub(super) tally: Option<SeatTally>,
}

impl Part {
    /// Reads the part and compares it with the rules.
    pub(super) async fn compare(&self, tx: &mut ReadTx) -> Result<PartReading> {
        match self {
            Self::List => compare_list(tx).await,
            Self::Members { after, tally } => compare_members(tx, after, tally).await,
            Self::Events { after } => compare_events(tx, *after).await,
        }
    }
}

async fn compare_list(tx: &mut ReadTx) -> Result<PartReading> {
    let ranks = store::list_ranks(tx).await?;
    let mut differences = check_ranks(&ranks);
    let mut next = Part::Events { after: 0 };
    // Without the default assignment at the end, the list cannot be read, and members cannot be resolved.
    if is_default_last(&ranks) {
        let list = assignments::get_list(tx).await?.list;
        let record = migration::find_record(tx).await?;
        differences.extend(check_chosen_values(tx.organization().phase, &list, record.as_ref()));
        next = Part::Members { after: String::new(), tally: SeatTally::default() };
    }
    Ok(PartReading { revision: tx.organization().revision, differences, next: Some(next), tally: None })
}

async fn compare_members(tx: &mut ReadTx, after: &str, tally: &SeatTally) -> Result<PartReading> {
    let list = assignments::get_list(tx).await?.list;
    let members = store::list_checked_members(tx, &list, after, MEMBERS).await?;
    let settings = get_settings(tx, &settings_of(&members)).await?;
    let organization = tx.organization();
    let check = MemberCheck::new(organization, &list, &settings);
    let differences = members.iter().flat_map(|member| check.check(member)).collect();
    let mut tally = tally.clone();
    tally.add(organization, &members, &settings);
    let next = match members.last() {
        Some(last) => Part::Members { after: last.state.id.to_string(), tally: tally.clone() },
        None => Part::Events { after: 0 },
    };
    Ok(PartReading { revision: organization.revision, differences, next: Some(next), tally: Some(tally) })
}

/// The settings of the members, and those that the newest change of a member replaced.
fn settings_of(members: &[CheckedMember]) -> BTreeSet<SettingsId> {
    let held = members.iter().filter_map(|member| Some(member.state.held.as_ref()?.settings));
    let before = members.iter().filter_map(|member| member.newest.as_ref()?.settings_before);
    held.chain(before).collect()
}

async fn compare_events(tx: &mut ReadTx, after: i64) -> Result<PartReading> {
    let revisions = store::list_event_revisions(tx, after, EVENTS).await?;
    let revision = tx.organization().revision;
    let is_last = i64::try_from(revisions.len()).is_ok_and(|read| read < EVENTS);
    let differences = check_revisions(after, &revisions, is_last.then_some(revision));
    let next = revisions.last().filter(|_| !is_last).map(|last| Part::Events { after: *last });
    Ok(PartReading { revision, differences, next, tally: None })
}
