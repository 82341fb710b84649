//! Update masks (AIP-134, 161): which fields of a request are taken.

use std::collections::BTreeSet;

use prost_types::FieldMask;
use rollcall_domain::Violation;

use crate::checks::Checks;

/// What an update takes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mask {
    /// No mask: every populated field.
    Populated,
    /// The named fields, in snake case.
    Fields(BTreeSet<String>),
}

impl Mask {
    /// Reads a mask whose paths must be among `allowed`; `*` names them all. Both spellings are valid: `updateMode` as in
    /// JSON and `update_mode` as in proto. A mask with bad paths still selects its good ones, so that their values are
    /// checked too.
    pub(crate) fn read(
        checks: &mut Checks,
        mask: Option<FieldMask>,
        allowed: &[&str],
        refuse: impl Fn(&str) -> Option<Violation>,
    ) -> Self {
        let (mask, found) = Self::parse(mask, allowed, refuse);
        checks.extend(found);
        mask
    }

    fn parse(
        mask: Option<FieldMask>,
        allowed: &[&str],
        refuse: impl Fn(&str) -> Option<Violation>,
    ) -> (Self, Vec<Violation>) {
        let Some(mask) = mask.filter(|mask| !mask.paths.is_empty()) else { return (Self::Populated, Vec::new()) };
        let mut fields = BTreeSet::new();
        let mut found = Vec::new();
        for path in &mask.paths {
            let path = snake_case(path);
            if path == "*" {
                fields.extend(allowed.iter().map(|field| (*field).to_owned()));
            } else if let Some(violation) = refuse(&path) {
                found.push(violation);
            } else if allowed.contains(&path.as_str()) {
                fields.insert(path);
            } else {
                let description =
                    format!("`{path}` is not a field that can be updated; those are {}", allowed.join(", "));
                found.push(Violation::invalid("update_mask", description));
            }
        }
        (Self::Fields(fields), found)
    }

    /// Whether a mask is for all of the message: there is none, or it has `*`.
    pub(crate) fn is_of_all(mask: Option<&FieldMask>) -> bool {
        mask.is_none_or(|mask| mask.paths.is_empty() || mask.paths.iter().any(|path| path == "*"))
    }

    /// Whether a field is taken: it is named, or there is no mask and it is populated.
    pub(crate) fn takes(&self, field: &str, populated: bool) -> bool {
        match self {
            Self::Populated => populated,
            Self::Fields(fields) => fields.contains(field),
        }
    }

    /// Whether the mask names a field, or the message that it is in.
    pub(crate) fn names(&self, field: &str) -> bool {
        matches!(self, Self::Fields(fields) if fields.contains(field))
    }

    /// Whether there is a mask.
    pub(crate) fn is_given(&self) -> bool {
        matches!(self, Self::Fields(_))
    }
}

fn snake_case(path: &str) -> String {
    let mut snake = String::with_capacity(path.len());
    for c in path.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(paths: &[&str]) -> (Mask, Vec<Violation>) {
        let mask = FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() };
        Mask::parse(Some(mask), &["display_name", "update_mode"], |_| None)
    }

    #[test]
    fn both_spellings_are_taken() {
        assert_eq!(parse(&["updateMode"]), parse(&["update_mode"]));
    }

    #[test]
    fn a_star_names_every_field() {
        assert_eq!(parse(&["*"]), parse(&["display_name", "update_mode"]));
    }

    #[test]
    fn unknown_paths_are_all_reported() {
        let (mask, found) = parse(&["rank", "nonsense", "update_mode"]);
        assert_eq!((mask, found.len()), (parse(&["update_mode"]).0, 2));
    }
}
