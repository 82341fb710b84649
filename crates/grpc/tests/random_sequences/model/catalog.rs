//! The catalog, and the settings that a catalog does not allow (product.md 6).

use serde_json::Value;

use super::{Model, RefusalReason, items, text};

impl Model {
    /// Replaces the catalog. An entry in use cannot be removed.
    pub(crate) fn update_catalog(&mut self, catalog: &Value) -> Result<(), RefusalReason> {
        let all_settings = || {
            let assignments = self.assignments.iter().map(|assignment| &assignment.settings);
            assignments.chain(self.members.values().map(|member| &member.settings))
        };
        for settings in all_settings() {
            for entry in catalog_entries_of(settings) {
                if has(&self.catalog, &entry) && !has(catalog, &entry) {
                    return Err("CATALOG_ENTRY_IN_USE".to_owned());
                }
            }
        }
        let parts = ["seat_types", "workspaces"].map(|part| (part, catalog[part].clone()));
        self.catalog = parts.into_iter().filter(|(_, part)| !part.is_null()).collect();
        Ok(())
    }

    /// Returns the total of a seat type. `None` means unlimited.
    pub(crate) fn seat_total(&self, seat: &str) -> Option<usize> {
        let known = items(&self.catalog["seat_types"]).find(|known| known["seat_type"] == seat)?;
        usize::try_from(known["total"].as_u64()?).ok()
    }

    /// Returns the violations in settings, as reasons of the contract.
    pub(crate) fn settings_violations(&self, settings: &Value) -> Vec<&'static str> {
        let mut found = data_capture_contradictions(settings);
        for entry in catalog_entries_of(settings) {
            if !has(&self.catalog, &entry) {
                found.push(if matches!(entry, ModelCatalogEntry::Seat(_)) {
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

/// Returns one violation for each pair of data capture flags that contradict each other.
pub(crate) fn data_capture_contradictions(settings: &Value) -> Vec<&'static str> {
    let capture = &settings["data_capture"];
    let both =
        [("web_conferences_recorded", "prevent_web_conference_recording"), ("emails_imported", "prevent_email_import")];
    let both = both.into_iter().filter(|(one, other)| capture[*one] == true && capture[*other] == true);
    both.map(|_| "CONTRADICTORY_DATA_CAPTURE").collect()
}

enum ModelCatalogEntry {
    Seat(String),
    Workspace(String),
    Profile(String, String),
}

/// Returns the catalog entries that settings use.
fn catalog_entries_of(settings: &Value) -> Vec<ModelCatalogEntry> {
    let seats = items(&settings["seats"]).map(|seat| ModelCatalogEntry::Seat(text(seat)));
    let home = settings["home_workspace"].as_str().map(|home| ModelCatalogEntry::Workspace(home.to_owned()));
    let permissions = settings["permissions"].as_object().into_iter().flatten();
    let permissions =
        permissions.map(|(workspace, profile)| ModelCatalogEntry::Profile(workspace.clone(), text(profile)));
    seats.chain(home).chain(permissions).collect()
}

fn has(catalog: &Value, entry: &ModelCatalogEntry) -> bool {
    let workspace = |id: &str| items(&catalog["workspaces"]).find(|workspace| workspace["workspace"] == id);
    match entry {
        ModelCatalogEntry::Seat(id) => items(&catalog["seat_types"]).any(|seat| seat["seat_type"] == id.as_str()),
        ModelCatalogEntry::Workspace(id) => workspace(id).is_some(),
        ModelCatalogEntry::Profile(id, profile) => {
            workspace(id).is_some_and(|found| items(&found["profiles"]).any(|p| p["profile"] == profile.as_str()))
        }
    }
}
