//! The catalog of an organization: the seat types, workspaces and permission profiles that assignments can choose from.

mod replace;

use std::collections::{BTreeMap, BTreeSet};

pub use replace::{CatalogEntry, CatalogUse, ReplaceCatalog};

use crate::{
    ids::check_text,
    settings::Settings,
    violation::{Violation, ViolationKind},
};

const ENTRIES_MAX: usize = 200;

/// The catalog. It is one document, which is replaced as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Catalog {
    /// The seat types.
    pub seat_types: Vec<SeatType>,
    /// The workspaces.
    pub workspaces: Vec<Workspace>,
}

/// A kind of licence that a member can hold.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SeatType {
    /// For example `gong`.
    pub id: String,
    /// The name, as people write it.
    pub display_name: String,
    /// The seat types that a member must have to be given this one.
    pub requires: Vec<String>,
    /// How many seats the organization has; `None` for no limit. Older documents have no totals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u32>,
}

impl SeatType {
    /// The required seat types that the settings do not give.
    fn unmet<'a>(&'a self, settings: &'a Settings) -> impl Iterator<Item = &'a str> {
        self.requires.iter().filter(|required| !settings.seats.contains(*required)).map(String::as_str)
    }
}

/// A part of the organization.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Workspace {
    /// For example `emea`.
    pub id: String,
    /// The name, as people write it.
    pub display_name: String,
    /// The permission profiles of the workspace.
    pub profiles: Vec<Profile>,
}

/// A named set of permissions inside one workspace.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Profile {
    /// Unique in its workspace.
    pub id: String,
    /// The name, as people write it.
    pub display_name: String,
}

impl Catalog {
    /// Lists what is wrong with the document itself. Field paths are relative to the document.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        let seats = self.seat_types.iter().map(|seat| (seat.id.as_str(), seat.display_name.as_str()));
        check_entries(&mut found, "seat_types", "seat_type", seats);
        let known: BTreeSet<&str> = self.seat_types.iter().map(|seat| seat.id.as_str()).collect();
        for (index, seat) in self.seat_types.iter().enumerate() {
            for required in seat.requires.iter().filter(|r| !known.contains(r.as_str()) || **r == seat.id) {
                found.push(
                    Violation::new(
                        ViolationKind::UnknownSeatType,
                        format!("seat_types[{index}].requires"),
                        format!("`{}` requires `{required}`, which must be another seat type of this catalog", seat.id),
                    )
                    .with("seat_type", required),
                );
            }
        }
        let workspaces = self.workspaces.iter().map(|w| (w.id.as_str(), w.display_name.as_str()));
        check_entries(&mut found, "workspaces", "workspace", workspaces);
        for (index, workspace) in self.workspaces.iter().enumerate() {
            let profiles = workspace.profiles.iter().map(|p| (p.id.as_str(), p.display_name.as_str()));
            check_entries(&mut found, &format!("workspaces[{index}].profiles"), "profile", profiles);
        }
        found
    }

    /// Lists what the settings ask for that this catalog does not have, and required seats that they lack (product.md 6).
    /// Field paths are relative to the settings.
    #[must_use]
    pub fn check(&self, settings: &Settings) -> Vec<Violation> {
        let mut found = settings.violations();
        for seat in &settings.seats {
            match self.seat_types.iter().find(|known| known.id == *seat) {
                None => found.push(unknown_seat(seat)),
                Some(known) => found.extend(known.unmet(settings).map(|required| missing_prerequisite(seat, required))),
            }
        }
        if let Some(home) = settings.home_workspace.as_deref().filter(|home| self.workspace(home).is_none()) {
            found.push(unknown_profile("home_workspace", home, None));
        }
        for (workspace, profile) in &settings.permissions {
            let known = self.workspace(workspace);
            if !known.is_some_and(|w| w.profiles.iter().any(|p| p.id == *profile)) {
                found.push(unknown_profile("permissions", workspace, Some(profile)));
            }
        }
        found
    }

    /// The seats that the settings give without a seat that they require, each with the required one.
    #[must_use]
    pub fn unmet_requirements<'a>(&'a self, settings: &'a Settings) -> Vec<(&'a str, &'a str)> {
        let given = self.seat_types.iter().filter(|seat| settings.seats.contains(&seat.id));
        given.flat_map(|seat| seat.unmet(settings).map(|required| (seat.id.as_str(), required))).collect()
    }

    /// The total of each seat type that has one.
    #[must_use]
    pub fn totals(&self) -> BTreeMap<&str, u32> {
        self.seat_types.iter().filter_map(|seat| Some((seat.id.as_str(), seat.total?))).collect()
    }

    /// The seat types whose total differs from the one in `before`, with the new total; `None` for no limit. Members who
    /// wait for such a seat may be granted it. A seat type without a total in `before` has no waiting members.
    #[must_use]
    pub fn changed_totals(&self, before: &Self) -> BTreeMap<&str, Option<u32>> {
        let had = before.totals();
        let changed = |seat: &&SeatType| had.get(seat.id.as_str()).is_some_and(|had| Some(*had) != seat.total);
        self.seat_types.iter().filter(changed).map(|seat| (seat.id.as_str(), seat.total)).collect()
    }

    fn workspace(&self, id: &str) -> Option<&Workspace> {
        self.workspaces.iter().find(|workspace| workspace.id == id)
    }
}

fn unknown_seat(seat: &str) -> Violation {
    let description = format!("there is no seat type `{seat}`; add it to the catalog first");
    Violation::new(ViolationKind::UnknownSeatType, "seats", description).with("seat_type", seat)
}

fn missing_prerequisite(seat: &str, required: &str) -> Violation {
    let description = format!("the seat `{seat}` requires the seat `{required}`; give both");
    Violation::new(ViolationKind::SeatPrerequisiteMissing, "seats", description)
        .with("seat_type", seat)
        .with("requires", required)
}

fn unknown_profile(field: &str, workspace: &str, profile: Option<&str>) -> Violation {
    let description = match profile {
        Some(profile) => format!("the workspace `{workspace}` has no profile `{profile}`; add it to the catalog first"),
        None => format!("there is no workspace `{workspace}`; add it to the catalog first"),
    };
    Violation::new(ViolationKind::UnknownPermissionProfile, field, description)
        .with("workspace", workspace)
        .with("profile", profile.unwrap_or_default())
}

fn check_entries<'a>(
    found: &mut Vec<Violation>,
    list: &str,
    key: &str,
    entries: impl ExactSizeIterator<Item = (&'a str, &'a str)>,
) {
    if entries.len() > ENTRIES_MAX {
        found.push(Violation::invalid(list, format!("at most {ENTRIES_MAX} entries, not {}", entries.len())));
    }
    let mut seen = BTreeSet::new();
    for (index, (id, display_name)) in entries.enumerate() {
        let field = format!("{list}[{index}].{key}");
        if !is_catalog_id(id) {
            let description = format!(
                "`{id}` must be 1 to 63 of a-z, 0-9, - and _, start with a letter and end with a letter or digit"
            );
            found.push(Violation::invalid(&field, description));
        }
        if !seen.insert(id) {
            found.push(Violation::invalid(&field, format!("`{id}` is repeated; give each id once")));
        }
        found.extend(
            check_text(display_name, "display name", 0, 200)
                .err()
                .map(|v| v.at(&format!("{list}[{index}].display_name"))),
        );
    }
}

fn is_catalog_id(id: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    (1..=63).contains(&id.len())
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.chars().all(inner)
        && !id.ends_with(['-', '_'])
}
