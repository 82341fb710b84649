//! Replacing an organization's catalog: entries in use cannot be removed (api.md, `CATALOG_ENTRY_IN_USE`).

use std::{collections::BTreeSet, fmt};

use super::Catalog;
use crate::{Current, Plan, Refusal};

/// An entry of a catalog.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CatalogEntry {
    /// A seat type, by its id.
    SeatType(String),
    /// A workspace, by its id.
    Workspace(String),
    /// A permission profile, by its workspace and its id.
    Profile(String, String),
}

impl fmt::Display for CatalogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SeatType(seat_type) => write!(f, "seat type {seat_type}"),
            Self::Workspace(workspace) => write!(f, "workspace {workspace}"),
            Self::Profile(workspace, profile) => write!(f, "profile {profile} of workspace {workspace}"),
        }
    }
}

/// How many assignments and members have an entry of the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogUse {
    /// The entry.
    pub entry: CatalogEntry,
    /// How many assignments have it.
    pub assignments: u32,
    /// How many members have it.
    pub members: u32,
}

impl Catalog {
    /// The entries of this catalog that `after` does not have, in order.
    #[must_use]
    pub fn removed_entries(&self, after: &Self) -> Vec<CatalogEntry> {
        self.entries().difference(&after.entries()).cloned().collect()
    }

    fn entries(&self) -> BTreeSet<CatalogEntry> {
        let seat_types = self.seat_types.iter().map(|seat| CatalogEntry::SeatType(seat.id.clone()));
        let mut entries: BTreeSet<CatalogEntry> = seat_types.collect();
        for workspace in &self.workspaces {
            entries.insert(CatalogEntry::Workspace(workspace.id.clone()));
            let profiles = workspace.profiles.iter();
            entries.extend(profiles.map(|profile| CatalogEntry::Profile(workspace.id.clone(), profile.id.clone())));
        }
        entries
    }
}

/// A proposal to replace the catalog.
#[derive(Clone, Debug)]
pub struct ReplaceCatalog<'a> {
    catalog: &'a Catalog,
}

impl<'a> ReplaceCatalog<'a> {
    /// Checks a new catalog. `uses` are the uses of the entries that it removes.
    ///
    /// # Errors
    /// `CATALOG_ENTRY_IN_USE`, for the first removed entry that an assignment or a member has.
    pub fn propose(catalog: &'a Catalog, uses: &[CatalogUse]) -> Result<Self, Refusal> {
        match uses.iter().find(|entry_use| (entry_use.assignments, entry_use.members) != (0, 0)) {
            None => Ok(Self { catalog }),
            Some(CatalogUse { entry, assignments, members }) => Err(Refusal::CatalogEntryInUse {
                entry: entry.to_string(),
                assignments: *assignments,
                members: *members,
            }),
        }
    }

    /// The catalog as it would be.
    #[must_use]
    pub fn catalog(&self) -> &'a Catalog {
        self.catalog
    }

    pub(crate) fn plan(&self, current: Current<'_>) -> Plan {
        let changed = *self.catalog != current.organization.catalog;
        Plan { catalog: changed.then(|| self.catalog.clone()), ..Plan::default() }
    }
}
