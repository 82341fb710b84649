//! The member resource: identity, assignment, pin, settings.

use std::collections::{BTreeSet, HashMap};

use diesel::{
    OptionalExtension as _, QueryableByName,
    pg::Pg,
    sql_types::{Array, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::{
    AssignmentId, GroupId, MemberId, Settings, SettingsId, Timestamp, directory::Identity, email_export::MemberExport,
    members::MemberFilter,
};
use uuid::Uuid;

use super::{
    identity::IdentityColumns,
    settings::{get_settings, settings_id},
};
use crate::{
    Error, ReadTx, Result,
    db::{load, statement},
    enum_columns::ExportColumns,
    schema::members,
    seats::list_pending_of,
};

/// A member with everything that the API shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberView {
    /// The external id.
    pub id: MemberId,
    /// Name, email address, job title and manager.
    pub identity: Identity,
    /// Whether the member is active.
    pub active: bool,
    /// The member's groups in byte order.
    pub groups: Vec<GroupId>,
    /// The member's assignment.
    pub assignment: AssignmentId,
    /// The pin that holds the member in the assignment.
    pub pin: Option<Pin>,
    /// The settings of the member.
    pub settings: Settings,
    /// The seats of the settings that the member still waits for.
    pub pending_seats: BTreeSet<String>,
    /// The email export setting; `None` in phase LEGACY.
    pub export: Option<MemberExport>,
    /// The revision that last changed the member.
    pub updated_revision: i64,
    /// When the member was first synced.
    pub created_at: Timestamp,
    /// When the member last changed.
    pub updated_at: Timestamp,
}

impl MemberView {
    /// The seats that the member holds, in byte order. An inactive member holds none.
    pub fn held_seats(&self) -> impl Iterator<Item = &String> {
        self.settings.seats.difference(&self.pending_seats).filter(|_| self.active)
    }
}

/// A pin: the assignment of a moved member, with the actor, the reason and the time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The assignment that holds the member.
    pub assignment: AssignmentId,
    /// The actor who moved the member.
    pub actor: String,
    /// The reason, as the tech admin wrote it.
    pub reason: String,
    /// When the member was moved.
    pub time: Timestamp,
}

#[derive(QueryableByName)]
#[diesel(table_name = members, check_for_backend(Pg))]
pub(super) struct MemberViewRow {
    id: String,
    #[diesel(embed)]
    identity: IdentityColumns,
    active: bool,
    #[diesel(sql_type = Array<Text>)]
    groups: Vec<String>,
    assignment_id: String,
    settings_id: Uuid,
    #[diesel(embed)]
    export: ExportColumns,
    updated_revision: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[diesel(sql_type = Nullable<Text>)]
    pin_assignment: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pin_actor: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pin_reason: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pinned_at: Option<Timestamp>,
}

impl MemberViewRow {
    fn take_pin(&mut self) -> Option<Pin> {
        Some(Pin {
            assignment: AssignmentId::trusted(self.pin_assignment.take()?),
            actor: self.pin_actor.take()?,
            reason: self.pin_reason.take()?,
            time: self.pinned_at?,
        })
    }

    /// The settings that the member has.
    pub(super) fn settings(&self) -> SettingsId {
        settings_id(self.settings_id)
    }

