//! Members as they are shown: identity, assignment, pin, settings.

use std::collections::{BTreeSet, HashMap};

use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    AssignmentId, Email, GroupId, MemberId, Settings, Timestamp, directory::Identity, email_export::MemberExport,
};
use uuid::Uuid;

use super::settings::list_settings;
use crate::{Error, ReadTx, Result, seats::list_pending_of, words};

/// A member with everything that is shown of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberView {
    /// The external id.
    pub id: MemberId,
    /// Who they are.
    pub identity: Identity,
    /// Whether they are active.
    pub active: bool,
    /// Their groups in byte order.
    pub groups: Vec<GroupId>,
    /// Their assignment.
    pub assignment: AssignmentId,
    /// The pin that holds them there.
    pub pin: Option<Pin>,
    /// What they have been given.
    pub settings: Settings,
    /// Of the seats that they have been given, those that they wait for.
    pub pending_seats: BTreeSet<String>,
    /// Their email export setting; `None` in phase LEGACY.
    pub export: Option<MemberExport>,
    /// The revision that last changed them.
    pub updated_revision: i64,
    /// When they were first synced.
    pub created_at: Timestamp,
    /// When anything of them last changed.
    pub updated_at: Timestamp,
}

impl MemberView {
    /// The seats that they hold, in byte order; an inactive member holds none.
    pub fn held_seats(&self) -> impl Iterator<Item = &String> {
        self.settings.seats.difference(&self.pending_seats).filter(|_| self.active)
    }
}

/// Who moved a member, why and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The assignment that holds the member.
    pub assignment: AssignmentId,
    /// Who moved the member.
    pub actor: String,
    /// Why, as they wrote it.
    pub reason: String,
    /// When.
    pub time: Timestamp,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Text)]
    given_name: String,
    #[diesel(sql_type = Text)]
    family_name: String,
    #[diesel(sql_type = Text)]
    job_title: String,
    #[diesel(sql_type = Nullable<Text>)]
    manager_email: Option<String>,
    #[diesel(sql_type = Bool)]
    active: bool,
    #[diesel(sql_type = Array<Text>)]
    groups: Vec<String>,
    #[diesel(sql_type = Text)]
    assignment_id: String,
    #[diesel(sql_type = SqlUuid)]
    settings_id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    email_export: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    email_export_since: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    email_export_source: Option<String>,
    #[diesel(sql_type = BigInt)]
    updated_revision: i64,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
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

impl Row {
    fn pin(&mut self) -> Option<Pin> {
        Some(Pin {
            assignment: AssignmentId::trusted(self.pin_assignment.take()?),
            actor: self.pin_actor.take()?,
            reason: self.pin_reason.take()?,
            time: self.pinned_at?,
        })
    }

    fn into_view(mut self, settings: &HashMap<Uuid, Settings>, pending_seats: BTreeSet<String>) -> Result<MemberView> {
        let export = words::member_export(
            self.email_export.as_deref(),
            self.email_export_since,
            self.email_export_source.as_deref(),
        )?;
        let settings = settings.get(&self.settings_id).cloned();
        Ok(MemberView {
            pin: self.pin(),
            id: MemberId::trusted(self.id),
            identity: Identity {
                email: Email::trusted(self.email),
                given_name: self.given_name,
                family_name: self.family_name,
                job_title: self.job_title,
                manager_email: self.manager_email.map(Email::trusted),
            },
            active: self.active,
            groups: self.groups.into_iter().map(GroupId::trusted).collect(),
            assignment: AssignmentId::trusted(self.assignment_id),
            settings: settings.ok_or_else(|| Error::corrupt("a member's settings are missing"))?,
            pending_seats,
            export,
            updated_revision: self.updated_revision,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// Reads one member.
///
/// # Errors
/// A database that fails.
pub async fn get_member(tx: &mut ReadTx, member: &MemberId) -> Result<Option<MemberView>> {
    let page = Page { only: Some(member.as_str()), ..Page::default() };
    Ok(load(tx, &page).await?.pop())
}

/// Prepares a snapshot to be read page by page in byte order of the members' ids. Where statistics promise few members
/// after one, a plan would read all of them and sort for each page; without sorting it follows the key, and a late page
/// costs what an early one does.
///
/// # Errors
/// A database that fails.
pub async fn prepare_pages(tx: &mut ReadTx) -> Result<()> {
    diesel::sql_query("SET LOCAL enable_sort = off").execute(&mut tx.conn).await?;
    Ok(())
}

/// Reads up to `limit` members after one, in byte order of their ids; of one assignment only, if
/// one is given.
///
/// # Errors
/// A database that fails.
pub async fn list_members(
    tx: &mut ReadTx,
    assignment: Option<&AssignmentId>,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<MemberView>> {
    // The members of one assignment are found by another key.
    if assignment.is_none() {
        prepare_pages(tx).await?;
    }
    let page = Page { assignment: assignment.map(AssignmentId::as_str), after, limit: i64::from(limit), only: None };
    load(tx, &page).await
}

struct Page<'a> {
    assignment: Option<&'a str>,
    only: Option<&'a str>,
    after: Option<&'a str>,
    limit: i64,
}

impl Default for Page<'_> {
    fn default() -> Self {
        Self { assignment: None, only: None, after: None, limit: 1 }
    }
}

async fn load(tx: &mut ReadTx, page: &Page<'_>) -> Result<Vec<MemberView>> {
    let (conn, organization) = tx.parts();
    let rows: Vec<Row> = diesel::sql_query(include_str!("../sql/list_members.sql"))
        .bind::<Text, _>(organization)
        .bind::<Nullable<Text>, _>(page.assignment)
        .bind::<Nullable<Text>, _>(page.only)
        .bind::<Text, _>(page.after.unwrap_or_default())
        .bind::<BigInt, _>(page.limit)
        .load(conn)
        .await?;
    let settings = list_settings(tx, rows.iter().map(|row| row.settings_id).collect()).await?;
    let mut pending = list_pending_of(tx, rows.iter().map(|row| row.id.as_str()).collect()).await?;
    let view = |row: Row| {
        let pending_seats = pending.remove(&row.id).unwrap_or_default();
        row.into_view(&settings, pending_seats)
    };
    rows.into_iter().map(view).collect()
}
