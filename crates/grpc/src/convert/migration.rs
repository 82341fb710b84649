//! The settings migration of an organization.

use rollcall_app::migration::{
    ExpectedChanges, ImportSummary, MigrationAction, MigrationChange, MigrationFilter, MigrationProgress,
    MigrationSelection, MigrationStatus,
};
use rollcall_domain::{
    Email, OrganizationId, Phase,
    migration::{AssignmentOutcome, NAMED_ORGANIZATIONS_MAX, Proof},
    names,
};
use rollcall_proto::v1;

use super::{
    REJECTED_MAX,
    enums::{to_migration_state, to_optional_email_export, to_state, to_update_mode},
    jobs::to_refused,
    to_count, to_rejected, to_rejected_row, to_timestamp,
};
use crate::checks::Checks;

/// Converts the result of an import, without preview and revision. With `all` it lists every row, else the first ones.
pub(crate) fn to_imported(imported: &ImportSummary, all: bool) -> v1::ImportLegacySettingsResponse {
    let most = if all { usize::MAX } else { REJECTED_MAX };
    let emails = |emails: &[Email]| emails.iter().take(most).map(ToString::to_string).collect();
    let rejected = &imported.rejected;
    v1::ImportLegacySettingsResponse {
        bound_count: imported.bound.cast_signed(),
        unmatched_count: to_count(imported.unmatched.len()),
        unmatched_emails: emails(&imported.unmatched),
        duplicate_count: imported.duplicates.cast_signed(),
        duplicate_emails: emails(&imported.duplicate_emails),
        rejected_count: to_count(rejected.len()),
        rejected: if all { rejected.iter().map(to_rejected_row).collect() } else { to_rejected(rejected) },
        ..Default::default()
    }
}

pub(crate) fn to_progress(progress: MigrationProgress) -> v1::MigrationProgress {
    let count = |count: i64| i32::try_from(count).unwrap_or(i32::MAX);
    v1::MigrationProgress {
        run: names::job_run(&progress.run.job, progress.run.id),
        organizations_done: count(progress.organizations),
        organizations_total: count(progress.organizations_total),
        members_done: count(progress.members),
        members_total: count(progress.members_total),
        members_per_second: count(progress.members_per_second),
        time_left: progress.time_left.and_then(|left| prost_types::Duration::try_from(left).ok()),
    }
}

pub(crate) fn to_outcome(organization: &OrganizationId, outcome: &AssignmentOutcome) -> v1::AssignmentOutcome {
    v1::AssignmentOutcome {
        assignment: names::assignment(organization, &outcome.assignment),
        display_name: outcome.display_name.clone(),
        rank: outcome.rank.cast_signed(),
        update_mode: to_update_mode(outcome.update_mode),
        state: to_state(outcome.state, Phase::Migrated),
        exporting: outcome.summary.exporting.cast_signed(),
        not_exporting: outcome.summary.not_exporting.cast_signed(),
        inactive: outcome.summary.inactive.cast_signed(),
        chosen: to_optional_email_export(outcome.chosen),
        action_required: outcome.action_required,
    }
}

/// How many results a migration shows. A message has at most 4 MB.
const OUTCOMES_SHOWN: usize = 1_000;

pub(crate) fn to_migration(organization: &OrganizationId, status: &MigrationStatus) -> v1::Migration {
    let record = status.record.as_ref();
    let outcomes = record.map(|record| record.outcomes.as_slice()).unwrap_or_default();
    let shown = &outcomes[..outcomes.len().min(OUTCOMES_SHOWN)];
    v1::Migration {
        name: names::child(organization, "migration"),
        state: status.state().map_or(v1::MigrationState::Unspecified.into(), to_migration_state),
        proof: record.and_then(|record| record.proof.as_ref()).map(to_proof),
        assignment_count: to_count(outcomes.len()),
        assignments: shown.iter().map(|outcome| to_outcome(organization, outcome)).collect(),
        update_time: record.map(|record| to_timestamp(record.time)),
        failure: record.and_then(|record| record.failure.clone()).unwrap_or_default(),
        unmatched_legacy_settings: status.unmatched.cast_signed(),
        wave: status.wave.cast_signed(),
    }
}

fn to_proof(proof: &Proof) -> v1::MigrationProof {
    v1::MigrationProof {
        members_compared: proof.members.cast_signed(),
        differences: proof.differences.cast_signed(),
        digest_before: proof.digest_before.clone(),
        digest_after: proof.digest_after.clone(),
    }
}

/// Parses what a request does with many organizations, and adds all violations to the checks.
pub(crate) fn parse_change(checks: &mut Checks, request: &v1::ChangeMigrationsRequest) -> Option<MigrationChange> {
    let action = parse_action(checks, request);
    let selection = parse_selection(checks, request);
    Some(MigrationChange { action: action?, selection: selection? })
}

fn parse_action(checks: &mut Checks, request: &v1::ChangeMigrationsRequest) -> Option<MigrationAction> {
    let action = v1::MigrationAction::try_from(request.action);
    let wave = request.wave.map(u32::try_from);
    if let Some(Err(_)) = wave {
        checks.add("wave", "the wave must not be negative");
    } else if wave.is_some() && action != Ok(v1::MigrationAction::SetWave) {
        checks.add("wave", "the wave is only for the action SET_WAVE; leave it out, or select a wave with the filter");
    }
    match action {
        Ok(v1::MigrationAction::Retry) => Some(MigrationAction::Retry),
        Ok(v1::MigrationAction::RollBack) => Some(MigrationAction::RollBack),
        Ok(v1::MigrationAction::SetWave) => {
            checks.require(wave.is_some(), "wave", "give the wave to set");
            wave?.ok().map(MigrationAction::SetWave)
        }
        Ok(v1::MigrationAction::Unspecified) | Err(_) => {
            checks.add("action", "give an action: RETRY, ROLL_BACK or SET_WAVE");
            None
        }
    }
}

fn parse_selection(checks: &mut Checks, request: &v1::ChangeMigrationsRequest) -> Option<MigrationSelection> {
    let (filter, organizations) = (&request.filter, &request.organizations);
    match (filter.is_empty(), organizations.is_empty()) {
        (false, true) => checks.take("filter", MigrationFilter::parse(filter)).map(MigrationSelection::Filter),
        (true, false) if organizations.len() > NAMED_ORGANIZATIONS_MAX => {
            checks.add("organizations", format!("name at most {NAMED_ORGANIZATIONS_MAX} organizations in a request"));
            None
        }
        (true, false) => {
            let named = organizations.iter().map(|name| names::parse_organization(name));
            let named = checks.take_all("organizations", named);
            Some(MigrationSelection::Organizations(named.into_iter().collect()))
        }
        (true, true) | (false, false) => {
            checks.add("filter", "give either a filter or organizations");
            None
        }
    }
}

pub(crate) fn to_expected(expected: &ExpectedChanges) -> v1::ExpectedMigrationChanges {
    v1::ExpectedMigrationChanges {
        organizations_changed: expected.changed.cast_signed(),
        organizations_unchanged: expected.unchanged.cast_signed(),
        organizations_refused: expected.refused.cast_signed(),
        changed_sample: expected.changed_sample.iter().map(names::organization).collect(),
        refused_sample: expected.refused_sample.iter().map(to_refused).collect(),
    }
}
