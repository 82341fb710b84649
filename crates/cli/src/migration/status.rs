//! `rollcall migration status`: shows the progress of the settings migration.

use std::collections::BTreeMap;

use rollcall_proto::v1::{ListMigrationsRequest, ListMigrationsResponse, MigrationProgress, MigrationState};
use url::Url;

use super::pages::{organization_id, visit_pages};
use crate::{connection::ServerConnection, error::Result, output::print_line, table::aligned_lines, values};

const STATES: [MigrationState; 4] =
    [MigrationState::Pending, MigrationState::Migrated, MigrationState::Failed, MigrationState::RolledBack];
/// How many failed organizations are shown with the reason.
const SHOWN_FAILURES: usize = 100;

/// The arguments of `migration status`.
#[derive(Debug, clap::Args)]
pub struct MigrationStatusArguments {
    /// The running server, such as http://localhost:50051 [default: the database]
    #[arg(long, value_name = "URL", value_parser = values::server_url)]
    pub target: Option<Url>,
}

/// `rollcall migration status`.
///
/// # Errors
/// A call fails.
pub async fn run(server: &ServerConnection) -> Result {
    let mut status = MigrationStatus::default();
    let visited = visit_pages(server, ListMigrationsRequest::default(), async |page| {
        status.add(page);
        Ok(())
    });
    visited.await?;
    status.lines().iter().for_each(print_line);
    Ok(())
}

/// The migrations of all organizations, counted.
#[derive(Default)]
struct MigrationStatus {
    /// For each wave, the number of organizations in each of [`STATES`].
    waves: BTreeMap<i32, [u32; 4]>,
    failed: Vec<String>,
    failed_count: usize,
    progress: Option<MigrationProgress>,
}

impl MigrationStatus {
    fn add(&mut self, page: &ListMigrationsResponse) {
        for migration in &page.migrations {
            let Some(index) = STATES.iter().position(|state| *state == migration.state()) else { continue };
            self.waves.entry(migration.wave).or_default()[index] += 1;
            if migration.state() == MigrationState::Failed {
                self.failed_count += 1;
                if self.failed.len() < SHOWN_FAILURES {
                    self.failed.push(format!("  {}: {}", organization_id(migration), migration.failure));
                }
            }
        }
        self.progress.clone_from(&page.progress);
    }

    fn lines(&self) -> Vec<String> {
        let header = ["wave", "pending", "migrated", "failed", "rolled back"].map(str::to_owned);
        let row = |name: String, counts: [u32; 4]| {
            let [pending, migrated, failed, rolled_back] = counts.map(|count| count.to_string());
            [name, pending, migrated, failed, rolled_back]
        };
        let mut rows = vec![header];
        rows.extend(self.waves.iter().map(|(wave, counts)| row(wave.to_string(), *counts)));
        let total = self.waves.values().fold([0; 4], |sum, wave| std::array::from_fn(|state| sum[state] + wave[state]));
        rows.push(row("all".to_owned(), total));
        let mut lines = aligned_lines(&rows, [true; 5]);
        lines.push(String::new());
        lines.push(self.progress.as_ref().map_or_else(|| "no run is in progress".to_owned(), progress_text));
        if !self.failed.is_empty() {
            lines.push(String::new());
            lines.push("failed, and not changed:".to_owned());
            lines.extend(self.failed.iter().cloned());
        }
        if self.failed_count > self.failed.len() {
            lines.push(format!("  and {} more", self.failed_count - self.failed.len()));
        }
        lines
    }
}

fn progress_text(progress: &MigrationProgress) -> String {
    let MigrationProgress { run, organizations_done, organizations_total, members_done, members_total, .. } = progress;
    let left = match &progress.time_left {
        Some(left) => format!(", {} members/s, about {} s left", progress.members_per_second, left.seconds),
        None => String::new(),
    };
    format!(
        "{run} is in progress: {organizations_done} of {organizations_total} organizations, \
         {members_done} of {members_total} members{left}"
    )
}

#[cfg(test)]
mod tests {
    use rollcall_proto::v1::Migration;

    use super::*;

    #[test]
    fn waves_progress_and_failures_are_shown() {
        let migration = |id: &str, wave: i32, state: MigrationState| Migration {
            name: format!("organizations/{id}/migration"),
            wave,
            state: state.into(),
            failure: if state == MigrationState::Failed { "2 members".to_owned() } else { String::new() },
            ..Default::default()
        };
        let progress = MigrationProgress {
            run: "jobs/settings-migration/runs/1".to_owned(),
            organizations_done: 2,
            organizations_total: 3,
            members_done: 40,
            members_total: 100,
            members_per_second: 20,
            time_left: Some(prost_types::Duration { seconds: 3, nanos: 0 }),
        };
        let migrations = vec![
            migration("acme", 0, MigrationState::Failed),
            migration("beta", 0, MigrationState::Migrated),
            migration("late", 10, MigrationState::Pending),
        ];
        let mut status = MigrationStatus::default();
        status.add(&ListMigrationsResponse { migrations, progress: Some(progress), ..Default::default() });
        let expected = [
            "wave  pending  migrated  failed  rolled back",
            "   0        0         1       1            0",
            "  10        1         0       0            0",
            " all        1         1       1            0",
            "",
            "jobs/settings-migration/runs/1 is in progress: 2 of 3 organizations, 40 of 100 members, 20 members/s, \
             about 3 s left",
            "",
            "failed, and not changed:",
            "  acme: 2 members",
        ];
        assert_eq!(status.lines(), expected);
    }
}
