//! `rollcall import`: creates an organization from a folder, through the API of a running server.

mod ids;
mod messages;
mod state;

use std::{collections::HashSet, path::PathBuf};

use rollcall_proto::v1::{
    self, CreateAssignmentRequest, CreateOrganizationRequest, GetCatalogRequest, Organization, Phase, RejectedRow,
    UpdateCatalogRequest,
};
use url::Url;

use crate::{
    connection::{ServerConnection, call_failed},
    error::Result,
    folder::OrganizationFolder,
    output::print_line,
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

/// `rollcall import`, with the folder already read.
#[derive(Debug)]
pub struct Import {
    folder: OrganizationFolder,
}

impl Import {
    /// Reads the folder.
    ///
    /// # Errors
    /// The folder's name is no valid organization id, or a file is missing or wrong.
    pub fn read(arguments: &ImportArguments) -> Result<Self> {
        Ok(Self { folder: OrganizationFolder::read(&arguments.folder)? })
    }

    /// Imports the organization and prints each step.
    ///
    /// # Errors
    /// The server refuses a step, for example because the organization exists.
    pub async fn run(self, server: &ServerConnection) -> Result {
        let rejected = import_folder(server, &self.folder, &mut StepTimer::start()).await?;
        print_line(format!("{} is imported; {}", self.folder.organization, rejected_rows(rejected)));
        Ok(())
    }
}

/// Returns the number of rejected rows in words.
pub(crate) fn rejected_rows(rejected: i32) -> String {
    match rejected {
        0 => "no row was rejected".to_owned(),
        1 => "1 row was rejected".to_owned(),
        more => format!("{more} rows were rejected"),
    }
}

/// Imports a folder, or continues an interrupted import. Returns the number of rejected rows.
///
/// # Errors
/// The server refuses a step, for example because the organization exists.
pub(crate) async fn import_folder(
    server: &ServerConnection,
    folder: &OrganizationFolder,
    timer: &mut StepTimer,
) -> Result<i32> {
    let parent = format!("organizations/{}", folder.organization);
    let mut steps = ImportSteps { server, folder, parent, timer, rejected: 0 };
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
    rejected: i32,
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
        created.map_err(call_failed(format!("cannot create the organization {id}")))?;
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
        let answer = self.server.organizations().get_catalog(request).await;
        let answer = answer.map_err(call_failed("cannot read the catalog"))?.into_inner();
        let mut catalog = v1::Catalog { name, ..answer.catalog.unwrap_or_default() };
        let missing = seats.iter().filter(|seat| catalog.seat_types.iter().all(|known| known.seat_type != **seat));
        let missing: Vec<_> = missing.map(|seat| messages::seat_type(seat)).collect();
        catalog.seat_types.extend(missing);
        let request = UpdateCatalogRequest { catalog: Some(catalog), ..Default::default() };
        let updated = self.server.organizations().update_catalog(request).await;
        updated.map_err(call_failed("cannot add the seat types to the catalog"))?;
        self.timer.step_done(format!("catalog: seat types {}", seats.join(", ")));
        Ok(())
    }

    async fn sync_directory(&mut self) -> Result {
        let messages = tokio_stream::iter(messages::directory(self.folder, false));
        let answered = self.server.directory().sync_directory(messages).await;
        let answer = answered.map_err(call_failed("cannot sync the directory"))?.into_inner();
        self.report_rejected(&answer.rejected, answer.rejected_count);
        let counts = answer.counts.unwrap_or_default();
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
            created.map_err(call_failed(format!("cannot create the assignment {:?}", assignment.name)))?;
        }
        self.timer.step_done(format!("{} assignments, in the order of the file", self.folder.assignments.len()));
        Ok(())
    }

    async fn import_legacy_settings(&mut self) -> Result {
        let messages = tokio_stream::iter(messages::legacy_settings(self.folder));
        let answered = self.server.migration().import_legacy_settings(messages).await;
        let answer = answered.map_err(call_failed("cannot import the old settings"))?.into_inner();
        self.report_rejected(&answer.rejected, answer.rejected_count);
        self.timer.step_done(format!(
            "old settings: {} with a member, {} without",
            answer.bound_count, answer.unmatched_count
        ));
        Ok(())
    }

    /// Prints the rejected rows to stderr, one line each, and counts them.
    fn report_rejected(&mut self, rows: &[RejectedRow], count: i32) {
        for row in rows {
            eprintln!("rejected {} {}: {}", row.kind, row.key, row.reason);
        }
        let unnamed = usize::try_from(count).unwrap_or(0).saturating_sub(rows.len());
        if unnamed > 0 {
            eprintln!("rejected {unnamed} more");
        }
        self.rejected += count;
    }
}
