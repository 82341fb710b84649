//! Everything that explains a member, in two round trips: the statements of each do not depend on each other.

use std::collections::BTreeSet;

use diesel_async::AsyncPgConnection;
use futures::try_join;
use rollcall_domain::{
    MemberId,
    history::{Bundles, RecordedChange},
};

use super::{
    MemberView,
    history::{HistoryFilter, load_changes},
    settings::get_settings,
    view::load_row,
};
use crate::{
    ReadTx, Result,
    assignments::{StoredList, load_list},
    seats::list_pending_of,
};

/// A member with what explains the member's assignment and settings.
#[derive(Clone, Debug)]
pub struct ExplainedMember {
    /// The member.
    pub member: MemberView,
    /// The list of assignments.
    pub list: StoredList,
    /// The changes of the member, newest first.
    pub changes: Vec<RecordedChange>,
    /// The settings before and after each change.
    pub bundles: Bundles,
}

/// Reads a member with what explains it, if the organization has the member.
pub async fn find_explained_member(tx: &mut ReadTx, id: &MemberId) -> Result<Option<ExplainedMember>> {
    let (conn, organization) = tx.parts();
    let conn: &AsyncPgConnection = conn;
    let (row, list, changes) = try_join!(
        load_row(conn, organization, id),
        load_list(conn, organization),
        load_changes(conn, organization, id, HistoryFilter::default())
    )?;
    let Some(row) = row else { return Ok(None) };
    let held = changes.iter().flat_map(|RecordedChange { change, .. }| change.before.iter().chain([&change.after]));
    let ids: BTreeSet<_> = held.map(|held| held.settings).chain([row.settings()]).collect();
    let bundles = get_settings(tx, &ids).await?;
    let pending = list_pending_of(tx, vec![id.as_str()]).await?.into_values().next().unwrap_or_default();
    Ok(Some(ExplainedMember { member: row.into_view(&bundles, pending)?, list, changes, bundles }))
}
