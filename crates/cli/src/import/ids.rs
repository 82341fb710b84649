//! Ids and resource names of the API, made from the names in the folder.

use std::collections::HashSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The maximum length of an id.
const MAX_LENGTH: usize = 63;
/// The id of the assignment that every organization has.
const DEFAULT_ID: &str = "default";
/// All characters except the unreserved ones of RFC 3986, which a resource name contains unencoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Returns the name of a resource. `id` comes from the identity provider and is percent-encoded.
#[must_use]
pub fn resource_name(parent: &str, collection: &str, id: &str) -> String {
    format!("{parent}/{collection}/{}", utf8_percent_encode(id, ENCODED))
}

/// Returns an id for each assignment, made from its name. The same names always get the same ids.
#[must_use]
pub fn assignment_ids<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut used = HashSet::from([DEFAULT_ID.to_owned()]);
    let ids = names.enumerate().map(|(index, name)| {
        let id = unique(&slug(name, index + 1), &used);
        used.insert(id.clone());
        id
    });
    ids.collect()
}

/// Returns `sales-emea-co` for `Sales EMEA & Co.`, and `assignment-<number>` for a name without ASCII letters.
fn slug(name: &str, number: usize) -> String {
    let lower = name.to_ascii_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words = words.collect::<Vec<_>>().join("-");
    match words.chars().next() {
        Some(first) if first.is_ascii_lowercase() => shortened(&words, MAX_LENGTH),
        _ if words.contains(|c: char| c.is_ascii_lowercase()) => shortened(&format!("assignment-{words}"), MAX_LENGTH),
        _ => format!("assignment-{number}"),
    }
}

/// Returns the slug, followed by `-2`, `-3` and so on if the id exists already.
fn unique(slug: &str, used: &HashSet<String>) -> String {
    let numbered = (2..).map(|number| {
        let suffix = format!("-{number}");
        shortened(slug, MAX_LENGTH - suffix.len()) + &suffix
    });
    let mut ids = [slug.to_owned()].into_iter().chain(numbered);
    ids.find(|id| !used.contains(id)).unwrap_or_default()
}

fn shortened(slug: &str, length: usize) -> String {
    slug.chars().take(length).collect::<String>().trim_end_matches('-').to_owned()
}
