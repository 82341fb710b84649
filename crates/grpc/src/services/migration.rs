//! `MigrationService`.

use rollcall_app::{
    Changed,
    migration::{ImportSummary, MigrationFilter, MigrationStatus},
};
use rollcall_domain::{OrganizationId, email_export::EmailExport, migration::LegacyRow};
use rollcall_proto::v1::{self, migration_service_server::MigrationService};
use tonic::{Request, Response, Status, Streaming};

use super::Services;
use crate::{
    asked::{Asked, Mutation, RowsDigest, respond},
    convert::{
        migration::{parse_migration_state, to_imported, to_migration, to_outcome, to_progress},
        settings::parse_email_export,
        to_preview,
    },
    names,
    request::Checks,
    status::to_status,
    streams, tokens,
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
        let mut first = streams::next(&mut stream).await?.unwrap_or_default();
        let mut checks = Checks::new();
        let settings = std::mem::take(&mut first.settings);
        let asked = Asked::read(&mut checks, &first);
        let organization = checks.take("parent", names::parse_organization(&first.parent));
        let organization = checks.finish_with(organization)?;
        let mut digest = RowsDigest::of_request(&first.request_id);
        digest.take(0, &settings);
        let mut rows: Vec<LegacyRow> = settings.into_iter().map(to_row).collect();
        while let Some(next) = streams::next(&mut stream).await? {
            refuse_options(&next)?;
            digest.take(0, &next.settings);
            rows.extend(next.settings.into_iter().map(to_row));
        }
        whole.check()?;
        let render = |changed: &Changed<ImportSummary>| v1::ImportLegacySettingsResponse {
            revision: tokens::revision(&organization, changed.revision),
            preview: changed.preview.as_ref().map(|preview| to_preview(&organization, preview)),
            ..to_imported(&changed.value, first.list_all_rows)
        };
        let call = asked.and(&digest.finish()).call(&render);
        let imported = self.app.import_legacy_settings(&call, &organization, rows);
        respond(imported.await.map_err(to_status)?, render)
    }

    async fn list_migrations(
        &self,
        request: Request<v1::ListMigrationsRequest>,
    ) -> Result<Response<v1::ListMigrationsResponse>, Status> {
        const METHOD: &str = "ListMigrations";
        let request = request.into_inner();
        let arguments = v1::ListMigrationsRequest { state: request.state, wave: request.wave, ..Default::default() };
        let mut checks = Checks::new();
        let state = checks.take("state", parse_migration_state(request.state));
        checks.require(request.wave.is_none_or(|wave| wave >= 0), "wave", "the wave must not be negative");
        let page = self.page(&mut checks, METHOD, &arguments, request.page_size, &request.page_token);
        let state = checks.finish_with(state)?;
        let filter = MigrationFilter { state, wave: request.wave.map(i32::unsigned_abs) };
        let listed = self.app.list_migrations(filter, page.after.as_deref(), page.size + 1);
        let rows = listed.await.map_err(to_status)?;
        let show = |(organization, status): &(OrganizationId, MigrationStatus)| to_migration(organization, status);
        let (migrations, next_page_token) =
            self.shown((METHOD, &arguments), &page, &rows, show, |_, (last, _)| last.to_string());
        let progress = self.app.migration_progress().await.map_err(to_status)?.map(to_progress);
        Ok(Response::new(v1::ListMigrationsResponse { migrations, next_page_token, progress }))
    }

    async fn roll_back_migration(
        &self,
        request: Request<v1::RollBackMigrationRequest>,
    ) -> Result<Response<v1::RollBackMigrationResponse>, Status> {
        let request = request.into_inner();
        let (asked, organization) = read_change(&request, &request.name)?;
        let render = |changed: &Changed<MigrationStatus>| {
            let Rendered { migration, preview, revision } = rendered(&organization, changed);
            v1::RollBackMigrationResponse { migration, preview, revision }
        };
        let call = asked.call(&render);
        respond(self.app.roll_back_migration(&call, &organization).await.map_err(to_status)?, render)
    }

    async fn retry_migration(
        &self,
        request: Request<v1::RetryMigrationRequest>,
    ) -> Result<Response<v1::RetryMigrationResponse>, Status> {
        let request = request.into_inner();
        let (asked, organization) = read_change(&request, &request.name)?;
        let render = |changed: &Changed<MigrationStatus>| {
            let Rendered { migration, preview, revision } = rendered(&organization, changed);
            v1::RetryMigrationResponse { migration, preview, revision }
        };
        let call = asked.call(&render);
        respond(self.app.retry_migration(&call, &organization).await.map_err(to_status)?, render)
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
        let progress = self.app.migration_progress().await.map_err(to_status)?;
        Ok(Response::new(v1::GetMigrationResponse {
            progress: progress.map(to_progress),
            migration: Some(to_migration(&organization, &read.value)),
            revision: tokens::revision(&organization, read.revision),
        }))
    }
}

/// Reads a request that changes how far a migration is.
fn read_change(request: &impl Mutation, name: &str) -> Result<(Asked, OrganizationId), Status> {
    let mut checks = Checks::new();
    let asked = Asked::read(&mut checks, request);
    let organization = checks.take("name", names::parse_singleton(name, "migration"));
    Ok((asked, checks.finish_with(organization)?))
}

/// What the answer of such a change has.
struct Rendered {
    migration: Option<v1::Migration>,
    preview: Option<v1::Preview>,
    revision: String,
}

fn rendered(organization: &OrganizationId, changed: &Changed<MigrationStatus>) -> Rendered {
    Rendered {
        migration: Some(to_migration(organization, &changed.value)),
        preview: changed.preview.as_ref().map(|preview| to_preview(organization, preview)),
        revision: tokens::revision(organization, changed.revision),
    }
}

/// Options in a later message could contradict the first one: they are refused, never ignored.
fn refuse_options(next: &v1::ImportLegacySettingsRequest) -> Result<(), Status> {
    let mut checks = Checks::new();
    let only_first = "this is for the first message of the stream only";
    checks.require(next.parent.is_empty(), "parent", only_first);
    checks.require(!next.validate_only, "validate_only", only_first);
    checks.require(next.request_id.is_empty(), "request_id", only_first);
    checks.require(!next.list_all_rows, "list_all_rows", only_first);
    checks.finish()
}

fn to_row(setting: v1::LegacySetting) -> LegacyRow {
    let value = parse_email_export(setting.email_export).ok().flatten();
    LegacyRow { email: setting.email, export: value.map(|value| value == EmailExport::Export) }
}
