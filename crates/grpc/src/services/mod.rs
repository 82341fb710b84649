//! One file for each service of the contract: read the request, call the use case, render.

mod assignments;
mod audit;
mod directory;
mod email_export;
mod explain;
mod jobs;
mod list;
mod members;
mod migration;
mod organizations;
mod reports;

use std::sync::Arc;

use prost::Message;
use rollcall_app::{App, jobs::JobInfo};
use rollcall_domain::Violation;

use crate::{
    request::Checks,
    tokens::{PageTokens, page_size},
};

/// What every service works with; cheap to clone.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) app: App,
    pub(crate) pages: PageTokens,
    /// The jobs that can be asked for, in byte order of their names.
    pub(crate) jobs: Arc<[JobInfo]>,
}

/// Where a page of a list begins, and how long it is.
pub(crate) struct Page {
    pub(crate) after: Option<String>,
    pub(crate) size: u32,
}

impl Services {
    /// Reads a list's page arguments. `arguments` are all others, which the token is bound to.
    fn page(&self, checks: &mut Checks, method: &str, arguments: &impl Message, size: i32, token: &str) -> Page {
        let after = checks.take("", self.pages.read(method, arguments, token)).flatten();
        Page { after, size: checks.take("", page_size(size)).unwrap_or_default() }
    }

    /// Cuts a list that was read one longer than its page, and makes the token of the next one.
    fn next<T>(
        &self,
        method: &str,
        arguments: &impl Message,
        page: &Page,
        rows: &mut Vec<T>,
        cursor: impl Fn(&T) -> String,
    ) -> String {
        let size = usize::try_from(page.size).unwrap_or(usize::MAX);
        if rows.len() <= size {
            return String::new();
        }
        rows.truncate(size);
        rows.last().map(|last| self.pages.make(method, arguments, &cursor(last))).unwrap_or_default()
    }
}

/// An id that the caller may choose.
fn optional_id<T>(
    checks: &mut Checks,
    field: &str,
    id: &str,
    parse: impl Fn(&str) -> Result<T, Violation>,
) -> Option<T> {
    if id.is_empty() { None } else { checks.take(field, parse(id)) }
}
