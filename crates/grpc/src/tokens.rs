//! Opaque tokens: of revisions, and of the pages of lists.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rollcall_domain::{OrganizationId, Violation};
use sha2::Sha256;

const VERSION: u8 = 1;
const SIGNATURE: usize = 16;

/// Returns the token of a revision.
pub(crate) fn revision(organization: &OrganizationId, revision: i64) -> String {
    URL_SAFE_NO_PAD.encode(format!("{VERSION}:{revision}:{organization}"))
}

/// Returns the revision of a token of an organization; `None` for an empty token. Without an organization, because its
/// name is malformed, the token of any organization is accepted.
///
/// # Errors
/// A violation when the token is of another organization or of none.
pub(crate) fn parse_revision(organization: Option<&OrganizationId>, token: &str) -> Result<Option<i64>, Violation> {
    if token.is_empty() {
        return Ok(None);
    }
    let decoded = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let revision = decoded.as_deref().and_then(|text| {
        let (version, rest) = text.split_once(':')?;
        let (revision, found) = rest.split_once(':')?;
        let own = organization.is_none_or(|organization| found == organization.as_str());
        (version == VERSION.to_string() && own).then(|| revision.parse().ok())?
    });
    let of = organization.map_or_else(|| "an organization".to_owned(), ToString::to_string);
    let description = format!("this is not a revision token of {of}; take one from its answers");
    revision.map(Some).ok_or_else(|| Violation::invalid("", description))
}

/// Makes and reads page tokens. A token is signed, so that a caller cannot invent one, and bound to one list.
#[derive(Clone)]
pub(crate) struct PageTokens {
    key: Hmac<Sha256>,
}

impl PageTokens {
    /// Takes the key that all replicas of an installation share.
    pub(crate) fn new(key: &[u8]) -> Self {
        // HMAC takes a key of any length; the error exists for other algorithms.
        Self { key: Hmac::new_from_slice(key).unwrap_or_else(|_| unreachable!("hmac takes any key")) }
    }

    /// Returns the token of the page after `cursor`. The list is the RPC with its encoded arguments.
    pub(crate) fn make(&self, method: &str, arguments: &[u8], cursor: &str) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(&self.sign(method, arguments, cursor)[..SIGNATURE]);
        bytes.extend(cursor.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns the cursor of a token; `None` for the first page, which has no token.
    ///
    /// # Errors
    /// A violation when the token is not one of this list.
    pub(crate) fn read(&self, method: &str, arguments: &[u8], token: &str) -> Result<Option<String>, Violation> {
        if token.is_empty() {
            return Ok(None);
        }
        let cursor = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| {
            let (signature, cursor) = bytes.strip_prefix(&[VERSION])?.split_at_checked(SIGNATURE)?;
            let cursor = String::from_utf8(cursor.to_vec()).ok()?;
            self.keyed(method, arguments, &cursor).verify_truncated_left(signature).ok()?;
            Some(cursor)
        });
        let description = "this is not a page token of this list with these arguments; start again without one";
        cursor.map(Some).ok_or_else(|| Violation::invalid("page_token", description))
    }

    fn sign(&self, method: &str, arguments: &[u8], cursor: &str) -> Vec<u8> {
        self.keyed(method, arguments, cursor).finalize().into_bytes().to_vec()
    }

    fn keyed(&self, method: &str, arguments: &[u8], cursor: &str) -> Hmac<Sha256> {
        let mut mac = self.key.clone();
        for part in [method.as_bytes(), arguments, cursor.as_bytes()] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_token_is_good_for_its_own_list_only() {
        let tokens = PageTokens::new(b"key");
        let token = tokens.make("ListMembers", b"organizations/a", "m0042");
        let read = |tokens: &PageTokens, method: &str, parent: &str, token: &str| {
            tokens.read(method, parent.as_bytes(), token).ok().flatten()
        };
        assert_eq!(read(&tokens, "ListMembers", "organizations/a", &token).as_deref(), Some("m0042"));
        assert_eq!(read(&tokens, "ListMembers", "organizations/b", &token), None);
        assert_eq!(read(&tokens, "ListGroups", "organizations/a", &token), None);
        assert_eq!(read(&PageTokens::new(b"other"), "ListMembers", "organizations/a", &token), None);
        assert_eq!(read(&tokens, "ListMembers", "organizations/a", &token[1..]), None);
    }

    #[test]
    fn a_revision_token_belongs_to_its_organization() {
        let (a, b) = (OrganizationId::trusted("a"), OrganizationId::trusted("b"));
        let token = revision(&a, 42);
        assert_eq!(parse_revision(Some(&a), &token), Ok(Some(42)));
        assert_eq!(parse_revision(Some(&a), ""), Ok(None));
        assert!(parse_revision(Some(&b), &token).is_err());
        assert!(parse_revision(Some(&a), "nonsense").is_err());
        assert!(parse_revision(None, "nonsense").is_err());
    }
}
