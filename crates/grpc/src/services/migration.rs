//! `MigrationService`.

use rollcall_app::migration::{Attempt, MigrationState, MigrationStatus};
use rollcall_domain::{
    OrganizationId, Phase,
    email_export::EmailExport,
    migration::{LegacyRow, Outcome},
};
use rollcall_proto::v1::{self, migration_service_server::MigrationService};
use tonic::{Request, Response, Status, Streaming};

use super::Services;
use crate::{
    convert::{
        REJECTED_MAX, caller,
        settings::{parse_email_export, to_optional_email_export, to_state, to_update_mode},
        to_count, to_rejected, to_timestamp,
    },
    names,
    request::Checks,
    status::to_status,
    tokens,
    whole::Whole,
};

#[tonic::async_trait]
impl MigrationService for Services {
    async fn import_legacy_settings(
        &self,
        request: Request<Streaming<v1::ImportLegacySettingsRequest>>,
    ) -> Result<Response<v1::ImportLegacySettingsResponse>, Status> {
        let whole = Whole::of(&request);
        let mut stream = request.into_inner();
        let mut first = stream.message().await?.unwrap_or_default();
        let mut checks = Checks::new();
        checks.not_honoured_yet("request_id", !first.request_id.is_empty());
        let organization = checks.take("parent", names::parse_organization(&first.parent));
        let organization = checks.finish_with(organization)?;
        let mut rows: Vec<LegacyRow> = first.settings.drain(..).map(to_row).collect();
        while let Some(next) = stream.message().await? {
            refuse_options(&next)?;
            rows.extend(next.settings.into_iter().map(to_row));
        }
        whole.check()?;
        let caller = caller("ImportLegacySettings", first.validate_only);
        let imported = self.app.import_legacy_settings(&caller, &organization, rows);
        let changed = imported.await.map_err(to_status)?;
        let value = changed.value;
        Ok(Response::new(v1::ImportLegacySettingsResponse {
            bound_count: value.bound.cast_signed(),
            unmatched_count: to_count(value.unmatched.len()),
            unmatched_emails: value.unmatched.iter().take(REJECTED_MAX).map(ToString::to_string).collect(),
            duplicate_count: value.duplicates.cast_signed(),
            rejected_count: to_count(value.rejected.len()),
            rejected: to_rejected(value.rejected),
            revision: tokens::revision(&organization, changed.revision),
        }))
    }

    async fn plan_migration(
        &self,
        request: Request<v1::PlanMigrationRequest>,
    ) -> Result<Response<v1::PlanMigrationResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let organization = checks.take("name", names::parse_singleton(&request.name, "migration"));
        let at_least = checks.at_least(organization.as_ref(), &request.at_least_revision);
        let organization = checks.finish_with(organization)?;
        let read = self.app.plan_migration(&organization, at_least).await.map_err(to_status)?;
        let plan = read.value;
        Ok(Response::new(v1::PlanMigrationResponse {
            assignments: plan.outcomes.iter().map(|outcome| to_outcome(&organization, outcome)).collect(),
            members_exporting: plan.exporting.cast_signed(),
            members_not_exporting: plan.not_exporting.cast_signed(),
            unmatched_legacy_settings: plan.unmatched.cast_signed(),
            revision: tokens::revision(&organization, read.revision),
        }))
    }

    async fn get_migration(
        &self,
        request: Request<v1::GetMigrationRequest>,
    ) -> Result<Response<v1::GetMigrationResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let organization = checks.take("name", names::parse_singleton(&request.name, "migration"));
        let at_least = checks.at_least(organization.as_ref(), &request.at_least_revision);
        let organization = checks.finish_with(organization)?;
        let read = self.app.get_migration(&organization, at_least).await.map_err(to_status)?;
        Ok(Response::new(v1::GetMigrationResponse {
            migration: Some(to_migration(&organization, read.value)),
            revision: tokens::revision(&organization, read.revision),
        }))
    }
}

/// Options in a later message could contradict the first one: they are refused, never ignored.
fn refuse_options(next: &v1::ImportLegacySettingsRequest) -> Result<(), Status> {
    let mut checks = Checks::new();
    let only_first = "this is for the first message of the stream only";
    checks.require(next.parent.is_empty(), "parent", only_first);
    checks.require(!next.validate_only, "validate_only", only_first);
    checks.require(next.request_id.is_empty(), "request_id", only_first);
    checks.finish()
}

fn to_row(setting: v1::LegacySetting) -> LegacyRow {
    let value = parse_email_export(setting.email_export).ok().flatten();
    LegacyRow { email: setting.email, export: value.map(|value| value == EmailExport::Export) }
}

fn to_outcome(organization: &OrganizationId, outcome: &Outcome) -> v1::AssignmentOutcome {
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

fn to_migration(organization: &OrganizationId, status: MigrationStatus) -> v1::Migration {
    let state = match (&status.attempt, status.phase) {
        (Some(Attempt { state: MigrationState::Migrated, .. }), _) => v1::MigrationState::Migrated,
        (Some(Attempt { state: MigrationState::Failed, .. }), _) => v1::MigrationState::Failed,
        (Some(Attempt { state: MigrationState::RolledBack, .. }), _) => v1::MigrationState::RolledBack,
        (None, Phase::Legacy) => v1::MigrationState::Pending,
        (None, Phase::Migrated) => v1::MigrationState::Unspecified,
    };
    let attempt = status.attempt;
    let outcomes = attempt.iter().flat_map(|attempt| &attempt.outcomes);
    v1::Migration {
        name: format!("organizations/{organization}/migration"),
        state: state.into(),
        proof: attempt.as_ref().and_then(|attempt| attempt.proof.as_ref()).map(|proof| v1::MigrationProof {
            members_compared: proof.members.cast_signed(),
            differences: proof.differences.cast_signed(),
            digest_before: proof.digest_before.clone(),
            digest_after: proof.digest_after.clone(),
        }),
        assignments: outcomes.map(|outcome| to_outcome(organization, outcome)).collect(),
        update_time: attempt.as_ref().map(|attempt| to_timestamp(attempt.time)),
        failure: attempt.and_then(|attempt| attempt.failure).unwrap_or_default(),
        unmatched_legacy_settings: status.unmatched.cast_signed(),
    }
}
