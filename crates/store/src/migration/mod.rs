//! The settings migration: old settings, the members' own, and the state of each organization.

mod legacy;
mod pending;
mod rollback;
mod state;

use std::collections::HashMap;

use diesel::{
    QueryableByName,
    prelude::*,
    sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    AssignmentId, Cause, MemberId, Phase, Timestamp,
    email_export::{EmailExport, Setting, Since, Source},
    migration::{LegacyMember, MigrationPlan, Reading},
};

pub(crate) use legacy::bind_waiting;
pub use legacy::{apply_import, count_unmatched, list_holders, list_waiting};
pub use pending::{MigrationSize, Taken, list_failed_since, list_pending, list_sizes};
pub use rollback::apply_rollback;
pub(crate) use state::note_chosen;
pub use state::{
    Listed, ListedMigration, MigrationState, StoredMigration, find_migration, list_migrations, upsert_migration,
};

use crate::{
    ReadTx, Result, WriteTx,
    arrays::column,
    audit::{self, AuditEvent, Impact},
    enum_columns::ExportColumns,
    schema::{members, organizations},
};

#[derive(QueryableByName)]
struct LegacyRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Bool)]
    active: bool,
    #[diesel(sql_type = Text)]
    assignment_id: String,
    #[diesel(sql_type = Nullable<Bool>)]
    legacy_email_export: Option<bool>,
}

/// Reads every member with their old setting, in byte order of their ids.
///
/// # Errors
/// A database that fails.
pub async fn list_legacy_members(tx: &mut ReadTx) -> Result<Vec<LegacyMember>> {
    let (conn, organization) = tx.parts();
    let rows: Vec<LegacyRow> = diesel::sql_query(include_str!("../sql/list_legacy_members.sql"))
        .bind::<Text, _>(organization)
        .load(conn)
        .await?;
    let member = |row: LegacyRow| LegacyMember {
        id: MemberId::trusted(row.id),
        active: row.active,
        assignment: AssignmentId::trusted(row.assignment_id),
        legacy: row.legacy_email_export,
    };
    Ok(rows.into_iter().map(member).collect())
}

/// Writes a migration: every member's setting, every assignment's chosen value, the phase.
///
/// # Errors
/// A database that fails.
pub async fn apply_migration(tx: &mut WriteTx, plan: &MigrationPlan) -> Result<()> {
    let (revision, now) = (tx.next_revision(), tx.now());
    update_members(tx, &plan.members, revision, now).await?;
    let (conn, organization) = tx.parts();
    diesel::sql_query(include_str!("../sql/update_chosen.sql"))
        .bind::<Text, _>(organization)
        .bind::<Array<Text>, _>(column(&plan.outcomes, |outcome| outcome.assignment.as_str()))
        .bind::<Array<Nullable<Text>>, _>(column(&plan.outcomes, |outcome| outcome.chosen.map(EmailExport::as_str)))
        .bind::<BigInt, _>(revision)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    set_phase(tx, Phase::Migrated).await
}

/// Says who decides from now on.
async fn set_phase(tx: &mut WriteTx, phase: Phase) -> Result<()> {
    let (revision, now) = (tx.next_revision(), tx.now());
    let (conn, organization) = tx.parts();
    diesel::update(organizations::table.find(organization))
        .set((
            organizations::phase.eq(phase.as_str()),
            organizations::updated_revision.eq(revision),
            organizations::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends a migration's write with its audit event; returns the new revision.
///
/// # Errors
/// A database that fails.
pub async fn finish_migration(tx: &mut WriteTx, members: u32, event: AuditEvent) -> Result<i64> {
    let impact = Impact { members, ..Impact::default() };
    audit::finish_write(tx, &impact, event).await
}

async fn update_members(
    tx: &mut WriteTx,
    settings: &[(MemberId, Setting)],
    revision: i64,
    now: Timestamp,
) -> Result<()> {
    let since = |(_, setting): &(MemberId, Setting)| match setting {
        Setting::Export(Since::At(start)) => Some(*start),
        _ => None,
    };
    let (conn, organization) = tx.parts();
    diesel::sql_query(include_str!("../sql/migrate_members.sql"))
        .bind::<Text, _>(organization)
        .bind::<Array<Text>, _>(column(settings, |(member, _)| member.as_str()))
        .bind::<Array<Text>, _>(column(settings, |(_, setting)| setting.value().as_str()))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(settings, since))
        .bind::<Text, _>(Source::Migration.as_str())
        .bind::<BigInt, _>(revision)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    diesel::sql_query(include_str!("../sql/insert_migrated.sql"))
        .bind::<Text, _>(organization)
        .bind::<BigInt, _>(revision)
        .bind::<Text, _>(Cause::Migration.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

#[derive(QueryableByName)]
#[diesel(table_name = members, check_for_backend(diesel::pg::Pg))]
struct WrittenRow {
    id: String,
    #[diesel(embed)]
    export: ExportColumns,
}

/// Reads back what was written, in byte order of the members' ids, for the proof. A member without a setting is not in it.
///
/// # Errors
/// A database that fails.
pub async fn list_written_settings(tx: &mut ReadTx) -> Result<Reading> {
    let (conn, organization) = tx.parts();
    let rows: Vec<WrittenRow> = diesel::sql_query(include_str!("../sql/list_written_settings.sql"))
        .bind::<Text, _>(organization)
        .load(conn)
        .await?;
    let setting = |row: WrittenRow| Some((MemberId::trusted(row.id), row.export.into_export()?.setting));
    Ok(rows.into_iter().filter_map(setting).collect())
}

/// Old settings by address.
pub type Waiting = HashMap<rollcall_domain::Email, bool>;
