//! `rollcall migration retry`, `rollback` and `wave`: the same change for one organization, for those that a filter
//! selects, or for those in a file. Each is a run of the job `migration-changes`.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rollcall_domain::{OrganizationId, migration::NAMED_ORGANIZATIONS_MAX};
use rollcall_proto::v1::{
    ChangeMigrationsRequest, ExpectedMigrationChanges, GetJobRunRequest, JobRun, MigrationAction, RefusedOrganization,
};
use url::Url;

use crate::{
    connection::{ServerConnection, answer},
    error::{Error, Result},
    job::{outcome::print_result, run::wait_for_end},
    output::print_line,
    progress::JobProgress,
    values,
};

/// How long the first call waits for the end of the run. Afterwards the run is polled.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// How many refused organizations are shown with the reason.
const SHOWN_REFUSALS: usize = 100;

/// The organizations that a command changes: exactly one of the three.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct SelectionArguments {
    /// One organization
    #[arg(value_name = "ID", value_parser = values::organization)]
    pub organization: Option<OrganizationId>,
    /// The organizations that match, such as 'wave = 2 AND state = FAILED'
    #[arg(long, value_name = "FILTER", value_parser = values::migration_filter)]
    pub filter: Option<String>,
    /// The organizations in this file, one id on each line, at most 10,000
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// The arguments of `migration retry` and `migration rollback`.
#[derive(Debug, clap::Args)]
pub struct MigrationChangeArguments {
    /// The organizations.
    #[command(flatten)]
    pub selection: SelectionArguments,
    /// Show what would happen to how many organizations; change nothing
    #[arg(long)]
    pub validate_only: bool,
    /// How long to wait for the end of the run, such as 90s or 10m
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = values::duration)]
    pub wait: Duration,
    /// The running server, such as http://localhost:50051 [default: the database]
    #[arg(long, value_name = "URL", value_parser = values::server_url)]
    pub target: Option<Url>,
}

/// The arguments of `migration wave`.
#[derive(Debug, clap::Args)]
pub struct MigrationWaveArguments {
    /// The wave to set
    #[arg(value_name = "WAVE", value_parser = values::wave)]
    pub wave: u32,
    /// The organizations, and how the command runs.
    #[command(flatten)]
    pub change: MigrationChangeArguments,
}

/// A change of the migrations of many organizations.
#[derive(Debug)]
pub struct MigrationChangeCommand {
    request: ChangeMigrationsRequest,
    wait: Duration,
}

impl MigrationChangeCommand {
    /// Makes the change from the arguments of the command. `wave` is the wave to set, for that action. Reads the file of
    /// organizations, if one is given.
    ///
    /// # Errors
    /// The file cannot be read, has a line that is no organization, or has too many.
    pub fn new(action: MigrationAction, wave: Option<u32>, arguments: &MigrationChangeArguments) -> Result<Self> {
        let SelectionArguments { organization, filter, file } = &arguments.selection;
        let organizations = match file {
            Some(file) => read_organizations(file)?,
            None => organization.iter().cloned().collect(),
        };
        let request = ChangeMigrationsRequest {
            action: action.into(),
            wave: wave.map(u32::cast_signed),
            filter: filter.clone().unwrap_or_default(),
            organizations: organizations.iter().map(|id| format!("organizations/{id}")).collect(),
            validate_only: arguments.validate_only,
            wait_timeout: prost_types::Duration::try_from(arguments.wait.min(FIRST_WAIT)).ok(),
            ..Default::default()
        };
        Ok(Self { request, wait: arguments.wait })
    }

