//! Parses update masks (AIP-134, 161) to the field selection of the domain.

use std::collections::BTreeSet;

use prost_types::FieldMask;
use rollcall_domain::{FieldSelection, Violation};

use crate::checks::Checks;

/// Parses a mask whose paths must be among `allowed`. Both spellings are valid: `updateMode` as in JSON and `update_mode`
/// as in proto. `refuse` gives the violation of a path for which there is a better answer than "unknown field". A mask with
/// bad paths still selects its good ones, so that their values are checked too.
///
/// Without a mask, the selection is the populated fields; `written` are the paths of the fields with presence that the
/// request has.
pub(crate) fn parse_mask(
    checks: &mut Checks,
    mask: Option<FieldMask>,
    written: BTreeSet<String>,
    allowed: &[&str],
    refuse: impl Fn(&str) -> Option<Violation>,
) -> FieldSelection {
    let (selection, found) = parse(mask, written, allowed, refuse);
    checks.extend(found);
    selection
}

fn parse(
    mask: Option<FieldMask>,
    written: BTreeSet<String>,
    allowed: &[&str],
    refuse: impl Fn(&str) -> Option<Violation>,
) -> (FieldSelection, Vec<Violation>) {
    let Some(mask) = mask.filter(|mask| !mask.paths.is_empty()) else {
        return (FieldSelection::Populated(written), Vec::new());
    };
    let (mut fields, mut found) = (BTreeSet::new(), Vec::new());
    let mut all = false;
    for path in &mask.paths {
        let path = snake_case(path);
        if path == "*" {
            all = true;
        } else if let Some(violation) = refuse(&path) {
            found.push(violation);
        } else if allowed.contains(&path.as_str()) {
            fields.insert(path);
        } else {
            let description = format!("`{path}` is not a field that can be updated; those are {}", allowed.join(", "));
            found.push(Violation::invalid("update_mask", description));
        }
    }
    (if all { FieldSelection::All } else { FieldSelection::Named(fields) }, found)
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

    fn parsed(paths: &[&str]) -> (FieldSelection, Vec<Violation>) {
        let mask = FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() };
        parse(Some(mask), BTreeSet::new(), &["display_name", "update_mode"], |_| None)
    }

    #[test]
    fn both_spellings_are_taken() {
        assert_eq!(parsed(&["updateMode"]), parsed(&["update_mode"]));
    }

    #[test]
    fn a_star_selects_every_field() {
        assert_eq!(parsed(&["*"]), (FieldSelection::All, vec![]));
        assert_eq!(parsed(&["display_name", "*"]), (FieldSelection::All, vec![]));
    }

    #[test]
    fn unknown_paths_are_all_reported() {
        let (selection, found) = parsed(&["rank", "nonsense", "update_mode"]);
        assert_eq!((selection, found.len()), (parsed(&["update_mode"]).0, 2));
    }
}
