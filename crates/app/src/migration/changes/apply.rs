//! What a change of many organizations does with one of them, and how it ended.

use std::collections::BTreeSet;

use rollcall_domain::{
    FieldSelection,
    migration::{MigrationAction, MigrationChange},
    organization::OrganizationInput,
};
use rollcall_store::{WriteTx, migration as store};

use crate::{
    Caller, Error, Result, chain,
    change::change_in,
    migration::{retry::retry_in, rollback::roll_back_in},
    organizations::OrganizationUpdate,
};

/// What a change has done with one organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ChangeOutcome {
    /// The organization was changed.
    Changed,
    /// The organization is already as the change would leave it, or no longer selected.
    NothingToDo,
    /// The organization is unchanged. The same change would be refused again, until an admin removes the reason.
    Refused {
        /// The name of the `ErrorReason`.
        reason: &'static str,
        /// Why, and what to do.
        message: String,
    },
}

impl ChangeOutcome {
    /// The count of the run that the organization adds to.
    pub(super) fn count(&self) -> &'static str {
        match self {
            Self::Changed => "organizations_changed",
            Self::NothingToDo => "organizations_unchanged",
            Self::Refused { .. } => "organizations_refused",
        }
    }
}

/// Changes the organization of the transaction as the RPC for a single organization does. Returns whether anything
/// changed. With `validate_only` nothing is written.
///
/// # Errors
/// The errors of the RPC for a single organization.
pub(super) async fn apply(tx: &mut WriteTx, caller: &Caller, change: &MigrationChange) -> Result<bool> {
    // The organization may have changed since it was listed.
    let recorded = store::find_record_head(tx).await?.map(|record| record.state);
    if !change.selection.contains(tx.organization(), recorded) {
        return Ok(false);
    }
    match change.action {
        MigrationAction::Retry => Ok(retry_in(tx, caller).await?.was_waiting),
        MigrationAction::RollBack => roll_back_in(tx, caller).await.map(|_| true),
        MigrationAction::SetWave(wave) => set_wave(tx, caller, wave).await,
    }
}

async fn set_wave(tx: &mut WriteTx, caller: &Caller, wave: u32) -> Result<bool> {
    if tx.organization().wave == wave {
        return Ok(false);
    }
    let input = OrganizationInput { wave, ..OrganizationInput::default() };
    let selection = FieldSelection::Named(BTreeSet::from(["wave".to_owned()]));
    let update = OrganizationUpdate { etag: None, input: &input, selection: &selection };
    change_in(tx, caller, &update).await.map(|_| true)
}

/// Returns how the change of one organization ended.
///
/// # Errors
/// Errors that are no fault of the organization: the run is attempted again.
pub(super) fn outcome_of(changed: Result<bool>) -> Result<ChangeOutcome> {
    let (reason, error) = match changed {
        Ok(true) => return Ok(ChangeOutcome::Changed),
        Ok(false) => return Ok(ChangeOutcome::NothingToDo),
        Err(Error::Refused(refusal)) if refusal.is_nothing_to_do() => return Ok(ChangeOutcome::NothingToDo),
        Err(Error::Refused(refusal)) => (refusal.reason(), Error::Refused(refusal)),
        // Other writers have locked the organization. The others must not wait for it.
        Err(error @ Error::LockTimeout(_)) => ("OVERLOADED", error),
        // Rows of the organization are damaged.
        Err(error @ Error::Internal(_)) => {
            tracing::error!(cause = %chain(&error), "the migration of an organization was not changed");
            ("STORE_UNAVAILABLE", error)
        }
        Err(error) => return Err(error),
    };
    Ok(ChangeOutcome::Refused { reason, message: error.to_string() })
}