    /// Requests the run, shows its progress and its result.
    ///
    /// # Errors
    /// The server refuses the call, the run does not end in time or does not succeed, or organizations were refused.
    pub async fn run(self, server: &ServerConnection) -> Result {
        let deadline = Instant::now() + self.wait;
        let call = server.migration().change_migrations(self.request).await;
        let response = answer("cannot change the migrations", call)?;
        if let Some(expected) = &response.expected {
            expected_lines(expected).iter().for_each(print_line);
            return refused_result(expected.organizations_refused, "would be refused");
        }
        let mut progress = JobProgress::default();
        let show = |run: &JobRun| progress.show(|name| run.outcome.get(name).copied().unwrap_or_default().into());
        let ended = wait_for_end(server, response.run.unwrap_or_default(), deadline, show).await;
        progress.end();
        let run = ended?;
        let printed = print_result(&run);
        let refused = run.outcome.get("organizations_refused").copied().unwrap_or_default();
        if refused > 0 {
            let request = GetJobRunRequest { name: run.name.clone() };
            let found = answer(format!("cannot read the run {}", run.name), server.jobs().get_job_run(request).await)?;
            refused_lines(&found.refused_organizations, refused).iter().for_each(print_line);
        }
        printed.and_then(|()| refused_result(refused, "were refused"))
    }
}

/// Reads the ids or names of organizations, one on each line. Empty lines and lines that begin with `#` are skipped.
///
/// # Errors
/// The file cannot be read, has a line that is no organization, has none, or has too many.
pub fn read_organizations(file: &Path) -> Result<Vec<OrganizationId>> {
    let shown = file.display();
    let text = fs::read_to_string(file).map_err(Error::doing(format!("cannot read {shown}")))?;
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim).enumerate();
    let named = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(|(index, line)| {
        let problem = |problem| Error::usage(format!("{shown}, line {}: {problem}", index + 1));
        values::organization(line).map_err(problem)
    });
    let organizations = named.collect::<Result<Vec<_>>>()?;
    match organizations.len() {
        0 => Err(Error::usage(format!("{shown} names no organization"))),
        1..=NAMED_ORGANIZATIONS_MAX => Ok(organizations),
        count => Err(Error::usage(format!(
            "{shown} names {count} organizations, and one command takes at most {NAMED_ORGANIZATIONS_MAX}; split the file"
        ))),
    }
}

/// Returns what a run would do, in lines.
#[must_use]
pub fn expected_lines(expected: &ExpectedMigrationChanges) -> Vec<String> {
    let mut lines = vec![
        "checked, nothing was written".to_owned(),
        format!("organizations that would change: {}", expected.organizations_changed),
        format!("organizations that need no change: {}", expected.organizations_unchanged),
        format!("organizations that would be refused: {}", expected.organizations_refused),
    ];
    if !expected.changed_sample.is_empty() {
        lines.extend([String::new(), "would change:".to_owned()]);
        lines.extend(expected.changed_sample.iter().map(|name| format!("  {}", id(name))));
        lines.extend(more(expected.organizations_changed, expected.changed_sample.len()));
    }
    lines.extend(refused_lines(&expected.refused_sample, expected.organizations_refused));
    lines
}

/// Returns the refused organizations with the reasons, in lines; none if there are none. `count` is the number of all.
fn refused_lines(refused: &[RefusedOrganization], count: i32) -> Vec<String> {
    if refused.is_empty() {
        return Vec::new();
    }
    let shown = &refused[..refused.len().min(SHOWN_REFUSALS)];
    let mut lines = vec![String::new(), "refused, and not changed:".to_owned()];
    let line = |refused: &RefusedOrganization| {
        format!("  {}: {} ({})", id(&refused.organization), refused.message, refused.reason)
    };
    lines.extend(shown.iter().map(line));
    lines.extend(more(count, shown.len()));
    lines
}

fn more(count: i32, shown: usize) -> Option<String> {
    let rest = usize::try_from(count).unwrap_or_default().saturating_sub(shown);
    (rest > 0).then(|| format!("  and {rest} more"))
}

fn id(organization: &str) -> &str {
    organization.strip_prefix("organizations/").unwrap_or(organization)
}

fn refused_result(count: i32, what: &str) -> Result {
    match count {
        0 => Ok(()),
        1 => Err(Error::failed(format!("1 organization {}", what.replace("were", "was")))),
        count => Err(Error::failed(format!("{count} organizations {what}"))),
    }
}
