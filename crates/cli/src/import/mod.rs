//! `rollcall import`: creates an organization from a folder, through the API of a running server.

pub mod ids;
pub mod messages;
mod state;

use std::{collections::HashSet, path::PathBuf};

use rollcall_proto::v1::{
    Catalog, CreateAssignmentRequest, CreateOrganizationRequest, GetCatalogRequest, Organization, Phase, RejectedRow,
    SeatType, UpdateCatalogRequest,
};
use url::Url;

use crate::{
    connection::{ServerConnection, answer},
    error::Result,
    folder::OrganizationFolder,
    output::{print_line, rejected_rows},
    progress::StepTimer,
    values,
};
pub(crate) use state::{ImportState, find_import_state};

/// The arguments of `import`.
#[derive(Debug, clap::Args)]
pub struct ImportArguments {
    /// The organization's folder. The folder's name becomes the organization's id
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// The running server, such as http://localhost:50051
    #[arg(long, value_name = "URL", value_parser = values::server_url)]
    pub target: Url,
}

/// `rollcall import`: imports the organization and prints each step.
///
/// # Errors
/// The server refuses a step, for example because the organization exists.
pub async fn run(server: &ServerConnection, folder: &OrganizationFolder) -> Result {
    let rejected = import_folder(server, folder, &mut StepTimer::start()).await?;
    print_line(format!("{} is imported; {}", folder.organization, rejected_rows(rejected)));
    Ok(())
}

/// Imports a folder, or continues an interrupted import. Returns the number of rejected rows.
///
/// # Errors
/// The server refuses a step, for example because the organization exists.
pub(crate) async fn import_folder(
    server: &ServerConnection,
    folder: &OrganizationFolder,
    timer: &mut StepTimer,
) -> Result<u64> {
    let mut steps = ImportSteps { server, folder, parent: folder.name(), timer, rejected: 0 };
    if find_import_state(server, folder).await? == ImportState::Interrupted {
        let id = &folder.organization;
        steps.timer.step_done(format!("organization {id} exists from an interrupted import, which now continues"));
    } else {
        steps.create_organization().await?;
    }
    steps.fill_catalog().await?;
    steps.sync_directory().await?;
    steps.create_assignments().await?;
    steps.import_legacy_settings().await?;
    Ok(steps.rejected)
}

/// The steps of an import. Each step skips what exists already, so that an interrupted import can be repeated.
struct ImportSteps<'a> {
    server: &'a ServerConnection,
    folder: &'a OrganizationFolder,
    /// `organizations/{id}`.
    parent: String,
    timer: &'a mut StepTimer,
    rejected: u64,
}

impl ImportSteps<'_> {
    async fn create_organization(&mut self) -> Result {
        let id = self.folder.organization.as_str();
        let request = CreateOrganizationRequest {
            organization_id: id.to_owned(),
            organization: Some(Organization {
                display_name: id.to_owned(),
                phase: Phase::Legacy.into(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let created = self.server.organizations().create_organization(request).await;
        answer(format!("cannot create the organization {id}"), created)?;
        self.timer.step_done(format!("organization {id} is created in phase LEGACY"));
        Ok(())
    }

    async fn fill_catalog(&mut self) -> Result {
        let mut seen = HashSet::new();
        let named = self.folder.assignments.iter().flat_map(|assignment| &assignment.seats);
        let seats: Vec<String> = named.filter(|seat| seen.insert(*seat)).cloned().collect();
        if seats.is_empty() {
            return Ok(());
        }
        let name = format!("{}/catalog", self.parent);
        let request = GetCatalogRequest { name: name.clone(), ..Default::default() };
        let found = answer("cannot read the catalog", self.server.organizations().get_catalog(request).await)?;
        let mut catalog = Catalog { name, ..found.catalog.unwrap_or_default() };
        for seat in &seats {
            if catalog.seat_types.iter().all(|known| known.seat_type != *seat) {
                catalog.seat_types.push(SeatType { seat_type: seat.clone(), ..Default::default() });
            }
        }
        let request = UpdateCatalogRequest { catalog: Some(catalog), ..Default::default() };
        let updated = self.server.organizations().update_catalog(request).await;
        answer("cannot add the seat types to the catalog", updated)?;
        self.timer.step_done(format!("catalog: seat types {}", seats.join(", ")));
        Ok(())
    }

    async fn sync_directory(&mut self) -> Result {
        let messages = tokio_stream::iter(messages::directory(self.folder, false));
        let synced = answer("cannot sync the directory", self.server.directory().sync_directory(messages).await)?;
        self.report_rejected(&synced.rejected, synced.rejected_count);
        let counts = synced.counts.unwrap_or_default();
        self.timer.step_done(format!(
            "directory: {} new members, {} groups, {} memberships",
            counts.members_created, counts.groups_changed, counts.memberships_added
        ));
        Ok(())
    }

    async fn create_assignments(&mut self) -> Result {
        let existing = self.server.list_all_assignments(&self.parent).await?;
        let existing: HashSet<String> = existing.into_iter().map(|assignment| assignment.name).collect();
        let names = self.folder.assignments.iter().map(|assignment| assignment.name.as_str());
        let ids = ids::assignment_ids(names);
        for (assignment, id) in self.folder.assignments.iter().zip(ids) {
            if existing.contains(&format!("{}/assignments/{id}", self.parent)) {
                continue;
            }
            let request = CreateAssignmentRequest {
                parent: self.parent.clone(),
                assignment_id: id,
                assignment: Some(messages::assignment(&self.parent, assignment)),
                ..Default::default()
            };
            let created = self.server.assignments().create_assignment(request).await;
            answer(format!("cannot create the assignment {:?}", assignment.name), created)?;
        }
        self.timer.step_done(format!("{} assignments, in the order of the file", self.folder.assignments.len()));
        Ok(())
    }

    async fn import_legacy_settings(&mut self) -> Result {
        let messages = tokio_stream::iter(messages::legacy_settings(self.folder));
        let imported = self.server.migration().import_legacy_settings(messages).await;
        let imported = answer("cannot import the old settings", imported)?;
        self.report_rejected(&imported.rejected, imported.rejected_count);
        let (bound, unmatched) = (imported.bound_count, imported.unmatched_count);
        self.timer.step_done(format!("old settings: {bound} with a member, {unmatched} without"));
        Ok(())
    }

    /// Prints the rejected rows to stderr, one line each, and counts them.
    fn report_rejected(&mut self, rows: &[RejectedRow], count: i32) {
        for row in rows {
            eprintln!("rejected {} {}: {}", row.kind, row.key, row.reason);
        }
        let count = u64::from(count.unsigned_abs());
        let unlisted = count.saturating_sub(rows.len() as u64);
        if unlisted > 0 {
            eprintln!("rejected {unlisted} more");
        }
        self.rejected += count;
    }
}
