//! The migration's proof as text, and the check of the proof.

use rollcall_proto::v1::{Migration, MigrationProof, MigrationState};

use crate::error::{Error, Result};

/// Returns the migration's proof as text.
pub(super) fn proof_text(migration: &Migration) -> String {
    let Some(proof) = &migration.proof else {
        return "The settings migration has no proof for this organization.".to_owned();
    };
    let MigrationProof { members_compared, differences, digest_before, digest_after } = proof;
    let compared = format!("{members_compared} members compared before and after, {differences} differ");
    if holds(proof) {
        format!(
            "Proof: {compared}: every member keeps the same email export behaviour.\n       \
             SHA-256 of both: {digest_after}"
        )
    } else {
        format!("NO PROOF: {compared}.\n  SHA-256 before: {digest_before}\n  SHA-256 after:  {digest_after}")
    }
}

/// Checks that the migration proved that no member's behaviour changed. Rejected rows of the import do not matter: the
/// import lists them.
///
/// # Errors
/// The organization is not migrated, or the proof is missing or does not hold.
pub fn check_proof(organization: &str, migration: &Migration) -> Result {
    if migration.state() != MigrationState::Migrated {
        let state = migration.state().as_str_name();
        let state = state.strip_prefix("MIGRATION_STATE_").unwrap_or(state);
        return Err(Error::failed(format!("the migration of {organization} is {state}: {}", migration.failure)));
    }
    if !migration.proof.as_ref().is_some_and(holds) {
        return Err(Error::failed(format!(
            "the migration of {organization} has no proof that every member's behaviour stayed the same"
        )));
    }
    Ok(())
}

fn holds(proof: &MigrationProof) -> bool {
    proof.differences == 0 && !proof.digest_before.is_empty() && proof.digest_before == proof.digest_after
}
