//! Keeps addresses unique among active members, whatever the order of the rows.

use std::collections::HashMap;

use super::{Directory, ParsedMember};
use crate::{Email, MemberId};

/// Finds the rows that would give an active member the address of another one. Returns the member of each such row with
/// the member who has the address. `leaves` tells whether a member without a row becomes inactive.
///
/// Members who keep their address come first, then the rows in their order. A rejected row leaves its member with the old
/// address, which may cause another row to be rejected. Each row is rejected at most once, so this ends.
pub(super) fn conflicting<'a>(
    directory: &'a Directory,
    rows: &[&'a ParsedMember],
    leaves: impl Fn(&MemberId) -> bool,
) -> HashMap<&'a MemberId, &'a MemberId> {
    let wanted: HashMap<&MemberId, &ParsedMember> = rows.iter().map(|row| (&row.0, *row)).collect();
    let mut holders: HashMap<&Email, &MemberId> = HashMap::new();
    for (id, known) in directory.members.iter().filter(|(_, known)| known.active) {
        let keeps = match wanted.get(id) {
            Some((_, row, active)) => *active && row.email == known.identity.email,
            None => !leaves(id),
        };
        if keeps {
            holders.insert(&known.identity.email, id);
        }
    }
    let mut rejected = Vec::new();
    for (id, row, _) in rows.iter().filter(|(.., active)| *active) {
        if *holders.entry(&row.email).or_insert(id) != id {
            push_out(directory, &mut holders, &mut rejected, id);
        }
    }
    let holder = |id: &MemberId| holders.get(&wanted.get(id)?.1.email).copied();
    rejected.into_iter().filter_map(|id| Some((id, holder(id)?))).collect()
}

/// Rejects the row of `loser`, who keeps the old address. If another row wanted that address, it is rejected next, and so
/// on along the chain.
fn push_out<'a>(
    directory: &'a Directory,
    holders: &mut HashMap<&'a Email, &'a MemberId>,
    rejected: &mut Vec<&'a MemberId>,
    mut loser: &'a MemberId,
) {
    loop {
        rejected.push(loser);
        let Some(known) = directory.members.get(loser).filter(|known| known.active) else {
            return;
        };
        match holders.insert(&known.identity.email, loser) {
            Some(next) if next != loser => loser = next,
            _ => return,
        }
    }
}
