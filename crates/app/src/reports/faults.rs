//! Organizations whose rows cannot be read for a report: when they are read again, when the report leaves them out, and
//! when the server counts as faulty (ADR 21).

use rollcall_domain::OrganizationId;
use rollcall_store::{
    Db,
    reports::{MissingOrganization, MissingReason},
};

use super::attempt::ReportAttempt;
use crate::{Error, Result, chain};

/// How often the rows of an organization are read before the report leaves the organization out.
const TRIES: u32 = 3;
/// For how many organizations an attempt waits between the tries. Further ones have one try each.
const ORGANIZATIONS_WITH_PAUSES: u32 = 10;
/// After this many organizations in a row that the database could not read, the server counts as faulty.
const FAULTY_IN_A_ROW: u32 = 3;

/// What follows after an organization could not be read.
#[derive(Debug)]
pub(super) enum OrganizationReaction {
    /// Read the organization again, after a pause.
    TryAgain,
    /// Leave the organization out.
    LeaveOut,
    /// End the attempt with this error.
    GiveUp(Error),
}

/// The faults of an attempt.
#[derive(Debug, Default)]
pub(super) struct ReportFaults {
    /// The organizations that the report lacks.
    pub(super) missing: Vec<MissingOrganization>,
    /// The error of the last one.
    last_error: Option<Error>,
    /// How many organizations in a row the database could not read.
    in_a_row: u32,
}

impl ReportFaults {
    /// Notes that an organization was read.
    pub(super) fn add_success(&mut self) {
        self.in_a_row = 0;
    }

    /// Logs an error, and returns what to do. `tries` is how often the organization was read.
    pub(super) async fn react(
        &mut self,
        db: &Db,
        attempt: &ReportAttempt<'_>,
        organization: &OrganizationId,
        tries: u32,
        error: Error,
    ) -> OrganizationReaction {
        let cause = chain(&error);
        let Some(reason) = missing_reason(&error) else {
            tracing::error!(%organization, cause, "the report cannot be written");
            return OrganizationReaction::GiveUp(error);
        };
        tracing::error!(%organization, tries, cause, "the rows of the organization cannot be read for the report");
        if tries < TRIES && self.missing.len() < ORGANIZATIONS_WITH_PAUSES as usize {
            return OrganizationReaction::TryAgain;
        }
        match reason {
            MissingReason::InvalidRows => self.in_a_row = 0,
            MissingReason::DatabaseFault => self.in_a_row += 1,
        }
        let is_server_faulty = self.in_a_row >= FAULTY_IN_A_ROW && !attempt.is_last;
        if is_server_faulty || (reason == MissingReason::DatabaseFault && db.ping().await.is_err()) {
            return OrganizationReaction::GiveUp(error);
        }
        tracing::error!(%organization, reason = <&str>::from(reason), "the report leaves the organization out");
        self.missing.push(MissingOrganization { organization: organization.clone(), reason });
        self.last_error = Some(error);
        OrganizationReaction::LeaveOut
    }

    /// Returns the missing organizations of a report that has `read` other organizations.
    ///
    /// # Errors
    /// The last error, if no organization could be read.
    pub(super) fn end(self, read: usize) -> Result<Vec<MissingOrganization>> {
        match self.last_error {
            Some(error) if read == 0 => Err(error),
            _ => Ok(self.missing),
        }
    }
}

/// Returns the reason for which a report lacks an organization after this error; `None` if the error is not about the
/// rows of the organization.
fn missing_reason(error: &Error) -> Option<MissingReason> {
    let (Error::Internal(source) | Error::Unavailable(source)) = error else { return None };
    match source.downcast_ref::<rollcall_store::Error>()? {
        rollcall_store::Error::InvalidData(_) => Some(MissingReason::InvalidRows),
        _ => Some(MissingReason::DatabaseFault),
    }
}
