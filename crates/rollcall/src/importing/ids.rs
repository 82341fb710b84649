//! Ids and names that the API takes, made from the names that people chose.

use std::collections::HashSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What an id may have at most.
const MAX: usize = 63;
/// Taken by the assignment that every organization has.
const DEFAULT: &str = "default";
/// What needs no encoding in a resource's name (RFC 3986's unreserved characters).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The name of a resource whose last part comes from the identity provider.
pub(super) fn resource(parent: &str, collection: &str, id: &str) -> String {
    format!("{parent}/{collection}/{}", utf8_percent_encode(id, ENCODED))
}

/// An id for each assignment, made from its name; the same names always get the same ids.
pub(super) fn assignment_ids<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = HashSet::from([DEFAULT.to_owned()]);
    let ids = names.enumerate().map(|(index, name)| {
        let id = unique(&slug(name, index + 1), &taken);
        taken.insert(id.clone());
        id
    });
    ids.collect()
}

/// `Sales EMEA & Co.` becomes `sales-emea-co`; a name without ASCII letters becomes `assignment-<number>`.
fn slug(name: &str, number: usize) -> String {
    let lower = name.to_ascii_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words = words.collect::<Vec<_>>().join("-");
    match words.chars().next() {
        Some(first) if first.is_ascii_lowercase() => shortened(&words, MAX),
        _ if words.contains(|c: char| c.is_ascii_lowercase()) => shortened(&format!("assignment-{words}"), MAX),
        _ => format!("assignment-{number}"),
    }
}

/// The slug, with `-2`, `-3` and so on where it is taken.
fn unique(slug: &str, taken: &HashSet<String>) -> String {
    let mut id = slug.to_owned();
    let mut number = 1;
    while taken.contains(&id) {
        number += 1;
        let suffix = format!("-{number}");
        id = format!("{}{suffix}", shortened(slug, MAX - suffix.len()));
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
        assert_eq!(resource("organizations/acme", "groups", "a/b c~é"), "organizations/acme/groups/a%2Fb%20c~%C3%A9");
    }
}
