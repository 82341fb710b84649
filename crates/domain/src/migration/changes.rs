//! Changing the migrations of many organizations: what is done with each of them, and which they are.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Organization, OrganizationId};

use super::{MigrationFilter, MigrationState};

/// How many organizations a request may name.
pub const NAMED_ORGANIZATIONS_MAX: usize = 10_000;

/// What is done with the migration of each organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MigrationAction {
    /// The next run of the migration job tries the organization again.
    Retry,
    /// The old settings decide again.
    RollBack,
    /// The organization moves to this wave.
    SetWave(u32),
}

/// Which organizations are changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MigrationSelection {
    /// Those whose migration matches, also at the time of the change.
    Filter(MigrationFilter),
    /// These.
    Organizations(BTreeSet<OrganizationId>),
}

impl MigrationSelection {
    /// Whether an organization with this state of its migration is selected.
    #[must_use]
    pub fn contains(&self, organization: &Organization, recorded: Option<MigrationState>) -> bool {
        match self {
            Self::Filter(filter) => filter.matches(organization, recorded),
            Self::Organizations(organizations) => organizations.contains(&organization.id),
        }
    }
}

/// A change of the migrations of many organizations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationChange {
    /// What is done with each organization.
    pub action: MigrationAction,
    /// The organizations.
    pub selection: MigrationSelection,
}
