//! What goes wrong, with a message for the caller and a cause that never leaves the process.

use rollcall_domain::{OrganizationId, Refusal, Violation};
use uuid::Uuid;

use crate::reports::NotOwner;

/// Why a use case gives no answer. What it displays is public; causes are only in `source`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The rules do not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no such organization.
    #[error("there is no organization `{0}`; check the name")]
    OrganizationNotFound(OrganizationId),
    /// The organization's id is taken.
    #[error("the organization `{0}` exists already; choose another id")]
    OrganizationExists(OrganizationId),
    /// The request_id came with another request before.
    #[error("the request_id `{0}` came with another request before; use a new UUID for each request")]
    RequestIdReused(Uuid),
    /// A revision token that this organization has never given out.
    #[error("at_least_revision is newer than anything of this organization; take a token from one of its answers")]
    RevisionUnknown,
    /// The organization has no such audit event.
    #[error("there is no audit event `{0}`; list the audit events to see their names")]
    AuditEventNotFound(String),
    /// There is no such report, or no such file in it.
    #[error("there is no report or report file `{0}`; list the reports to see their names")]
    ReportNotFound(String),
    /// A file of a report is not in the report store, or is not the file that was published.
    #[error(
        "the file `{0}` is missing or damaged in the report store; download another report, or restore the file from a \
         backup"
    )]
    ReportDamaged(String),
    /// An offset beyond the end of a report's file.
    #[error("the offset {offset} is beyond the end of the file, which has {size} bytes; give an offset up to there")]
    OffsetBeyondEnd {
        /// What was asked for.
        offset: u64,
        /// The size of the file.
        size: u64,
    },
    /// There is no such job.
    #[error("there is no job `{0}`; list the jobs to see their names")]
    JobNotFound(String),
    /// There is no such run.
    #[error("there is no run `{0}`; list the job's runs to see their names")]
    JobRunNotFound(String),
    /// A run of the job waits or is under way.
    #[error("the run `{0}` of this job is waiting or under way; wait for its end, or cancel it")]
    JobAlreadyRunning(String),
    /// A job's run has lost its lease; another process continues it.
    #[error("the run has lost its lease to another process")]
    FenceLost,
    /// Other writes have locked the organization for as long as a call waits. Nothing was changed.
    #[error(
        "other changes of the organization `{0}` take longer than this call may wait; nothing was changed, so try again"
    )]
    LockTimeout(OrganizationId),
    /// As many changes of the organization wait as may. Nothing was changed.
    #[error(
        "too many changes of the organization `{0}` wait; nothing was changed, so try again later, with fewer at a time"
    )]
    QueueFull(OrganizationId),
    /// As many exports are open as may, in all or for this organization.
    #[error("too many exports are open, for the organization `{0}` or in all; end others, or try again later")]
    TooManyStreams(OrganizationId),
    /// An export cannot be resumed, because its rows would not fit those that the caller has.
    #[error("the organization `{0}` has changed since the export began; export again from the start")]
    OrganizationChanged(OrganizationId),
    /// This installation does not own the place of its reports, so it neither writes nor removes anything there.
    #[error(
        "the reports in {url} cannot be written or removed: {reason}. If this installation replaces the owner, or if \
         its Postgres has failed over, run `rollcall report take-over`; otherwise give it another --reports-url"
    )]
    NotReportsOwner {
        /// The URL of the reports.
        url: String,
        /// The reason.
        reason: NotOwner,
    },
    /// The database or the report store cannot be reached.
    #[error("the store cannot be reached right now; try again in a moment")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A bug of ours, or a store that is not as we left it.
    #[error("something went wrong on our side; it is logged, with the cause")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<rollcall_store::Error> for Error {
    fn from(error: rollcall_store::Error) -> Self {
        use rollcall_store::Error as Store;
        match error {
            Store::OrganizationNotFound(id) => Self::OrganizationNotFound(id),
            Store::FenceLost => Self::FenceLost,
            Store::LockTimeout(id) => Self::LockTimeout(id),
            Store::QueueFull(id) => Self::QueueFull(id),
            Store::TooManyStreams(id) => Self::TooManyStreams(id),
            Store::Unavailable(_) | Store::Serialization(_) | Store::Busy => Self::Unavailable(error.into()),
            Store::Exists { .. } | Store::InvalidData(_) | Store::Internal(_) => Self::Internal(error.into()),
        }
    }
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Self::Refused(Refusal::violation(violation))
    }
}

impl rollcall_store::TxError for Error {
    fn is_retryable(&self) -> bool {
        let store = match self {
            Self::Unavailable(source) => source.downcast_ref::<rollcall_store::Error>(),
            _ => None,
        };
        store.is_some_and(rollcall_store::TxError::is_retryable)
    }

    fn is_internal(&self) -> bool {
        matches!(self, Self::Internal(_))
    }
}

/// Returns an error and its causes in one line, for the log.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
