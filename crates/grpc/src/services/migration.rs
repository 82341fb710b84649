//! `MigrationService`.

use rollcall_app::migration::{MigrationFilter, MigrationStatus, RequestedChanges};
use rollcall_domain::{
    OrganizationId,
    email_export::EmailExport,
    migration::{AssignmentOutcome, LegacyRow},
    names,
};
use rollcall_proto::v1::{self, migration_service_server::MigrationService};
use tonic::{Request, Response, Status, Streaming};

use super::{Services, jobs::parse_wait};
use crate::{
    call::{parse_read, respond},
    checks::Checks,
    convert::{
        Effects,
        enums::{parse_email_export, parse_migration_state},
        jobs::to_run,
        migration::{parse_change, to_expected, to_imported, to_migration, to_outcome, to_progress},
        to_effects,
    },
    mutation::{Mutation, RowsDigest},
    status::to_status,
    stream_completion::StreamCompletion,
    streams, tokens,
};

#[tonic::async_trait]
impl MigrationService for Services {
    async fn import_legacy_settings(
        &self,
        request: Request<Streaming<v1::ImportLegacySettingsRequest>>,
    ) -> Result<Response<v1::ImportLegacySettingsResponse>, Status> {
        let completion = StreamCompletion::of(&request);
        let mut stream = request.into_inner();
        let mut first = streams::next(&mut stream).await?.unwrap_or_default();
        let (mut rows, mut digest) = (Vec::new(), RowsDigest::new(&first.request_id));
        move_rows(&mut first, &mut rows, &mut digest);
        let (mutation, (organization, list_all_rows)) = Mutation::parse(first, |first, checks| {
            let organization = checks.organization("parent", names::parse_organization(&first.parent));
            Some((organization?, first.list_all_rows))
        })?;
        while let Some(mut next) = streams::next(&mut stream).await? {
            refuse_options(&next)?;
            move_rows(&mut next, &mut rows, &mut digest);
        }
        completion.check()?;
        mutation
            .with_rows(digest)
            .run(
                async |context| self.app.import_legacy_settings(context, &organization, rows).await,
                |imported| {
                    let Effects { preview, revision, .. } = to_effects(&organization, imported);
                    let counts = to_imported(&imported.value, list_all_rows);
                    v1::ImportLegacySettingsResponse { revision, preview, ..counts }
                },
            )
            .await
    }

    async fn list_migrations(
        &self,
        request: Request<v1::ListMigrationsRequest>,
    ) -> Result<Response<v1::ListMigrationsResponse>, Status> {
        let (filter, page) = self.pages.parse_list(request, |request, checks| {
            let state = checks.take("state", parse_migration_state(request.state));
            checks.require(request.wave.is_none_or(|wave| wave >= 0), "wave", "the wave must not be negative");
            Some(MigrationFilter { state: state?, wave: request.wave.map(i32::unsigned_abs) })
        })?;
        let rows = self.app.list_migrations(filter, page.after(), page.limit()).await.map_err(to_status)?;
        respond(self.app.migration_progress().await, |progress| {
            let render =
                |(organization, status): &(OrganizationId, MigrationStatus)| to_migration(organization, status);
            let (migrations, next_page_token) = page.render(&rows, render, |_, (last, _)| last.to_string());
            v1::ListMigrationsResponse { migrations, next_page_token, progress: progress.map(to_progress) }
        })
    }

    async fn roll_back_migration(
        &self,
        request: Request<v1::RollBackMigrationRequest>,
    ) -> Result<Response<v1::RollBackMigrationResponse>, Status> {
        let (mutation, organization) = Mutation::parse(request.into_inner(), |request, checks| {
            checks.organization("name", names::parse_singleton(&request.name, "migration"))
        })?;
        mutation
            .run(
                async |context| self.app.roll_back_migration(context, &organization).await,
                |rolled_back| {
                    let Effects { preview, revision, .. } = to_effects(&organization, rolled_back);
                    let migration = Some(to_migration(&organization, &rolled_back.value));
                    v1::RollBackMigrationResponse { migration, preview, revision }
                },
            )
            .await
    }

