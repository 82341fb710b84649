//! What settings can choose from, and what of them a catalog does not allow (product.md 6).

use serde_json::Value;

use super::{Model, Refused, items, text};

impl Model {
    /// Replaces the catalog: an entry in use cannot go.
    ///
    /// # Errors
    /// Why it is not allowed.
    pub fn update_catalog(&mut self, catalog: &Value) -> Result<(), Refused> {
        let given = || {
            let assignments = self.assignments.iter().map(|assignment| &assignment.settings);
            assignments.chain(self.members.values().map(|member| &member.settings))
        };
        for settings in given() {
            for entry in entries_of(settings) {
                if has(&self.catalog, &entry) && !has(catalog, &entry) {
                    return Err("CATALOG_ENTRY_IN_USE".to_owned());
                }
            }
        }
        let parts = ["seat_types", "workspaces"].map(|part| (part, catalog[part].clone()));
        self.catalog = parts.into_iter().filter(|(_, part)| !part.is_null()).collect();
        Ok(())
    }

    /// How many seats of a type there are; `None` for no limit.
    #[must_use]
    pub fn total_of(&self, seat: &str) -> Option<usize> {
        let known = items(&self.catalog["seat_types"]).find(|known| known["seat_type"] == seat)?;
        usize::try_from(known["total"].as_u64()?).ok()
    }

    /// What is wrong with settings, by the words in the contract.
    pub(super) fn violations_of(&self, settings: &Value) -> Vec<&'static str> {
        let mut found = contradictions_of(settings);
        for entry in entries_of(settings) {
            if !has(&self.catalog, &entry) {
                found.push(if matches!(entry, Entry::Seat(_)) {
                    "UNKNOWN_SEAT_TYPE"
                } else {
                    "UNKNOWN_PERMISSION_PROFILE"
                });
            }
        }
        let gives = |seat: &Value| items(&settings["seats"]).any(|given| given == seat);
        for seat in items(&self.catalog["seat_types"]).filter(|seat| gives(&seat["seat_type"])) {
            found.extend(
                items(&seat["requires"]).filter(|required| !gives(required)).map(|_| "SEAT_PREREQUISITE_MISSING"),
            );
        }
        found
    }
}

/// What settings both ask for and prevent.
pub(super) fn contradictions_of(settings: &Value) -> Vec<&'static str> {
    let capture = &settings["data_capture"];
    let both =
        [("web_conferences_recorded", "prevent_web_conference_recording"), ("emails_imported", "prevent_email_import")];
    let both = both.into_iter().filter(|(one, other)| capture[*one] == true && capture[*other] == true);
    both.map(|_| "CONTRADICTORY_DATA_CAPTURE").collect()
}

enum Entry {
    Seat(String),
    Workspace(String),
    Profile(String, String),
}

/// What settings have of a catalog.
fn entries_of(settings: &Value) -> Vec<Entry> {
    let seats = items(&settings["seats"]).map(|seat| Entry::Seat(text(seat)));
    let home = settings["home_workspace"].as_str().map(|home| Entry::Workspace(home.to_owned()));
    let permissions = settings["permissions"].as_object().into_iter().flatten();
    let permissions = permissions.map(|(workspace, profile)| Entry::Profile(workspace.clone(), text(profile)));
    seats.chain(home).chain(permissions).collect()
}

fn has(catalog: &Value, entry: &Entry) -> bool {
    let workspace = |id: &str| items(&catalog["workspaces"]).find(|workspace| workspace["workspace"] == id);
    match entry {
        Entry::Seat(id) => items(&catalog["seat_types"]).any(|seat| seat["seat_type"] == id.as_str()),
        Entry::Workspace(id) => workspace(id).is_some(),
        Entry::Profile(id, profile) => {
            workspace(id).is_some_and(|found| items(&found["profiles"]).any(|p| p["profile"] == profile.as_str()))
        }
    }
}
