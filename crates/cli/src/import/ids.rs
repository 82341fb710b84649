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
pub(super) fn resource_name(parent: &str, collection: &str, id: &str) -> String {
    format!("{parent}/{collection}/{}", utf8_percent_encode(id, ENCODED))
}

/// Returns an id for each assignment, made from its name. The same names always get the same ids.
pub(super) fn assignment_ids<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = HashSet::from([DEFAULT_ID.to_owned()]);
    let ids = names.enumerate().map(|(index, name)| {
        let id = unique(&slug(name, index + 1), &taken);
        taken.insert(id.clone());
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

/// Returns the slug, followed by `-2`, `-3` and so on if it is taken.
fn unique(slug: &str, taken: &HashSet<String>) -> String {
    let mut id = slug.to_owned();
    let mut number = 1;
    while taken.contains(&id) {
        number += 1;
        let suffix = format!("-{number}");
        id = format!("{}{suffix}", shortened(slug, MAX_LENGTH - suffix.len()));
    }
    id
}

fn shortened(slug: &str, length: usize) -> String {
    slug.chars().take(length).collect::<String>().trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use rollcall_domain::AssignmentId;

    use super::*;

    fn ids(names: &[&str]) -> Vec<String> {
        assignment_ids(names.iter().copied())
    }

    #[test]
    fn names_become_ids() {
        assert_eq!(
            ids(&["Sales EMEA & Co.", "Équipe Ventes", "2nd line", "営業", "  R&D  "]),
            ["sales-emea-co", "quipe-ventes", "assignment-2nd-line", "assignment-4", "r-d"]
        );
    }

    #[test]
    fn ids_are_unique() {
        assert_eq!(
            ids(&["Sales", "sales", "SALES!", "Sales 2", "Default"]),
            ["sales", "sales-2", "sales-3", "sales-2-2", "default-2"]
        );
    }

    #[test]
    fn ids_are_always_valid() {
        let long = "x".repeat(80);
        let edge = format!("{} y", "x".repeat(62));
        for id in ids(&[&long, &long, &edge, &edge, "", "1", "-", "ß", "a"]) {
            assert!(AssignmentId::parse(&id).is_ok(), "{id}");
        }
    }

    #[test]
    fn external_ids_are_encoded_in_names() {
        assert_eq!(
            resource_name("organizations/acme", "groups", "a/b c~é"),
            "organizations/acme/groups/a%2Fb%20c~%C3%A9"
        );
    }
}
