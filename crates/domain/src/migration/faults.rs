//! What a run of the migration does after a fault of the server: a full disk, a cancelled statement, a lost connection.
//! Such a fault says nothing about the data of the organization during whose migration it occurs.

use std::collections::HashMap;

use crate::OrganizationId;

/// After this many faults an organization is set aside, if other organizations have been migrated in the meantime.
const MAX_FAULTS: u32 = 3;
/// After this many faults, with no migrated organization in between, the server counts as faulty.
const MAX_FAULTS_IN_A_ROW: u32 = 5;

/// What a worker does after a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultReaction {
    /// Wait, and continue with other organizations. The faulty one is tried again later. `in_a_row` is the number of
    /// faults since an organization was last migrated. The wait grows with it.
    Continue {
        /// From 1.
        in_a_row: u32,
    },
    /// Set the organization aside for this run. Other organizations were migrated, so the fault is limited to this one.
    SetAside,
    /// End the attempt at the run: the server works for no organization.
    GiveUp,
}

/// The faults that one worker of a run has met.
#[derive(Clone, Debug, Default)]
pub struct FaultTally {
    in_a_row: u32,
    finished: i64,
    organizations: HashMap<OrganizationId, OrganizationFaults>,
}

/// The faults of one organization.
#[derive(Clone, Copy, Debug)]
struct OrganizationFaults {
    count: u32,
    /// How many organizations the run had finished at the first fault.
    finished: i64,
}

impl FaultTally {
    /// Adds a fault during the migration of `organization`, and returns what to do. `finished` is how many organizations
    /// all workers of the run have finished so far.
    pub fn add(&mut self, organization: &OrganizationId, finished: i64) -> FaultReaction {
        if finished > self.finished {
            self.in_a_row = 0;
        }
        self.finished = finished;
        self.in_a_row += 1;
        let none = OrganizationFaults { count: 0, finished };
        let faults = self.organizations.entry(organization.clone()).or_insert(none);
        faults.count += 1;
        if faults.count >= MAX_FAULTS && finished > faults.finished {
            self.organizations.remove(organization);
            return FaultReaction::SetAside;
        }
        match self.in_a_row {
            MAX_FAULTS_IN_A_ROW.. => FaultReaction::GiveUp,
            in_a_row => FaultReaction::Continue { in_a_row },
        }
    }
}
