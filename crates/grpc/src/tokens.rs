//! Opaque tokens: revisions, and the pages of lists.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use prost::Message;
use rollcall_domain::{OrganizationId, Violation};
use sha2::Sha256;

const VERSION: u8 = 1;
const SIGNATURE: usize = 16;

/// The token of an organization's revision.
pub(crate) fn revision(organization: &OrganizationId, revision: i64) -> String {
    URL_SAFE_NO_PAD.encode(format!("{VERSION}:{revision}:{organization}"))
}

/// Reads a revision token of this organization back; empty means none was given. Where the organization's own name is bad,
/// the token must at least be one.
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
    revision.map(Some).ok_or_else(|| Violation::invalid("at_least_revision", description))
}

/// Signs page tokens, so that a caller cannot make one up, and binds them to the list they are of.
#[derive(Clone)]
pub(crate) struct PageTokens {
    key: Hmac<Sha256>,
}

impl PageTokens {
    /// All replicas of an installation share the key.
    pub(crate) fn new(key: &[u8]) -> Self {
        // HMAC takes a key of any length; the error type is there for other algorithms.
        Self { key: Hmac::new_from_slice(key).unwrap_or_else(|_| unreachable!("hmac takes any key")) }
    }

    /// The token of the page after `cursor` of the list that `method` and `arguments` say.
    pub(crate) fn make(&self, method: &str, arguments: &impl Message, cursor: &str) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(&self.sign(method, arguments, cursor)[..SIGNATURE]);
        bytes.extend(cursor.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The cursor of a token for the same list; `None` for the first page.
    pub(crate) fn read(
        &self,
        method: &str,
        arguments: &impl Message,
        token: &str,
    ) -> Result<Option<String>, Violation> {
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

    fn sign(&self, method: &str, arguments: &impl Message, cursor: &str) -> Vec<u8> {
        self.keyed(method, arguments, cursor).finalize().into_bytes().to_vec()
    }

    fn keyed(&self, method: &str, arguments: &impl Message, cursor: &str) -> Hmac<Sha256> {
        let mut mac = self.key.clone();
        for part in [method.as_bytes(), &arguments.encode_to_vec(), cursor.as_bytes()] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

const PAGE_DEFAULT: u32 = 100;
const PAGE_MAX: u32 = 1_000;

/// How many to answer: 0 means the default, too many is lowered.
pub(crate) fn page_size(asked: i32) -> Result<u32, Violation> {
    match u32::try_from(asked) {
        Ok(0) => Ok(PAGE_DEFAULT),
        Ok(asked) => Ok(asked.min(PAGE_MAX)),
        Err(_) => Err(Violation::invalid("page_size", format!("the page size must not be negative, and is {asked}"))),
    }
}

#[cfg(test)]
mod tests {
    use rollcall_proto::v1::ListMembersRequest;

    use super::*;

    fn arguments(parent: &str) -> ListMembersRequest {
        ListMembersRequest { parent: parent.to_owned(), ..ListMembersRequest::default() }
    }

    #[test]
    fn a_page_token_is_good_for_its_own_list_only() {
        let tokens = PageTokens::new(b"key");
        let token = tokens.make("ListMembers", &arguments("organizations/a"), "m0042");
        let read = |tokens: &PageTokens, method: &str, parent: &str, token: &str| {
            tokens.read(method, &arguments(parent), token).ok().flatten()
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

    #[test]
    fn page_sizes_are_defaulted_lowered_and_refused() {
        assert_eq!(page_size(0), Ok(100));
        assert_eq!(page_size(7), Ok(7));
        assert_eq!(page_size(5_000), Ok(1_000));
        assert!(page_size(-1).is_err());
    }
}
