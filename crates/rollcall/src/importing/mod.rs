//! `import`: an organization from a folder, through a running server's API, up to and including its old settings.

mod found;
mod ids;
mod rows;

use std::collections::HashSet;

pub(crate) use found::{Found, found};

use rollcall_proto::v1::{
    self, CreateAssignmentRequest, CreateOrganizationRequest, GetCatalogRequest, Organization, Phase, RejectedRow,
    UpdateCatalogRequest,
};

use crate::{
    commands::ImportArguments,
    error::{Error, Result},
    folder::Folder,
    progress::{Progress, say},
    remote::{self, Remote},
    shutdown::Shutdown,
};

/// `rollcall import`.
///
/// # Errors
/// When the folder cannot be read, the server cannot be reached, or it refuses a step: an organization of this name
/// exists already, for example.
pub(crate) async fn run(arguments: &ImportArguments, shutdown: &Shutdown) -> Result {
    let folder = Folder::read(&arguments.folder)?;
    let imported = async {
        let remote = Remote::connect(&arguments.target).await?;
        Import::new(remote, &folder, Progress::start()).run().await
    };
    let rejected = shutdown.interrupts(imported).await.unwrap_or_else(|| {
        Err(Error::failed(format!(
            "interrupted: the organization {} may be incomplete; repeat the import",
            folder.organization
        )))
    })?;
    say(format!("{} is imported; {}", folder.organization, rejected_rows(rejected)));
    Ok(())
}

/// How many rows the server did not take, in words.
pub(crate) fn rejected_rows(rejected: i32) -> String {
    match rejected {
        0 => "no row was rejected".to_owned(),
        1 => "1 row was rejected".to_owned(),
        more => format!("{more} rows were rejected"),
    }
}

/// An import under way.
pub(crate) struct Import<'a> {
    remote: Remote,
    folder: &'a Folder,
    /// The organization by name.
    parent: String,
    pub(crate) progress: Progress,
    rejected: i32,
}

impl<'a> Import<'a> {
    pub(crate) fn new(remote: Remote, folder: &'a Folder, progress: Progress) -> Self {
        let parent = format!("organizations/{}", folder.organization);
        Self { remote, folder, parent, progress, rejected: 0 }
    }

    /// Imports, or goes on with an import that was interrupted. Answers how many rows were rejected.
    ///
    /// # Errors
    /// What the server refuses: an organization that is there, and whole, for example.
    pub(crate) async fn run(&mut self) -> Result<i32> {
        if found(&self.remote, self.folder).await? == Found::Unfinished {
            let id = &self.folder.organization;
            self.progress.done(format!("organization {id} exists, but its import was interrupted: it goes on"));
        } else {
            self.create_organization().await?;
        }
        self.fill().await
    }

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
        let created = self.remote.organizations().create_organization(request).await;
        created.map_err(remote::refused(format!("cannot create the organization {id}")))?;
        self.progress.done(format!("organization {id}, in phase LEGACY"));
        Ok(())
    }

    /// Everything else. Each step does nothing where its work is done, so that an import that was interrupted can be
    /// gone through again. Answers how many rows were rejected.
    async fn fill(&mut self) -> Result<i32> {
        self.fill_catalog().await?;
        self.sync_directory().await?;
        self.create_assignments().await?;
        self.import_legacy_settings().await?;
        Ok(self.rejected)
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
        let answer = self.remote.organizations().get_catalog(request).await;
        let answer = answer.map_err(remote::refused("cannot read the catalog"))?.into_inner();
        let mut catalog = v1::Catalog { name, ..answer.catalog.unwrap_or_default() };
        let missing = seats.iter().filter(|seat| catalog.seat_types.iter().all(|known| known.seat_type != **seat));
        let missing: Vec<_> = missing.map(|seat| rows::seat_type(seat)).collect();
        catalog.seat_types.extend(missing);
        let request = UpdateCatalogRequest { catalog: Some(catalog), ..Default::default() };
        let updated = self.remote.organizations().update_catalog(request).await;
        updated.map_err(remote::refused("cannot put the seat types into the catalog"))?;
        self.progress.done(format!("catalog: seat types {}", seats.join(", ")));
        Ok(())
    }

    async fn sync_directory(&mut self) -> Result {
        let messages = tokio_stream::iter(rows::directory(self.folder, false));
        let answered = self.remote.directory().sync_directory(messages).await;
        let answer = answered.map_err(remote::refused("cannot sync the directory"))?.into_inner();
        self.report_rejected(&answer.rejected, answer.rejected_count);
        let counts = answer.counts.unwrap_or_default();
        self.progress.done(format!(
            "directory: {} new members, {} groups, {} memberships",
            counts.members_created, counts.groups_changed, counts.memberships_added
        ));
        Ok(())
    }

    async fn create_assignments(&mut self) -> Result {
        let existing = self.remote.all_assignments(&self.parent).await?;
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
                assignment: Some(rows::assignment(&self.parent, assignment)),
                ..Default::default()
            };
            let created = self.remote.assignments().create_assignment(request).await;
            created.map_err(remote::refused(format!("cannot create the assignment {:?}", assignment.name)))?;
        }
        self.progress.done(format!("{} assignments, in the order of the file", self.folder.assignments.len()));
        Ok(())
    }

    async fn import_legacy_settings(&mut self) -> Result {
        let messages = tokio_stream::iter(rows::legacy_settings(self.folder));
        let answered = self.remote.migration().import_legacy_settings(messages).await;
        let answer = answered.map_err(remote::refused("cannot import the old settings"))?.into_inner();
        self.report_rejected(&answer.rejected, answer.rejected_count);
        self.progress.done(format!(
            "old settings: {} of members, {} of addresses that no member has",
            answer.bound_count, answer.unmatched_count
        ));
        Ok(())
    }

    /// Names the rows that were not taken, each in a line of stderr.
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
