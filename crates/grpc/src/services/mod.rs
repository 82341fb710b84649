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

/// What the rows of a page may take: clients refuse messages of more than 4 MB.
const PAGE_BYTES: usize = 2 << 20;

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

impl Page {
    fn size(&self) -> usize {
        usize::try_from(self.size).unwrap_or(usize::MAX)
    }
}

impl Services {
    /// Reads a list's page arguments. `arguments` are all others, which the token is bound to.
    fn page(&self, checks: &mut Checks, method: &str, arguments: &impl Message, size: i32, token: &str) -> Page {
        let after = checks.take("", self.pages.read(method, arguments, token)).flatten();
        Page { after, size: checks.take("", page_size(size)).unwrap_or_default() }
    }

    /// Shows a page of what was read one longer, and makes the token of the next one. `cursor` says where it begins
    /// after these rows.
    fn shown<T, M: Message>(
        &self,
        (method, arguments): (&str, &impl Message),
        page: &Page,
        rows: &[T],
        show: impl Fn(&T) -> M,
        cursor: impl FnOnce(&[T], &T) -> String,
    ) -> (Vec<M>, String) {
        let shown = that_fit(rows.iter().take(page.size()).map(show));
        let (before, after) = rows.split_at(shown.len());
        let last = before.last().filter(|_| !after.is_empty());
        let next = last.map(|last| self.pages.make(method, arguments, &cursor(before, last)));
        (shown, next.unwrap_or_default())
    }
}

/// As many as fit into a message, at least one.
fn that_fit<M: Message>(messages: impl Iterator<Item = M>) -> Vec<M> {
    let mut bytes = 0;
    let mut fit = Vec::new();
    for message in messages {
        bytes += message.encoded_len();
        if bytes > PAGE_BYTES && !fit.is_empty() {
            break;
        }
        fit.push(message);
    }
    fit
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
