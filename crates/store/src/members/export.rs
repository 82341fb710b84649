//! The rows of the team members CSV (product.md 8), in byte order of the members' ids.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use diesel::{
    QueryableByName,
    sql_types::{BigInt, Integer, Text},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{AssignmentId, Email, MemberId, Settings, SettingsId, UpdateMode, email_export::MemberExport};
use uuid::Uuid;

use super::settings::{get_settings, settings_id};
use crate::{
    Limits, ReadTx, Result,
    db::within,
    enum_columns::{EnumColumn, ExportColumns},
    schema::members,
    seats::list_pending_of,
};

/// A row of the team members CSV.
#[derive(Clone, Debug, PartialEq)]
pub struct TeamMember {
    /// The member's id at the identity provider.
    pub id: MemberId,
    /// The member's address.
    pub email: Email,
    /// The given name.
    pub given_name: String,
    /// The family name.
    pub family_name: String,
    /// The job title.
    pub job_title: String,
    /// The manager's address.
    pub manager_email: Option<Email>,
    /// Whether the member is active.
    pub active: bool,
    /// The member's assignment.
    pub assignment: AssignmentId,
    /// The assignment's display name.
    pub assignment_name: String,
    /// The assignment's rank.
    pub assignment_rank: u32,
    /// The assignment's update mode.
    pub update_mode: UpdateMode,
    /// The settings that the member has.
    pub settings: Arc<Settings>,
    /// The seats that the member holds: the seats of the settings without the pending seats. Empty for an inactive member.
    pub held_seats: BTreeSet<String>,
    /// The email export setting; `None` in phase LEGACY.
    pub export: Option<MemberExport>,
}

#[derive(QueryableByName)]
#[diesel(table_name = members)]
struct TeamMemberRow {
    id: String,
    email: String,
    given_name: String,
    family_name: String,
    job_title: String,
    manager_email: Option<String>,
    active: bool,
    assignment_id: String,
    settings_id: Uuid,
    #[diesel(sql_type = Text)]
    assignment_name: String,
    #[diesel(sql_type = Integer)]
    assignment_rank: i32,
    #[diesel(sql_type = Text)]
    update_mode: EnumColumn<UpdateMode>,
    #[diesel(embed)]
    export: ExportColumns,
}

/// Reads the members of an organization page by page.
pub struct TeamMembers<'a> {
    tx: &'a mut ReadTx,
    /// The id of the last member that was read.
    after: String,
    /// The settings of the members of the last page: most members of the next page have the same.
    settings: HashMap<SettingsId, Arc<Settings>>,
}

impl<'a> TeamMembers<'a> {
    /// Begins with the member after the given one, or with the first.
    #[must_use]
    pub fn new(tx: &'a mut ReadTx, after: Option<&MemberId>) -> Self {
        let after = after.map(ToString::to_string).unwrap_or_default();
        Self { tx, after, settings: HashMap::new() }
    }

    /// Reads the next `limit` members. A shorter page is the last one.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database cannot be reached, or takes longer than the limit of a
    /// statement.
    pub async fn next_page(&mut self, limit: usize) -> Result<Vec<TeamMember>> {
        // The read snapshot of a stream has no time limit of its own.
        within(Limits::default().statement, self.read_page(limit)).await
    }

    async fn read_page(&mut self, limit: usize) -> Result<Vec<TeamMember>> {
        let (conn, organization) = self.tx.parts();
        let rows: Vec<TeamMemberRow> = diesel::sql_query(include_str!("../sql/list_member_rows.sql"))
            .bind::<Text, _>(organization)
            .bind::<Text, _>(&self.after)
            .bind::<BigInt, _>(i64::try_from(limit).unwrap_or(i64::MAX))
            .load(conn)
            .await?;
        if let Some(last) = rows.last() {
            self.after.clone_from(&last.id);
        }
        self.read_settings(&rows).await?;
        let mut pending = list_pending_of(self.tx, rows.iter().map(|row| row.id.as_str()).collect()).await?;
        let member = |row: TeamMemberRow| {
            let pending = pending.remove(&row.id).unwrap_or_default();
            let settings = self.settings[&settings_id(row.settings_id)].clone();
            row.into_member(settings, &pending)
        };
        Ok(rows.into_iter().map(member).collect())
    }

    /// Reads the settings of the rows that are not known yet, and forgets those that no row has.
    async fn read_settings(&mut self, rows: &[TeamMemberRow]) -> Result<()> {
        let mut ids: BTreeSet<SettingsId> = rows.iter().map(|row| settings_id(row.settings_id)).collect();
        self.settings.retain(|id, _| ids.remove(id));
        let read = get_settings(self.tx, &ids).await?;
        self.settings.extend(read.into_iter().map(|(id, settings)| (id, Arc::new(settings))));
        Ok(())
    }
}

impl TeamMemberRow {
    fn into_member(self, settings: Arc<Settings>, pending: &BTreeSet<String>) -> TeamMember {
        let held_seats = if self.active { &settings.seats - pending } else { BTreeSet::new() };
        TeamMember {
            id: MemberId::trusted(self.id),
            email: Email::trusted(self.email),
            given_name: self.given_name,
            family_name: self.family_name,
            job_title: self.job_title,
            manager_email: self.manager_email.map(Email::trusted),
            active: self.active,
            assignment: AssignmentId::trusted(self.assignment_id),
            assignment_name: self.assignment_name,
            assignment_rank: self.assignment_rank.unsigned_abs(),
            update_mode: self.update_mode.0,
            settings,
            held_seats,
            export: self.export.into_export(),
        }
    }
}
