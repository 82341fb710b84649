//! `rollcall migration status`: shows the progress of the settings migration.

use std::collections::BTreeMap;

use rollcall_proto::v1::{ListMigrationsRequest, ListMigrationsResponse, Migration, MigrationProgress, MigrationState};

use super::pages::{organization_id, visit_pages};
use crate::{
    connection::ServerConnection,
    error::Result,
    output::{aligned_lines, print_line},
};

const STATES: [MigrationState; 4] =
    [MigrationState::Pending, MigrationState::Migrated, MigrationState::Failed, MigrationState::RolledBack];
/// How many failed organizations, and how many organizations that a run could not migrate, are shown with the reason.
const SHOWN_FAILURES: usize = 100;

/// `rollcall migration status`.
///
/// # Errors
/// A call fails.
pub async fn run(server: &ServerConnection) -> Result {
    let mut status = MigrationStatusTable::default();
    let add = async |page: &ListMigrationsResponse| {
        status.add(page);
        Ok(())
    };
    visit_pages(server, ListMigrationsRequest::default(), add).await?;
    status.lines().iter().for_each(print_line);
    Ok(())
}

/// The migrations of all organizations, counted.
#[derive(Debug, Default)]
pub struct MigrationStatusTable {
    /// For each wave, the number of organizations in each of [`STATES`].
    waves: BTreeMap<i32, [u32; 4]>,
    failed: Reasons,
    /// Pending organizations that a run could not migrate because of faults of the server.
    faulty: Reasons,
    progress: Option<MigrationProgress>,
}

impl MigrationStatusTable {
    /// Adds a page of migrations.
    pub fn add(&mut self, page: &ListMigrationsResponse) {
        for migration in &page.migrations {
            let Some(index) = STATES.iter().position(|state| *state == migration.state()) else { continue };
            self.waves.entry(migration.wave).or_default()[index] += 1;
            match migration.state() {
                MigrationState::Failed => self.failed.add(migration),
                MigrationState::Pending if !migration.failure.is_empty() => self.faulty.add(migration),
                _ => {}
            }
        }
        self.progress.clone_from(&page.progress);
    }

    /// Returns a table of the waves, the current run, the failed organizations, and those that a run could not migrate.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let total = self.waves.values().fold([0; 4], |sum, wave| std::array::from_fn(|state| sum[state] + wave[state]));
        let waves = self.waves.iter().map(|(wave, counts)| (wave.to_string(), *counts));
        let rows = waves.chain([("all".to_owned(), total)]).map(|(name, counts)| {
            let [pending, migrated, failed, rolled_back] = counts.map(|count| count.to_string());
            [name, pending, migrated, failed, rolled_back]
        });
        let header = ["wave", "pending", "migrated", "failed", "rolled back"].map(str::to_owned);
        let rows: Vec<_> = [header].into_iter().chain(rows).collect();
        let mut lines = aligned_lines(&rows, [true; 5]);
        let progress = self.progress.as_ref().map_or_else(|| "no run is in progress".to_owned(), progress_text);
        lines.extend([String::new(), progress]);
        lines.extend(self.failed.lines("failed, and not changed:"));
        lines.extend(self.faulty.lines("pending, because the database failed:"));
        lines
    }
}

/// Organizations with the reason why they were not migrated.
#[derive(Debug, Default)]
struct Reasons {
    shown: Vec<String>,
    count: usize,
}

impl Reasons {
    fn add(&mut self, migration: &Migration) {
        self.count += 1;
        if self.shown.len() < SHOWN_FAILURES {
            self.shown.push(format!("  {}: {}", organization_id(migration), migration.failure));
        }
    }

    /// Returns the lines below a title; none without organizations.
    fn lines(&self, title: &str) -> Vec<String> {
        if self.count == 0 {
            return Vec::new();
        }
        let mut lines = vec![String::new(), title.to_owned()];
        lines.extend(self.shown.iter().cloned());
        if self.count > self.shown.len() {
            lines.push(format!("  and {} more", self.count - self.shown.len()));
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
