//! `rollcall migration plan`: shows which assignments the migration would leave mixed.

use std::path::{Path, PathBuf};

use rollcall_domain::OrganizationId;
use rollcall_proto::v1::{
    AssignmentOutcome, EmailExportState, ListMigrationsRequest, ListMigrationsResponse, MigrationState,
    PlanMigrationRequest, PlanMigrationResponse, UpdateMode,
};
use url::Url;

use super::pages::{organization_id, visit_pages};
use crate::{
    connection::{ServerConnection, answer},
    csv_file::CsvFile,
    error::Result,
    output::print_line,
    values,
};

/// The columns of the CSV: those columns of the mixed-settings report that describe an assignment.
const COLUMNS: [&str; 8] = [
    "organization",
    "assignment",
    "assignment_name",
    "assignment_rank",
    "update_mode",
    "action_required",
    "members_exporting",
    "members_not_exporting",
];

/// The arguments of `migration plan`.
#[derive(Debug, clap::Args)]
pub struct MigrationPlanArguments {
    /// Plan one organization [default: all organizations that are not migrated yet]
    #[arg(long, value_name = "ID", value_parser = values::organization, conflicts_with = "wave")]
    pub organization: Option<OrganizationId>,
    /// Plan the organizations of one wave that are not migrated yet
    #[arg(long, value_name = "N", value_parser = values::wave)]
    pub wave: Option<u32>,
    /// Write a CSV file with the assignments that would be mixed
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// The running server, such as http://localhost:50051 [default: the database]
    #[arg(long, value_name = "URL", value_parser = values::server_url)]
    pub target: Option<Url>,
}

/// `rollcall migration plan`.
///
/// # Errors
/// A call fails, or the CSV file cannot be written.
pub async fn run(server: &ServerConnection, arguments: &MigrationPlanArguments) -> Result {
    let mut summary = PlanSummary::new(arguments.csv.as_deref())?;
    if let Some(organization) = &arguments.organization {
        summary.plan(server, organization.as_str()).await?;
    } else {
        let wave = arguments.wave.map(u32::cast_signed);
        let request = ListMigrationsRequest { state: MigrationState::Pending.into(), wave, ..Default::default() };
        let plan_page = async |page: &ListMigrationsResponse| {
            for migration in &page.migrations {
                summary.plan(server, organization_id(migration)).await?;
            }
            Ok(())
        };
        visit_pages(server, request, plan_page).await?;
    }
    summary.finish()?.iter().for_each(print_line);
    Ok(())
}

/// The plans of all selected organizations, counted, and the CSV file of their mixed assignments.
#[derive(Debug, Default)]
pub struct PlanSummary {
    csv: Option<CsvFile>,
    organizations: u32,
    members_exporting: i64,
    members_not_exporting: i64,
    unmatched: i64,
    mixed: u32,
    action_required: u32,
}

impl PlanSummary {
    /// Starts a summary without organizations. Creates the CSV file, if one is requested.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn new(csv: Option<&Path>) -> Result<Self> {
        let csv = csv.map(|path| CsvFile::create(path, &COLUMNS)).transpose()?;
        Ok(Self { csv, ..Self::default() })
    }

    async fn plan(&mut self, server: &ServerConnection, organization: &str) -> Result {
        let name = format!("organizations/{organization}/migration");
        let mut request = PlanMigrationRequest { name, page_size: 1_000, ..Default::default() };
        let mut plan = PlanMigrationResponse::default();
        loop {
            let planned = server.migration().plan_migration(request.clone()).await;
            let page = answer(format!("cannot plan the migration of {organization}"), planned)?;
            let assignments = std::mem::take(&mut plan.assignments).into_iter().chain(page.assignments).collect();
            request.page_token.clone_from(&page.next_page_token);
            plan = PlanMigrationResponse { assignments, ..page };
            if request.page_token.is_empty() {
                return self.add(organization, &plan);
            }
        }
    }

    /// Adds the plan of an organization.
    ///
    /// # Errors
    /// The CSV file cannot be written.
    pub fn add(&mut self, organization: &str, planned: &PlanMigrationResponse) -> Result {
        self.organizations += 1;
        self.members_exporting += i64::from(planned.members_exporting);
        self.members_not_exporting += i64::from(planned.members_not_exporting);
        self.unmatched += i64::from(planned.unmatched_legacy_settings);
        let mixed = planned.assignments.iter().filter(|outcome| outcome.state() == EmailExportState::Mixed);
        for outcome in mixed {
            self.mixed += 1;
            self.action_required += u32::from(outcome.action_required);
            if let Some(csv) = &mut self.csv {
                csv.write_row(&cells(organization, outcome))?;
            }
        }
        Ok(())
    }

    /// Completes the CSV file and returns the summary.
    ///
    /// # Errors
    /// The CSV file cannot be written.
    pub fn finish(self) -> Result<Vec<String>> {
        self.csv.map_or(Ok(()), CsvFile::finish)?;
        Ok(vec![
            format!("organizations that would be migrated: {}", self.organizations),
            format!("members who would keep exporting: {}", self.members_exporting),
            format!("members who would keep not exporting: {}", self.members_not_exporting),
            format!("old settings that no member has yet: {}", self.unmatched),
            format!("assignments that would be mixed: {}", self.mixed),
            format!("mixed assignments that require action by a tech admin: {}", self.action_required),
        ])
    }
}

/// Returns the cells of a row, with ids and enum values as in the reports.
fn cells(organization: &str, outcome: &AssignmentOutcome) -> [String; 8] {
    let assignment = outcome.assignment.rsplit('/').next().unwrap_or_default();
    let update_mode = match outcome.update_mode() {
        UpdateMode::AutomaticUpdates => "AUTOMATIC_UPDATES",
        UpdateMode::ManualEditing => "MANUAL_EDITING",
        UpdateMode::Unspecified => "",
    };
    [
        organization.to_owned(),
        assignment.to_owned(),
        outcome.display_name.clone(),
        outcome.rank.to_string(),
        update_mode.to_owned(),
        outcome.action_required.to_string(),
        outcome.exporting.to_string(),
        outcome.not_exporting.to_string(),
    ]
}