    async fn retry_migration(
        &self,
        request: Request<v1::RetryMigrationRequest>,
    ) -> Result<Response<v1::RetryMigrationResponse>, Status> {
        let (mutation, organization) = Mutation::parse(request.into_inner(), |request, checks| {
            checks.organization("name", names::parse_singleton(&request.name, "migration"))
        })?;
        mutation
            .run(
                async |context| self.app.retry_migration(context, &organization).await,
                |retried| {
                    let Effects { preview, revision, .. } = to_effects(&organization, retried);
                    let migration = Some(to_migration(&organization, &retried.value));
                    v1::RetryMigrationResponse { migration, preview, revision }
                },
            )
            .await
    }

    async fn change_migrations(
        &self,
        request: Request<v1::ChangeMigrationsRequest>,
    ) -> Result<Response<v1::ChangeMigrationsResponse>, Status> {
        let (mutation, (change, wait)) = Mutation::parse(request.into_inner(), |request, checks| {
            let wait = parse_wait(checks, request.wait_timeout);
            Some((parse_change(checks, &request)?, wait))
        })?;
        let requested = mutation
            .run(
                async |context| self.app.change_migrations(context, &change).await,
                |requested| match &requested.value {
                    RequestedChanges::Run(run) => {
                        v1::ChangeMigrationsResponse { run: Some(to_run(run)), expected: None }
                    }
                    RequestedChanges::Expected(expected) => {
                        v1::ChangeMigrationsResponse { run: None, expected: Some(to_expected(expected)) }
                    }
                },
            )
            .await?;
        // A repeated request gets the same run, in its present state.
        match names::parse_job_run(&requested.get_ref().run.clone().unwrap_or_default().name) {
            Err(_) => Ok(requested),
            Ok((job, run)) => respond(self.app.wait_for_job_run(&job, run, wait).await, |run| {
                v1::ChangeMigrationsResponse { run: Some(to_run(&run)), expected: None }
            }),
        }
    }

    async fn plan_migration(
        &self,
        request: Request<v1::PlanMigrationRequest>,
    ) -> Result<Response<v1::PlanMigrationResponse>, Status> {
        let (organization, page) = self.pages.parse_list(request, |request, checks| {
            checks.organization("name", names::parse_singleton(&request.name, "migration"))
        })?;
        respond(self.app.plan_migration(&organization, page.at_least()).await, |found| {
            let plan = found.value;
            let render = |outcome: &AssignmentOutcome| to_outcome(&organization, outcome);
            let (assignments, next_page_token) =
                page.render_assignments(&plan.outcomes, |outcome| &outcome.assignment, render);
            v1::PlanMigrationResponse {
                assignments,
                next_page_token,
                members_exporting: plan.exporting.cast_signed(),
                members_not_exporting: plan.not_exporting.cast_signed(),
                unmatched_legacy_settings: plan.unmatched.cast_signed(),
                revision: tokens::revision(&organization, found.revision),
            }
        })
    }

    async fn get_migration(
        &self,
        request: Request<v1::GetMigrationRequest>,
    ) -> Result<Response<v1::GetMigrationResponse>, Status> {
        let (organization, at_least) = parse_read(request, |request, checks| {
            checks.organization("name", names::parse_singleton(&request.name, "migration"))
        })?;
        let found = self.app.get_migration(&organization, at_least).await.map_err(to_status)?;
        respond(self.app.migration_progress().await, |progress| v1::GetMigrationResponse {
            progress: progress.map(to_progress),
            migration: Some(to_migration(&organization, &found.value)),
            revision: tokens::revision(&organization, found.revision),
        })
    }
}

/// Refuses options in a later message. They could contradict the options of the first message.
fn refuse_options(next: &v1::ImportLegacySettingsRequest) -> Result<(), Status> {
    let mut checks = Checks::default();
    let only_first = "this is for the first message of the stream only";
    checks.require(next.parent.is_empty(), "parent", only_first);
    checks.require(!next.validate_only, "validate_only", only_first);
    checks.require(next.request_id.is_empty(), "request_id", only_first);
    checks.require(!next.list_all_rows, "list_all_rows", only_first);
    checks.finish(Some(()))
}

/// Moves the rows of a message to the rows of the import, and adds them to the digest.
fn move_rows(message: &mut v1::ImportLegacySettingsRequest, rows: &mut Vec<LegacyRow>, digest: &mut RowsDigest) {
    digest.add(0, &message.settings);
    rows.extend(std::mem::take(&mut message.settings).into_iter().map(parse_row));
}

fn parse_row(setting: v1::LegacySetting) -> LegacyRow {
    let value = parse_email_export(setting.email_export).ok().flatten();
    LegacyRow { email: setting.email, export: value.map(|value| value == EmailExport::Export) }
}
