//! `rollcall migration status`: shows the progress of the settings migration.

use std::collections::BTreeMap;

use rollcall_proto::v1::{ListMigrationsRequest, ListMigrationsResponse, MigrationProgress, MigrationState};

use super::pages::{organization_id, visit_pages};
use crate::{
    connection::ServerConnection,
    error::Result,
    output::{aligned_lines, print_line},
};

const STATES: [MigrationState; 4] =
    [MigrationState::Pending, MigrationState::Migrated, MigrationState::Failed, MigrationState::RolledBack];
/// How many failed organizations are shown with the reason.
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
    failed: Vec<String>,
    failed_count: usize,
    progress: Option<MigrationProgress>,
}

impl MigrationStatusTable {
    /// Adds a page of migrations.
    pub fn add(&mut self, page: &ListMigrationsResponse) {
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

    /// Returns a table of the waves, the current run, and the failed organizations.
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
        if !self.failed.is_empty() {
            lines.extend([String::new(), "failed, and not changed:".to_owned()]);
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
