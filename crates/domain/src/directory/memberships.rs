//! The memberships that a sync adds and removes.

use std::collections::HashMap;

use super::{Directory, Membership, Memberships, ParsedRows, Rejection, SyncMode, accepted::AcceptedRows};
use crate::{GroupId, MemberId};

/// The changed memberships, sorted.
#[derive(Debug, Default)]
pub(super) struct MembershipChanges {
    pub(super) added: Vec<Membership>,
    pub(super) removed: Vec<Membership>,
}

/// Compares the rows with the stored memberships. Rejects rows that name a member or group that does not exist after
/// the sync.
pub(super) fn changes(
    rows: &ParsedRows,
    directory: &Directory,
    accepted: &AcceptedRows<'_>,
    rejections: &mut Vec<Rejection>,
) -> MembershipChanges {
    let mut compare = Compare { mode: rows.mode, stored: &directory.memberships, accepted, rejections };
    let added = compare.named(&rows.memberships, true);
    let removed = match rows.mode {
        SyncMode::Delta => compare.named(&rows.removed, false),
        SyncMode::Full => compare.gone(&rows.memberships),
    };
    MembershipChanges { added: sorted(added), removed: sorted(removed) }
}

/// Groups of members, in no order of the members.
type Found<'a> = Vec<(&'a MemberId, Vec<&'a GroupId>)>;

struct Compare<'a> {
    mode: SyncMode,
    stored: &'a Memberships,
    accepted: &'a AcceptedRows<'a>,
    rejections: &'a mut Vec<Rejection>,
}

impl<'a> Compare<'a> {
    /// Returns the named memberships that change: those to be added that are not stored, or those to be removed that are.
    fn named(&mut self, rows: &'a Memberships, to_be: bool) -> Found<'a> {
        let mut found = Vec::new();
        for (member, groups) in rows {
            let (stored, has_member) = (self.stored.get(member), self.accepted.has_member(member));
            let mut changing = Vec::new();
            for group in groups {
                if let Some(reason) = self.unknown(self.accepted.has_group(group), has_member) {
                    self.rejections.push(Rejection::of_membership(group.as_str(), member.as_str(), reason));
                } else if stored.is_some_and(|stored| stored.contains(group)) != to_be {
                    changing.push(group);
                }
            }
            found.extend((!changing.is_empty()).then_some((member, changing)));
        }
        found
    }

    /// Returns the stored memberships that a FULL sync removes: every membership in an absent group, and the memberships of
    /// present members that no row names. Absent members keep their memberships in present groups.
    fn gone(&self, rows: &Memberships) -> Found<'a> {
        let mut found = Vec::new();
        for (member, stored) in self.stored {
            let (named, has_member) = (rows.get(member), self.accepted.has_member(member));
            let is_named = |group: &GroupId| named.is_some_and(|named| named.contains(group));
            let is_gone = |group: &&GroupId| !self.accepted.has_group(group) || (has_member && !is_named(group));
            let gone: Vec<&GroupId> = stored.iter().filter(is_gone).collect();
            found.extend((!gone.is_empty()).then_some((member, gone)));
        }
        found
    }

    /// Why a membership is rejected, if its group or its member does not exist.
    fn unknown(&self, has_group: bool, has_member: bool) -> Option<&'static str> {
        match (has_group, has_member, self.mode) {
            (true, true, _) => None,
            (false, _, SyncMode::Full) => Some("the sync has no accepted row for this group; send one, or correct it"),
            (_, false, SyncMode::Full) => Some("the sync has no accepted row for this member; send one, or correct it"),
            (false, ..) => Some("there is no such group; send a row for it first"),
            (_, false, _) => Some("there is no such member; send a row for the member first"),
        }
    }
}

fn sorted(mut found: Found<'_>) -> Vec<Membership> {
    found.sort_unstable_by_key(|(member, _)| *member);
    found.into_iter().flat_map(|(member, groups)| groups.into_iter().map(|g| (member.clone(), g.clone()))).collect()
}

/// The groups of each member, of memberships that are sorted.
pub(super) fn by_member(memberships: &[Membership]) -> HashMap<&MemberId, &[Membership]> {
    let members = memberships.chunk_by(|(a, _), (b, _)| a == b);
    members.filter_map(|mine| Some((&mine.first()?.0, mine))).collect()
}
