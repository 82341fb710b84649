//! Migrating one organization in one transaction, with the proof that no member's behaviour changed.

use rollcall_domain::{
    OrganizationId, Phase,
    migration::{MigrationRecord, MigrationScope, MigrationState, plan_migration},
};
use rollcall_store::{Fence, WriteOptions, WriteTx, jobs, migration as store};
use serde_json::json;

use super::read::migration_name;
use crate::{App, AuditDraft, Caller, Error, Result, chain, document};

/// The result of migrating one organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MigrationOutcome {
    /// The organization, with this many members, is migrated, and the proof holds.
    Migrated(u32),
    /// The organization is unchanged and marked as failed, for this reason.
    Failed(String),
    /// The run does not have to migrate the organization: it is migrated, waits for an operator, or has moved to a later
    /// wave.
    NotPending,
    /// Another transaction has locked the organization. It may belong to another worker of the same run.
    Busy,
}

impl MigrationOutcome {
    /// Returns what the outcome adds to the counts of the run.
    fn counts(&self) -> Vec<(&'static str, i64)> {
        match self {
            Self::Migrated(members) => vec![("organizations_migrated", 1), ("members", i64::from(*members))],
            Self::Failed(_) => vec![("organizations_failed", 1)],
            Self::NotPending | Self::Busy => Vec::new(),
        }
    }
}

/// Why the transaction of a migration is rolled back.
enum MigrationAborted {
    /// The proof does not hold; the record says so.
    Disproved(MigrationRecord),
    /// Rows of the organization are damaged or break a constraint.
    Damaged(rollcall_store::Error),
    /// Another transaction has locked the organization.
    Busy,
    /// Anything else: a fault of the server, which says nothing about the data of the organization.
    Error(Error),
}

impl From<rollcall_store::Error> for MigrationAborted {
    fn from(error: rollcall_store::Error) -> Self {
        match error {
            rollcall_store::Error::Busy => Self::Busy,
            damaged @ rollcall_store::Error::InvalidData(_) => Self::Damaged(damaged),
            error => Self::Error(error.into()),
        }
    }
}

impl rollcall_store::TxError for MigrationAborted {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Error(error) if rollcall_store::TxError::is_retryable(error))
    }

    fn is_internal(&self) -> bool {
        matches!(self, Self::Error(Error::Internal(_)))
    }
}

impl App {
    /// Migrates one organization on behalf of a run of the job with this scope, unless another transaction has locked the
    /// organization. A second call for the same organization changes nothing and counts nothing.
    ///
    /// # Errors
    /// [`Error::FenceLost`], or any other error after a fault of the server. The organization is unchanged, unless the
    /// connection was lost during the commit.
    pub async fn migrate_organization(
        &self,
        organization: &OrganizationId,
        scope: MigrationScope,
        fence: Fence,
    ) -> Result<MigrationOutcome> {
        let migrated = self
            .db
            .write(
                organization,
                WriteOptions::fenced("migrate_organization", fence).if_free(),
                async |tx: &mut WriteTx| {
                    if !is_still_to_migrate(tx, scope).await? {
                        return Ok(MigrationOutcome::NotPending);
                    }
                    let members = migrate(tx).await?;
                    finish(tx, fence, MigrationOutcome::Migrated(members)).await
                },
            )
            .await;
        match migrated {
            Ok(outcome) => Ok(outcome),
            Err(MigrationAborted::Busy) => Ok(MigrationOutcome::Busy),
            // A retry of the transaction would fail again, and the other organizations must not wait for this one.
            Err(MigrationAborted::Damaged(error)) => {
                tracing::error!(%organization, cause = %chain(&error), "rows of the organization are not valid");
                self.mark_failed(organization, scope, fence, None).await
            }
            Err(MigrationAborted::Error(error)) => Err(error),
            Err(MigrationAborted::Disproved(record)) => {
                self.mark_failed(organization, scope, fence, Some(record)).await
            }
        }
    }