    pub(super) fn into_view(
        mut self,
        settings: &HashMap<SettingsId, Settings>,
        pending_seats: BTreeSet<String>,
    ) -> Result<MemberView> {
        let settings = settings.get(&settings_id(self.settings_id)).cloned();
        Ok(MemberView {
            pin: self.take_pin(),
            id: MemberId::trusted(self.id),
            identity: self.identity.into(),
            active: self.active,
            groups: self.groups.into_iter().map(GroupId::trusted).collect(),
            assignment: AssignmentId::trusted(self.assignment_id),
            settings: settings.ok_or_else(|| Error::corrupt("the settings of a member are missing"))?,
            pending_seats,
            export: self.export.into_export(),
            updated_revision: self.updated_revision,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// Reads one member, if the organization has it.
pub async fn find_member(tx: &mut ReadTx, member: &MemberId) -> Result<Option<MemberView>> {
    let (conn, organization) = tx.parts();
    let row = load_row(conn, organization, member).await?;
    Ok(load_views(tx, row.into_iter().collect()).await?.pop())
}

/// Reads the row of one member through a connection that other statements may share.
pub(super) async fn load_row(
    mut conn: &AsyncPgConnection,
    organization: &str,
    member: &MemberId,
) -> Result<Option<MemberViewRow>> {
    let query = statement!(Prepared("find_member"), organization, member.as_str());
    query.get_result(&mut conn).await.optional().map_err(Error::of_statement("find_member"))
}

/// Prepares a transaction for reading all rows of a table page by page, in the order of the primary key, such as members in
/// byte order of their ids. With sorting disabled each page follows the primary key. Otherwise Postgres would read and
/// sort all rows after the cursor for each page whenever it expects few of them.
pub async fn prepare_pages(tx: &mut ReadTx) -> Result<()> {
    diesel::sql_query("SET LOCAL enable_sort = off").execute(&mut tx.conn).await?;
    Ok(())
}

/// Reads up to `limit` members after the id `after`, in byte order of their ids: the members of `assignment`, or all.
pub async fn list_members(
    tx: &mut ReadTx,
    assignment: Option<&AssignmentId>,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<MemberView>> {
    // The members of one assignment are read through another index.
    if assignment.is_none() {
        prepare_pages(tx).await?;
    }
    let assignment = assignment.map(AssignmentId::as_str);
    let (after, limit) = (after.unwrap_or_default(), i64::from(limit));
    let rows = load!(tx, "list_members", assignment, after, limit, None::<Vec<&str>>).await?;
    load_views(tx, rows).await
}

#[derive(QueryableByName)]
struct MemberIdRow {
    #[diesel(sql_type = Text)]
    id: String,
}

/// Reads up to `limit` members after the id `after`, in byte order of their ids, who meet every condition of a filter.
pub async fn list_filtered_members(
    tx: &mut ReadTx,
    filter: &MemberFilter,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<MemberView>> {
    let (group, assignment) = (filter.group.as_ref(), filter.assignment.as_ref().map(AssignmentId::as_str));
    let (active, text) = (filter.active, filter.text.as_deref());
    if active.is_none() && text.is_none() && group.is_none() {
        return list_members(tx, filter.assignment.as_ref(), after, limit).await;
    }
    let (after, limit) = (after.unwrap_or_default(), i64::from(limit));
    let ids: Vec<MemberIdRow> = if let Some(group) = group {
        load!(tx, "list_group_member_ids", group.as_str(), after, limit, assignment, active, text).await?
    } else {
        // The members of one assignment are read through another index.
        if assignment.is_none() {
            prepare_pages(tx).await?;
        }
        match text {
            Some(text) => load!(tx, "search_member_ids", after, limit, text, assignment, active).await?,
            None => load!(tx, "list_member_ids", after, limit, assignment, active).await?,
        }
    };
    let ids: Vec<&str> = ids.iter().map(|row| row.id.as_str()).collect();
    let rows = load!(tx, "list_members", None::<&str>, "", limit, Some(ids)).await?;
    load_views(tx, rows).await
}

/// Reads what the rows of members refer to.
async fn load_views(tx: &mut ReadTx, rows: Vec<MemberViewRow>) -> Result<Vec<MemberView>> {
    let settings = get_settings(tx, &rows.iter().map(|row| settings_id(row.settings_id)).collect()).await?;
    let mut pending = list_pending_of(tx, rows.iter().map(|row| row.id.as_str()).collect()).await?;
    let view = |row: MemberViewRow| {
        let pending_seats = pending.remove(&row.id).unwrap_or_default();
        row.into_view(&settings, pending_seats)
    };
    rows.into_iter().map(view).collect()
}
