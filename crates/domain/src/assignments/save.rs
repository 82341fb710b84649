//! Checks that creating and updating an assignment have in common.

use super::{
    Assignment,
    input::{Groups, bad_name, missing_groups},
};
use crate::{GroupId, Refusal, Violation, catalog::Catalog};

/// Lists what is wrong with an assignment as it would be saved. The settings are only checked if a `catalog` is given: the
/// stored settings of an assignment stay valid.
pub(super) fn violations(assignment: &Assignment, catalog: Option<&Catalog>) -> Vec<Violation> {
    let groups = if assignment.id.is_default() { Groups::Optional } else { Groups::Required };
    let mut found: Vec<Violation> = bad_name(&assignment.display_name).into_iter().collect();
    found.extend(missing_groups(&assignment.groups, groups));
    let of_settings = catalog.into_iter().flat_map(|catalog| catalog.check(&assignment.settings));
    found.extend(of_settings.map(|violation| violation.at("assignment.settings")));
    found
}

/// A position is a rank from 1 to `last`.
pub(super) fn bad_position(position: u32, last: u32) -> Option<Violation> {
    let description = format!("the position must be from 1 to {last}, not {position}");
    (!(1..=last).contains(&position)).then(|| Violation::invalid("position", description))
}

pub(super) fn refuse_unknown_group(unknown: Option<GroupId>) -> Result<(), Refusal> {
    unknown.map_or(Ok(()), |group| Err(Refusal::GroupNotFound(group)))
}