    /// Writes that the migration failed, in a transaction of its own. Without a record, the cause were damaged rows.
    async fn mark_failed(
        &self,
        organization: &OrganizationId,
        scope: MigrationScope,
        fence: Fence,
        disproved: Option<MigrationRecord>,
    ) -> Result<MigrationOutcome> {
        self.db
            .write(organization, WriteOptions::fenced("mark_migration_failed", fence), async |tx: &mut WriteTx| {
                // The organization was unlocked for a moment: another worker may have migrated it or marked it as
                // failed, and an operator may have moved it to a later wave.
                if !is_still_to_migrate(tx, scope).await? {
                    return Ok(MigrationOutcome::NotPending);
                }
                let record = MigrationRecord::failed(disproved.clone(), tx.now());
                let state = record.state.as_str();
                let after = json!({ "state": state, "reason": record.failure, "proof": record.proof });
                let event = Caller::job("settings-migration").event(AuditDraft {
                    resource: migration_name(organization),
                    before: None,
                    after: document(after),
                });
                store::finish_migration(tx, &record, 0, event).await?;
                finish(tx, fence, MigrationOutcome::Failed(record.failure.unwrap_or_default())).await
            })
            .await
    }

    /// Records that an organization could not be migrated because of faults of the server. It stays pending. Nothing is
    /// written if this is recorded already, or if the organization is no longer to be migrated.
    ///
    /// # Errors
    /// [`Error::FenceLost`], or [`Error::Unavailable`] also while another transaction has locked the organization.
    pub async fn record_migration_fault(
        &self,
        organization: &OrganizationId,
        scope: MigrationScope,
        fence: Fence,
        next: NextTry,
    ) -> Result<()> {
        let options = WriteOptions::fenced("record_migration_fault", fence).if_free();
        self.db
            .write(organization, options, async |tx: &mut WriteTx| {
                let recorded = store::find_record_head(tx).await?;
                if !scope.is_still_to_migrate(tx.organization(), recorded.as_ref()) {
                    return Ok(());
                }
                let record = MigrationRecord::faulty((next == NextTry::LaterRun).then_some(scope.run), tx.now());
                if recorded.is_some_and(|recorded| recorded.is_same_fault(&record)) {
                    return Ok(());
                }
                let after = json!({ "state": record.state.as_str(), "reason": record.failure });
                let event = Caller::job("settings-migration").event(AuditDraft {
                    resource: migration_name(organization),
                    before: None,
                    after: document(after),
                });
                store::finish_migration(tx, &record, 0, event).await?;
                Ok(())
            })
            .await
    }
}

/// Whether the run tries an organization again that it could not migrate because of faults of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextTry {
    /// A later attempt of the run.
    ThisRun,
    /// Only a later run: the organization is set aside.
    LaterRun,
}

/// Adds an outcome to the counts of the run, in the transaction that has the effect. So each organization counts once,
/// whichever worker or attempt migrates it.
async fn finish<E: From<rollcall_store::Error>>(
    tx: &mut WriteTx,
    fence: Fence,
    outcome: MigrationOutcome,
) -> std::result::Result<MigrationOutcome, E> {
    jobs::add_progress_in(tx, fence, &outcome.counts()).await?;
    Ok(outcome)
}

async fn is_still_to_migrate(tx: &mut WriteTx, scope: MigrationScope) -> rollcall_store::Result<bool> {
    let record = store::find_record_head(tx).await?;
    Ok(scope.is_still_to_migrate(tx.organization(), record.as_ref()))
}

/// Migrates the organization, and proves it from the rows that it wrote. Returns how many members were compared.
async fn migrate(tx: &mut WriteTx) -> std::result::Result<u32, MigrationAborted> {
    let members = store::list_legacy_members(tx).await?;
    let plan = plan_migration(store::list_legacy_assignments(tx).await?, &members);
    store::apply_migration(tx, &plan).await?;
    let record = plan.conclude(&store::list_written_settings(tx).await?, tx.now());
    if record.state == MigrationState::Failed {
        return Err(MigrationAborted::Disproved(record));
    }
    let before = json!({ "phase": Phase::Legacy });
    let after = json!({ "phase": Phase::Migrated, "proof": record.proof, "assignments": record.outcomes });
    let event = Caller::job("settings-migration").event(AuditDraft {
        resource: migration_name(tx.id()),
        before: document(before),
        after: document(after),
    });
    store::finish_migration(tx, &record, record.compared(), event).await?;
    Ok(record.compared())
}
