//! The cursor of a list in evaluation order. It holds the keys of the items of the pages so far, because the order may
//! change between two pages: each item that stays in the list is still listed exactly once.

use std::collections::HashSet;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// How many bytes of a key's digest are kept: enough to distinguish the items of one list.
const DIGEST_BYTES: usize = 6;

/// The length of these bytes in Base64.
const DIGEST_CHARS: usize = 8;

/// The items that earlier pages have listed.
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

    /// Whether an earlier page has listed the item with the key.
    pub(crate) fn contains(&self, key: &str) -> bool {
        self.digests.contains(&digest(key))
    }

    /// Returns the cursor of the next page, after a page of items with these keys.
    pub(crate) fn with(&self, listed: impl Iterator<Item: AsRef<str>>) -> String {
        self.text.clone() + &listed.map(|key| digest(key.as_ref())).collect::<String>()
    }
}

fn digest(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(key)[..DIGEST_BYTES])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_contains_the_items_of_earlier_pages_only() {
        let keys = ["a", "b", "c"];
        let first = ListCursor::parse(None).with(keys[..1].iter());
        let second = ListCursor::parse(Some(&first)).with(keys[1..2].iter());
        let contains = |cursor: Option<&str>| keys.map(|key| ListCursor::parse(cursor).contains(key));
        assert_eq!(contains(None), [false, false, false]);
        assert_eq!(contains(Some(&first)), [true, false, false]);
        assert_eq!(contains(Some(&second)), [true, true, false]);
    }
}
