//! The use cases of Rollcall. RPCs and jobs both call them. A change goes through [`App::change`]: load, let the domain
//! plan, apply, in one transaction. Creating an organization and the settings migration have functions of their own, in
//! the same order, because they plan other things than assignments and members.

pub mod assignments;
pub mod audit;
mod change;
pub mod directory;
mod error;
mod housekeeping;
pub mod jobs;
pub mod members;
pub mod migration;
pub mod mutation;
mod options;
pub mod organizations;
mod probe;
pub mod reports;
mod seats;
pub mod self_check;

use rollcall_domain::{AssignmentId, MemberId};
use rollcall_store::{Db, ReadTx, audit::Document};

pub use change::{Applied, Operation, Planned};
pub use error::{Error, chain};
pub use housekeeping::PruneCounts;
pub use mutation::{Answer, AuditDraft, Caller, Changed, MutationContext};
pub use options::AppOptions;
pub use probe::Probe;
pub use rollcall_store::{requests, run_for_caller};

/// What a use case answers.
pub type Result<T> = std::result::Result<T, Error>;

/// The service: every use case is a method of it.
#[derive(Clone)]
pub struct App {
    db: Db,
    reports: reports::ReportStore,
    options: AppOptions,
}

impl App {
    /// The service on a database, with a place for its reports, and with the default options.
    #[must_use]
    pub fn new(db: Db, reports: reports::ReportStore) -> Self {
        Self { db, reports, options: AppOptions::default() }
    }

    /// The same with other options than the default ones.
    #[must_use]
    pub fn with_options(self, options: AppOptions) -> Self {
        Self { options, ..self }
    }

    /// What an operator has decided.
    #[must_use]
    pub fn options(&self) -> AppOptions {
        self.options
    }

    /// The database.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Where reports lie.
    #[must_use]
    pub fn reports(&self) -> &reports::ReportStore {
        &self.reports
    }
}

/// Something to know about a change that was made all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What it is about.
    pub subject: Subject,
    /// What to know, and what to do about it.
    pub message: String,
}

/// What a warning is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An assignment.
    Assignment(AssignmentId),
    /// A member.
    Member(MemberId),
}

/// What a read answers.
#[derive(Clone, Debug)]
pub struct Read<T> {
    /// What was read.
    pub value: T,
    /// The revision that was read.
    pub revision: i64,
}

impl<T> Read<T> {
    fn of(tx: &ReadTx, value: T) -> Self {
        Self { value, revision: tx.organization().revision }
    }
}

/// Checks the revision that a read asks for. All reads use the primary, which has every committed revision; therefore a
/// newer one has never existed.
fn check_revision(current: i64, at_least: Option<i64>) -> Result<()> {
    match at_least {
        Some(wanted) if wanted > current => Err(Error::RevisionUnknown),
        _ => Ok(()),
    }
}

/// Refuses a change of something that is no longer what the caller has read.
fn check_etag(resource: impl Into<String>, given: Option<&str>, current: impl ToString) -> Result<()> {
    let current = current.to_string();
    match given {
        Some(given) if given != current => {
            Err(rollcall_domain::Refusal::StaleEtag { resource: resource.into(), given: given.to_owned(), current }
                .into())
        }
        _ => Ok(()),
    }
}

/// A document for the audit. Everything kept there is plain data, which always serializes.
fn document(value: serde_json::Value) -> Option<Document> {
    Document::of(&value)
}
