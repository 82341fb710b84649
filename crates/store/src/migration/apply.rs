//! Writes a migration or a rollback, and the record of either.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    Cause, Phase,
    email_export::{EmailExport, Source},
    migration::{MigrationPlan, MigrationRecord},
};

use super::record::upsert_record;
use crate::{
    Error, Result, WriteTx,
    arrays::{column, slices},
    audit::{self, AuditEvent, Impact},
    db::execute,
    schema::organizations,
};

/// Writes the setting of every member, the chosen value of every assignment, and the phase MIGRATED.
pub async fn apply_migration(tx: &mut WriteTx, plan: &MigrationPlan) -> Result<()> {
    let (revision, now) = (tx.next_revision(), tx.now());
    for slice in slices(&plan.members) {
        execute!(
            tx,
            "migrate_members",
            column(slice, |(member, _)| member.as_str()),
            column(slice, |(_, setting)| setting.value().as_str()),
            column(slice, |(_, setting)| setting.start()),
            Source::Migration.as_str(),
            revision,
            now
        )
        .await?;
    }
    execute!(tx, "insert_migration_changes", revision, Cause::Migration.as_str()).await?;
    execute!(
        tx,
        "update_chosen",
        column(&plan.outcomes, |outcome| outcome.assignment.as_str()),
        column(&plan.outcomes, |outcome| outcome.chosen.map(EmailExport::as_str)),
        revision,
        now
    )
    .await?;
    update_phase(tx, Phase::Migrated).await
}

/// Removes the setting of every member and the chosen value of every assignment, and writes the phase LEGACY.
pub async fn apply_rollback(tx: &mut WriteTx) -> Result<()> {
    let (revision, now) = (tx.next_revision(), tx.now());
    // The history copies the settings from the members' rows. So it is written before the settings are removed.
    execute!(tx, "insert_rollback_changes", revision, Cause::RolledBack.as_str()).await?;
    execute!(tx, "roll_back_members", revision, now).await?;
    execute!(tx, "roll_back_assignments", revision, now).await?;
    update_phase(tx, Phase::Legacy).await
}

/// Ends a migration, a rollback or a retry: writes the record, the audit event and the new revision, which it returns.
/// `members` is how many members the write changed.
pub async fn finish_migration(
    tx: &mut WriteTx,
    record: &MigrationRecord,
    members: u32,
    event: AuditEvent,
) -> Result<i64> {
    upsert_record(tx, record).await?;
    audit::finish_write(tx, &Impact { members, ..Impact::default() }, event).await
}

async fn update_phase(tx: &mut WriteTx, phase: Phase) -> Result<()> {
    let (revision, now) = (tx.next_revision(), tx.now());
    let (conn, organization) = tx.parts();
    diesel::update(organizations::table.find(organization))
        .set((
            organizations::phase.eq(phase.as_str()),
            organizations::updated_revision.eq(revision),
            organizations::updated_at.eq(now),
        ))
        .execute(conn)
        .await
        .map_err(Error::of_statement("update_phase"))?;
    Ok(())
}
