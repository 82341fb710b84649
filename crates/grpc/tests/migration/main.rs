//! Legacy settings, the settings migration, and its rollback, through the API (product.md 7).

#![allow(clippy::unwrap_used)]

mod advice;
mod changes;
mod during_run;
mod faults;
mod import;
mod listed;
mod progress;
mod random;
mod rollback;
mod run;

use rollcall_proto::v1::{
    EmailExport, GetMigrationRequest, ImportLegacySettingsRequest, ImportLegacySettingsResponse, LegacySetting,
    Migration, Phase, RetryMigrationRequest, RetryMigrationResponse, RollBackMigrationRequest,
    RollBackMigrationResponse, RunJobRequest, UpdateMode,
};
use rollcall_testkit::{Member, Org, TestServer};
use tonic::{Response, Status};

pub(crate) const AUTOMATIC: UpdateMode = UpdateMode::AutomaticUpdates;
pub(crate) const MANUAL: UpdateMode = UpdateMode::ManualEditing;
pub(crate) const YES: EmailExport = EmailExport::Export;
pub(crate) const NO: EmailExport = EmailExport::DoNotExport;

pub(crate) fn setting(email: &str, email_export: EmailExport) -> LegacySetting {
    LegacySetting { email: email.to_owned(), email_export: email_export.into() }
}

pub(crate) fn import(org: &Org<'_>, settings: Vec<LegacySetting>) -> ImportLegacySettingsRequest {
    ImportLegacySettingsRequest { parent: org.name(), settings, ..Default::default() }
}

pub(crate) async fn send(
    server: &TestServer,
    messages: Vec<ImportLegacySettingsRequest>,
) -> Result<ImportLegacySettingsResponse, Status> {
    let response = server.migration().import_legacy_settings(tokio_stream::iter(messages)).await?;
    Ok(response.into_inner())
}

/// Returns the migration and the revision of the organization.
pub(crate) async fn migration(server: &TestServer, org: &Org<'_>) -> (Migration, String) {
    let request = GetMigrationRequest { name: format!("{}/migration", org.name()), ..Default::default() };
    let response = server.migration().get_migration(request).await.unwrap().into_inner();
    (response.migration.unwrap(), response.revision)
}

pub(crate) async fn roll_back(
    server: &TestServer,
    org: &Org<'_>,
    validate_only: bool,
) -> Result<Response<RollBackMigrationResponse>, Status> {
    let name = format!("{}/migration", org.name());
    let request = RollBackMigrationRequest { name, validate_only, ..Default::default() };
    server.migration().roll_back_migration(request).await
}

pub(crate) async fn retry(
    server: &TestServer,
    org: &Org<'_>,
    validate_only: bool,
) -> Result<Response<RetryMigrationResponse>, Status> {
    let name = format!("{}/migration", org.name());
    let request = RetryMigrationRequest { name, validate_only, ..Default::default() };
    server.migration().retry_migration(request).await
}

/// Runs the job, which must fail.
pub(crate) async fn fail(server: &TestServer) -> rollcall_proto::v1::JobRun {
    let request = RunJobRequest { name: "jobs/settings-migration".to_owned(), ..Default::default() };
    server.jobs().run_job(request).await.unwrap().into_inner().run.unwrap()
}

/// Installs a trigger `break` that changes the written setting of a member, as a faulty database would.
pub(crate) async fn break_setting_of(server: &TestServer, member: &str) {
    let event = format!("BEFORE UPDATE ON members FOR EACH ROW WHEN (NEW.id = '{member}')");
    let body = "NEW.email_export = 'DO_NOT_EXPORT'; NEW.email_export_since = NULL";
    server.database.create_trigger("break", &event, body).await;
}

/// One assignment for each possible result of the migration.
pub(crate) async fn legacy(server: &TestServer) -> Org<'_> {
    let org = Org::create(server, "acme", Phase::Legacy).await;
    let members = [
        Member::new("agreed1", &["agreed"]),
        Member::new("agreed2", &["agreed"]),
        Member::new("away", &["agreed"]).inactive(),
        Member::new("hand1", &["hand"]),
        Member::new("hand2", &["hand"]),
        Member::new("mixed1", &["mixed"]),
        Member::new("mixed2", &["mixed"]),
        Member::new("rest", &["nobody"]),
        Member::new("retired", &["quiet"]).inactive(),
    ];
    org.sync(&members).await;
    for (id, mode) in [("mixed", AUTOMATIC), ("agreed", AUTOMATIC), ("hand", MANUAL), ("quiet", AUTOMATIC)] {
        org.assign(id, &[id], mode, None).await;
    }
    let exporting = ["agreed1", "agreed2", "hand1", "mixed1", "rest", "retired", "stranger"];
    org.import(&exporting.map(|member| (member, true))).await;
    org
}
