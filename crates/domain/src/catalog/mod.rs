//! What an organization's assignments can choose from: seat types, workspaces and profiles.

mod replace;

use std::collections::{BTreeMap, BTreeSet};

pub use replace::{CatalogEntry, CatalogUse, ReplaceCatalog};

use crate::{
    ids::check_text,
    settings::Settings,
    violation::{Violation, ViolationKind},
};

const ENTRIES_MAX: usize = 200;

/// One document, replaced whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Catalog {
    /// Kinds of licences.
    pub seat_types: Vec<SeatType>,
    /// Parts of the organization.
    pub workspaces: Vec<Workspace>,
}

/// A kind of licence that a member can hold.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SeatType {
    /// For example `gong`.
    pub id: String,
    /// As people write it.
    pub display_name: String,
    /// Seat types without which this one cannot be given.
    pub requires: Vec<String>,
    /// How many seats there are; `None` for no limit. Documents from before there were totals have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u32>,
}

impl SeatType {
    /// What it requires and settings that give it do not.
    fn unmet<'a>(&'a self, settings: &'a Settings) -> impl Iterator<Item = &'a str> {
        self.requires.iter().filter(|required| !settings.seats.contains(*required)).map(String::as_str)
    }
}

/// A part of the organization.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Workspace {
    /// For example `emea`.
    pub id: String,
    /// As people write it.
    pub display_name: String,
    /// The permission profiles to choose from.
    pub profiles: Vec<Profile>,
}

/// A named set of permissions inside one workspace.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Profile {
    /// Unique in its workspace.
    pub id: String,
    /// As people write it.
    pub display_name: String,
}

impl Catalog {
    /// What is wrong with the document itself; field paths are relative to it.
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

    /// What settings ask for that this catalog does not have, or not without something else
    /// (product.md 6); field paths are relative to the settings.
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

    /// Seats that settings give without another one that the seat type requires, each with that one.
    #[must_use]
    pub fn unmet_requirements<'a>(&'a self, settings: &'a Settings) -> Vec<(&'a str, &'a str)> {
        let given = self.seat_types.iter().filter(|seat| settings.seats.contains(&seat.id));
        given.flat_map(|seat| seat.unmet(settings).map(|required| (seat.id.as_str(), required))).collect()
    }

    /// The seat types of which there are only so many.
    #[must_use]
    pub fn totals(&self) -> BTreeMap<&str, u32> {
        self.seat_types.iter().filter_map(|seat| Some((seat.id.as_str(), seat.total?))).collect()
    }

    /// The seat types that had a total in `before` and have another one now, or none: members who wait for such a seat
    /// may get it. Before there was a total nobody waited.
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
            found.push(Violation::invalid(&field, format!("`{id}` is there twice")));
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
