//! Reads the status of migrations, and plans a migration without writing anything.

use rollcall_domain::{
    OrganizationId,
    email_export::EmailExport,
    migration::{AssignmentOutcome, MigrationFilter, MigrationStatus, plan_migration, require_unmigrated},
};
use rollcall_store::{ReadTx, migration as store};

use crate::{App, Read, Result, check_revision};

/// What the migration would make of an organization.
#[derive(Clone, Debug)]
pub struct MigrationPreview {
    /// What the migration would make of each assignment, in evaluation order.
    pub outcomes: Vec<AssignmentOutcome>,
    /// How many members would get EXPORT.
    pub exporting: u32,
    /// How many members would get `DO_NOT_EXPORT`.
    pub not_exporting: u32,
    /// How many old settings wait for a member with their address.
    pub unmatched: u32,
}

impl App {
    /// Plans the migration of an organization.
    ///
    /// # Errors
    /// [`crate::Error::OrganizationNotFound`], `EMAIL_EXPORT_ALREADY_MIGRATED`, or [`crate::Error::RevisionUnknown`] when `at_least` is newer than the
    /// organization.
    pub async fn plan_migration(
        &self,
        organization: &OrganizationId,
        at_least: Option<i64>,
    ) -> Result<Read<MigrationPreview>> {
        self.db
            .read(organization, "plan_migration", async |tx: &mut ReadTx| {
                check_revision(tx.organization().revision, at_least)?;
                require_unmigrated(organization, tx.organization().phase)?;
                let members = store::list_legacy_members(tx).await?;
                let plan = plan_migration(store::list_legacy_assignments(tx).await?, &members);
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

    /// Reads the status of an organization's migration.
    ///
    /// # Errors
    /// [`crate::Error::OrganizationNotFound`], or [`crate::Error::RevisionUnknown`] when `at_least` is newer than the
    /// organization.
    pub async fn get_migration(
        &self,
        organization: &OrganizationId,
        at_least: Option<i64>,
    ) -> Result<Read<MigrationStatus>> {
        self.db
            .read(organization, "get_migration", async |tx: &mut ReadTx| {
                check_revision(tx.organization().revision, at_least)?;
                let value = load_status(tx).await?;
                Ok(Read::of(tx, value))
            })
            .await
    }

    /// Reads up to `limit` migrations after the organization `after`, in byte order of the organizations' ids. The
    /// outcomes of the assignments are left out, and so are organizations that were created migrated.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database cannot be reached.
    pub async fn list_migrations(
        &self,
        filter: MigrationFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(OrganizationId, MigrationStatus)>> {
        Ok(store::list_migrations(&self.db, filter, after, limit).await?)
    }
}

/// Loads the status of an organization's migration.
pub(super) async fn load_status(tx: &mut ReadTx) -> Result<MigrationStatus> {
    let record = store::find_record(tx).await?;
    let unmatched = store::count_unmatched(tx).await?;
    let (phase, wave) = (tx.organization().phase, tx.organization().wave);
    Ok(MigrationStatus { phase, wave, record, unmatched })
}

/// The resource name of an organization's migration.
pub(super) fn migration_name(organization: &OrganizationId) -> String {
    format!("organizations/{organization}/migration")
}
