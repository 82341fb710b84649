//! The settings migration of one organization: import, dry run, migration with proof, rollback, state.

mod import;
mod progress;
mod rollback;
mod run;

use rollcall_domain::{
    OrganizationId, Phase, Timestamp,
    email_export::EmailExport,
    migration::{MigrationPlan, Outcome, Proof, plan_migration},
    names,
};
use rollcall_store::{
    ReadTx, assignments,
    migration::{self as store, Listed, ListedMigration, StoredMigration},
};

pub use import::Imported;
pub use progress::{MEMBERS_TOTAL, ORGANIZATIONS_TOTAL, Progress};
pub use rollcall_store::migration::{Listed as MigrationFilter, MigrationState};
pub use run::MigrationOutcome;

use crate::{App, Error, Read, Result, check_revision};

/// What migrating an organization would make of it.
#[derive(Clone, Debug)]
pub struct MigrationPreview {
    /// What would come of each assignment.
    pub outcomes: Vec<Outcome>,
    /// Members who would be carried over with EXPORT.
    pub exporting: u32,
    /// Members who would be carried over with `DO_NOT_EXPORT`.
    pub not_exporting: u32,
    /// Old settings that wait for a member.
    pub unmatched: u32,
}

/// How far an organization's migration is.
#[derive(Clone, Debug)]
pub struct MigrationStatus {
    /// Who decides now.
    pub phase: Phase,
    /// In which wave the organization goes.
    pub wave: u32,
    /// The last attempt, unless there was none. One that is to be made again is pending.
    pub attempt: Option<Attempt>,
    /// Old settings that wait for a member.
    pub unmatched: u32,
}

/// What came of the last attempt, or of taking it back.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// How far it is.
    pub state: MigrationState,
    /// Why it failed.
    pub failure: Option<String>,
    /// What was compared.
    pub proof: Option<Proof>,
    /// What came of each assignment.
    pub outcomes: Vec<Outcome>,
    /// When.
    pub time: Timestamp,
}

impl Attempt {
    fn without_proof(state: MigrationState, time: Timestamp) -> Self {
        Self { state, failure: None, proof: None, outcomes: Vec::new(), time }
    }
}

impl App {
    /// Says what the migration would make of each assignment; an organization that is migrated
    /// already is shown as it would be migrated again from its old settings.
    ///
    /// # Errors
    /// An unknown organization.
    pub async fn plan_migration(
        &self,
        organization: &OrganizationId,
        at_least: Option<i64>,
    ) -> Result<Read<MigrationPreview>> {
        self.db
            .read(organization, "plan_migration", async |tx: &mut ReadTx| {
                check_revision(tx, at_least)?;
                let plan = load_plan(tx).await?;
                let exporting = plan.members.iter().filter(|(_, s)| s.value() == EmailExport::Export);
                let exporting = u32::try_from(exporting.count()).unwrap_or(u32::MAX);
                let all = u32::try_from(plan.members.len()).unwrap_or(u32::MAX);
                let unmatched = store::count_unmatched(tx).await?;
                let value =
                    MigrationPreview { outcomes: plan.outcomes, exporting, not_exporting: all - exporting, unmatched };
                Ok(Read::of(tx, value))
            })
            .await
    }

    /// Reads how far an organization's migration is.
    ///
    /// # Errors
    /// An unknown organization.
    pub async fn get_migration(
        &self,
        organization: &OrganizationId,
        at_least: Option<i64>,
    ) -> Result<Read<MigrationStatus>> {
        self.db
            .read(organization, "get_migration", async |tx: &mut ReadTx| {
                check_revision(tx, at_least)?;
                let value = read_status(tx).await?;
                Ok(Read::of(tx, value))
            })
            .await
    }

    /// Reads up to `limit` migrations after an organization, in byte order of their ids. Outcomes of assignments are left
    /// out, and organizations that were created migrated.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn list_migrations(
        &self,
        filter: Listed,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(OrganizationId, MigrationStatus)>> {
        let listed = store::list_migrations(&self.db, filter, after, limit).await?;
        let status = |ListedMigration { organization, phase, wave, stored, unmatched }| {
            let attempt = stored.map(to_attempt).transpose()?;
            Ok((organization, MigrationStatus { phase, wave, attempt, unmatched }))
        };
        listed.into_iter().map(status).collect()
    }
}

async fn read_status(tx: &mut ReadTx) -> Result<MigrationStatus> {
    let attempt = store::find_migration(tx).await?.map(to_attempt).transpose()?;
    let unmatched = store::count_unmatched(tx).await?;
    let (phase, wave) = (tx.organization().phase, tx.organization().wave);
    Ok(MigrationStatus { phase, wave, attempt, unmatched })
}

fn resource(organization: &OrganizationId) -> String {
    names::child(organization, "migration")
}

fn to_attempt(stored: StoredMigration) -> Result<Attempt> {
    let unreadable = |error: serde_json::Error| Error::Internal(error.into());
    Ok(Attempt {
        state: stored.state,
        failure: stored.failure,
        proof: stored.proof.map(serde_json::from_value).transpose().map_err(unreadable)?,
        outcomes: serde_json::from_value(stored.outcomes).map_err(unreadable)?,
        time: stored.updated_at,
    })
}

async fn load_plan(tx: &mut ReadTx) -> Result<MigrationPlan> {
    let stored = assignments::get_list(tx).await?;
    let members = store::list_legacy_members(tx).await?;
    Ok(plan_migration(&stored.list, &members))
}
