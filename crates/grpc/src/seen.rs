//! The cursor of the list of assignments: which of them the pages so far have shown. Their order changes while somebody
//! reads page by page; whatever is listed throughout is shown once all the same.

use std::collections::HashSet;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rollcall_domain::AssignmentId;
use sha2::{Digest as _, Sha256};

/// Of an id's digest, and in how many characters: enough that two of one list are never the same.
const BYTES: usize = 6;
const CHARS: usize = 8;

/// What the pages so far have shown.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    cursor: String,
    marks: HashSet<String>,
}

impl Seen {
    /// Reads a cursor; none is that of the first page.
    pub(crate) fn read(cursor: Option<&str>) -> Self {
        let cursor = cursor.unwrap_or_default().to_owned();
        let marks = cursor.as_bytes().chunks(CHARS).map(|mark| String::from_utf8_lossy(mark).into_owned()).collect();
        Self { cursor, marks }
    }

    /// Whether no page has shown it yet.
    pub(crate) fn lacks(&self, id: &AssignmentId) -> bool {
        !self.marks.contains(&mark(id))
    }

    /// The cursor of the next page.
    pub(crate) fn with<'a>(&self, shown: impl Iterator<Item = &'a AssignmentId>) -> String {
        self.cursor.clone() + &shown.map(mark).collect::<String>()
    }
}

fn mark(id: &AssignmentId) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(id.as_str())[..BYTES])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pages_have_shown_is_seen_and_nothing_else() {
        let ids = ["a", "b", "c"].map(AssignmentId::trusted);
        let first = Seen::read(None).with(ids[..1].iter());
        let second = Seen::read(Some(&first)).with(ids[1..2].iter());
        let lacks = |cursor: &str| ids.each_ref().map(|id| Seen::read(Some(cursor)).lacks(id));
        assert_eq!(ids.each_ref().map(|id| Seen::read(None).lacks(id)), [true, true, true]);
        assert_eq!(lacks(&first), [false, true, true]);
        assert_eq!(lacks(&second), [false, false, true]);
    }
}
