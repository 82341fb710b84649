//! The cursor of the list of assignments. It holds the assignments of the pages so far, because their order may change
//! between two pages: each assignment that stays in the list is still listed exactly once.

use std::collections::HashSet;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rollcall_domain::AssignmentId;
use sha2::{Digest as _, Sha256};

/// How many bytes of an id's digest are kept: enough to distinguish the assignments of one list.
const DIGEST_BYTES: usize = 6;

/// The length of these bytes in Base64.
const DIGEST_CHARS: usize = 8;

/// The assignments that earlier pages have listed.
#[derive(Debug, Default)]
pub(crate) struct ListCursor {
    text: String,
    digests: HashSet<String>,
}

impl ListCursor {
    /// Parses a cursor; `None` is the cursor of the first page.
    pub(crate) fn parse(text: Option<&str>) -> Self {
        let text = text.unwrap_or_default().to_owned();
        let digests = text.as_bytes().chunks(DIGEST_CHARS);
        let digests = digests.map(|digest| String::from_utf8_lossy(digest).into_owned()).collect();
        Self { text, digests }
    }

    /// Whether an earlier page has listed the assignment.
    pub(crate) fn contains(&self, id: &AssignmentId) -> bool {
        self.digests.contains(&digest(id))
    }

    /// Returns the cursor of the next page, after a page with these assignments.
    pub(crate) fn with<'a>(&self, listed: impl Iterator<Item = &'a AssignmentId>) -> String {
        self.text.clone() + &listed.map(digest).collect::<String>()
    }
}

fn digest(id: &AssignmentId) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(id.as_str())[..DIGEST_BYTES])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_contains_the_assignments_of_earlier_pages_only() {
        let ids = ["a", "b", "c"].map(AssignmentId::trusted);
        let first = ListCursor::parse(None).with(ids[..1].iter());
        let second = ListCursor::parse(Some(&first)).with(ids[1..2].iter());
        let contains = |cursor: Option<&str>| ids.each_ref().map(|id| ListCursor::parse(cursor).contains(id));
        assert_eq!(contains(None), [false, false, false]);
        assert_eq!(contains(Some(&first)), [true, false, false]);
        assert_eq!(contains(Some(&second)), [true, true, false]);
    }
}
