//! What Rollcall can be asked to do: each use case loads, lets the domain plan, and applies, in
//! one transaction. RPCs and jobs both call these.

pub mod assignments;
pub mod audit;
pub mod directory;
pub mod email_export;
mod error;
mod housekeeping;
pub mod jobs;
pub mod members;
pub mod migration;
pub mod once;
mod options;
pub mod organizations;
pub mod reports;
mod seats;

use rollcall_domain::{AssignmentId, MemberId, Plan, plan::Counts};
use rollcall_store::{
    Db, ReadTx,
    audit::{AuditEvent, Document},
    requests::RequestKey,
};
use serde_json::Value;

pub use error::Error;
pub use housekeeping::PruneCounts;
pub use once::{Answer, Call};
pub use options::AppOptions;
pub use rollcall_store::requests;

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

/// Who asks for a change, and how: what the audit keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub actor: String,
    /// The RPC or job.
    pub method: &'static str,
    /// The trace that the call is part of.
    pub trace_id: Option<String>,
    /// Check everything and write nothing.
    pub validate_only: bool,
    /// The request to be made once, if the caller says so.
    pub request: Option<RequestKey>,
}

impl Caller {
    /// A job that acts on its own.
    #[must_use]
    pub fn job(name: &'static str) -> Self {
        Self { actor: format!("jobs/{name}"), method: name, trace_id: None, validate_only: false, request: None }
    }

    fn event(&self, resource: impl Into<String>, before: Option<Value>, after: Option<Value>) -> AuditEvent {
        AuditEvent {
            actor: self.actor.clone(),
            method: self.method,
            resource: resource.into(),
            request_id: self.request.as_ref().map(|request| request.id),
            trace_id: self.trace_id.clone(),
            before: before.as_ref().and_then(Document::of),
            after: after.as_ref().and_then(Document::of),
        }
    }
}

/// What a change answers.
#[derive(Clone, Debug)]
pub struct Changed<T> {
    /// As it stands after the call, or as it would.
    pub value: T,
    /// What would happen to members, when nothing was to be written.
    pub preview: Option<Preview>,
    /// The organization's revision after the call.
    pub revision: i64,
    /// Things to know.
    pub warnings: Vec<Warning>,
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

/// What a change would do to members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// How many.
    pub counts: Counts,
    /// The first few, in byte order of their ids.
    pub sample: Vec<rollcall_domain::MemberChange>,
    /// How many members would hold other seats.
    pub held_seats_changes: u32,
}

impl Preview {
    const SAMPLE: usize = 20;

    /// Counts a plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let mut members: Vec<_> = plan.members.iter().collect();
        members.sort_by(|a, b| a.member.cmp(&b.member));
        let sample = members.into_iter().take(Self::SAMPLE).cloned().collect();
        Self { counts: plan.counts(), sample, held_seats_changes: plan.seats.held_changes }
    }
}

/// A read may ask for a revision that it knows of; on one primary every committed one is there, so
/// a newer one was never made here.
fn check_revision(tx: &ReadTx, at_least: Option<i64>) -> Result<()> {
    check_revision_number(tx.organization().revision, at_least)
}

fn check_revision_number(current: i64, at_least: Option<i64>) -> Result<()> {
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

/// A value for the audit. Everything kept there is plain data, which always serializes.
fn json(value: impl serde::Serialize) -> Option<Value> {
    serde_json::to_value(value).ok()
}
