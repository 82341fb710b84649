//! How each list begins and ends: the page arguments, and the rows that fit into one response.

use prost::Message;
use rollcall_domain::{AssignmentId, Violation};
use tonic::{Request, Status};

use crate::{checks::Checks, list_cursor::ListCursor, requests::ListRequest, tokens::PageTokens};

const PAGE_DEFAULT: u32 = 100;
const PAGE_MAX: u32 = 1_000;

/// How many bytes the rows of a page may have: clients refuse messages of more than 4 MB.
const PAGE_BYTES: usize = 2 << 20;

/// One page of a list.
pub(crate) struct Page<'a> {
    tokens: &'a PageTokens,
    method: &'static str,
    /// The encoded request without its page arguments and revision: what the page token is bound to.
    arguments: Vec<u8>,
    after: Option<String>,
    size: u32,
    at_least: Option<i64>,
}

impl PageTokens {
    /// Parses a request for a page, and returns what the closure has parsed with the page.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`, or `INVALID_ARGUMENT` with every violation.
    pub(crate) fn parse_list<Q: ListRequest, I>(
        &self,
        request: Request<Q>,
        parse: impl FnOnce(Q, &mut Checks) -> Option<I>,
    ) -> Result<(I, Page<'_>), Status> {
        let mut request = request.into_inner();
        let (size, page_token) = request.take_page();
        let revision = request.take_at_least_revision();
        let arguments = request.encode_to_vec();
        let mut checks = Checks::default();
        let input = parse(request, &mut checks);
        let at_least = checks.revision("at_least_revision", &revision);
        let after = checks.take("", self.read(Q::METHOD, &arguments, &page_token)).flatten();
        let size = checks.take("", page_size(size)).unwrap_or_default();
        let page = Page { tokens: self, method: Q::METHOD, arguments, after, size, at_least };
        Ok((checks.finish_request(input)?, page))
    }
}

impl Page<'_> {
    /// The cursor of the row before the page; `None` for the first page.
    pub(crate) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// How many rows the page has at most.
    pub(crate) fn size(&self) -> u32 {
        self.size
    }

    /// How many rows to read: one more than the page has, which shows whether another page follows.
    pub(crate) fn limit(&self) -> u32 {
        self.size + 1
    }

    /// The oldest revision that the caller accepts.
    pub(crate) fn at_least(&self) -> Option<i64> {
        self.at_least
    }

    /// Renders the rows that fit into the page, and returns them with the token of the next page. `cursor` takes the
    /// rendered rows and the last of them, and returns where the next page begins.
    pub(crate) fn render<T, M: Message>(
        &self,
        rows: &[T],
        render: impl Fn(&T) -> M,
        cursor: impl FnOnce(&[T], &T) -> String,
    ) -> (Vec<M>, String) {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let messages = take_fitting(rows.iter().take(size).map(render));
        let (rendered, rest) = rows.split_at(messages.len());
        let last = rendered.last().filter(|_| !rest.is_empty());
        (messages, last.map(|last| self.next_token(&cursor(rendered, last))).unwrap_or_default())
    }

    /// Renders the rows of the page out of all rows of a list in evaluation order, each of which is about one assignment.
    pub(crate) fn render_assignments<T, M: Message>(
        &self,
        rows: &[T],
        assignment: impl Fn(&T) -> &AssignmentId,
        render: impl Fn(&T) -> M,
    ) -> (Vec<M>, String) {
        let listed = ListCursor::parse(self.after());
        let unlisted: Vec<&T> = rows.iter().filter(|row| !listed.contains(assignment(row).as_str())).collect();
        let cursor = |rendered: &[&T], _: &&T| listed.with(rendered.iter().map(|row| assignment(row).as_str()));
        self.render(&unlisted, |row| render(row), cursor)
    }

    /// Returns the token of the page after a cursor.
    pub(crate) fn next_token(&self, cursor: &str) -> String {
        self.tokens.make(self.method, &self.arguments, cursor)
    }
}

/// Returns as many messages as fit into a response, and at least one.
pub(crate) fn take_fitting<M: Message>(messages: impl Iterator<Item = M>) -> Vec<M> {
    let mut bytes = 0;
    let mut fitting = Vec::new();
    for message in messages {
        bytes += message.encoded_len();
        if bytes > PAGE_BYTES && !fitting.is_empty() {
            break;
        }
        fitting.push(message);
    }
    fitting
}

/// Returns the number of rows of a page: 0 means the default, and a number that is too large is lowered.
fn page_size(given: i32) -> Result<u32, Violation> {
    match u32::try_from(given) {
        Ok(0) => Ok(PAGE_DEFAULT),
        Ok(given) => Ok(given.min(PAGE_MAX)),
        Err(_) => Err(Violation::invalid("page_size", format!("the page size must not be negative, and is {given}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_sizes_are_defaulted_lowered_and_refused() {
        assert_eq!(page_size(0), Ok(100));
        assert_eq!(page_size(7), Ok(7));
        assert_eq!(page_size(5_000), Ok(1_000));
        assert!(page_size(-1).is_err());
    }
}
