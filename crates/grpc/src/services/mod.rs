//! One file for each service of the contract. A handler parses its request, calls one use case and renders the answer.

mod assignments;
mod audit;
mod directory;
mod email_export;
mod jobs;
mod members;
mod migration;
mod organizations;
mod reports;

use std::{sync::Arc, time::Duration};

use rollcall_app::{App, jobs::JobInfo};
use rollcall_decisions::Decisions;

use crate::tokens::PageTokens;

/// What every service needs; cheap to clone.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) app: App,
    /// Answers checks of email export.
    pub(crate) decisions: Decisions,
    pub(crate) pages: PageTokens,
    /// The jobs that callers can run, in byte order of their names.
    pub(crate) jobs: Arc<[JobInfo]>,
    /// How long an export or a download may take.
    pub(crate) stream_time: Duration,
}

/// An etag that the caller may leave out.
fn optional_etag(etag: &str) -> Option<&str> {
    Some(etag).filter(|etag| !etag.is_empty())
}
