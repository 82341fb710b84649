//! The update mask of a request, and the settings that a request gives.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{RefusalReason, empty_settings, items, text};

/// The update mask of a request. `None` if the request has no mask.
pub(crate) struct ModelFieldMask(Option<BTreeSet<String>>);

impl ModelFieldMask {
    /// Reads the mask of a request. Paths are converted to snake case.
    pub(crate) fn of(request: &Value) -> Self {
        let snake = |path: &str| {
            path.chars().fold(String::new(), |path, c| match c.is_uppercase() {
                true => format!("{path}_{}", c.to_lowercase()),
                false => format!("{path}{c}"),
            })
        };
        Self(request["update_mask"].as_str().map(|mask| mask.split(',').map(snake).collect()))
    }

    /// Returns whether the mask names a field.
    pub(crate) fn names(&self, field: &str) -> bool {
        self.0.as_ref().is_some_and(|fields| fields.contains(field))
    }

    /// Returns whether the update changes a field: the mask names it or, without a mask, it is populated.
    pub(crate) fn selects(&self, field: &str, populated: bool) -> bool {
        self.0.as_ref().map_or(populated, |fields| fields.contains(field))
    }

    /// Returns the email export value that an update chooses: the mask names the field or, without a mask,
    /// the value differs from the stored one (4.1).
    pub(crate) fn chosen_value(
        &self,
        given: Option<bool>,
        stored: Option<bool>,
    ) -> Result<Option<bool>, RefusalReason> {
        match (&self.0, given) {
            (None, given) => Ok(given.filter(|_| given != stored)),
            (Some(_), _) if !self.names("email_export") => Ok(None),
            (Some(_), None) if stored.is_some() => Err("EMAIL_EXPORT_REQUIRED".to_owned()),
            (Some(_), given) => Ok(given),
        }
    }

    /// Returns the settings after an update. A mask replaces them; without a mask, given fields are merged.
    pub(crate) fn settings(&self, stored: &Value, request: &Value) -> Value {
        let given = settings_from(request);
        if self.names("settings") {
            return given;
        }
        let mut merged = stored.clone();
        if self.0.is_none() {
            for field in ["seats", "home_workspace", "permissions"] {
                if request[field].is_string() || items(&request[field]).next().is_some() {
                    merged[field] = given[field].clone();
                }
            }
            for (flag, value) in request["data_capture"].as_object().into_iter().flatten() {
                merged["data_capture"][flag] = value.clone();
            }
        }
        merged
    }
}

/// Returns the settings of a request in the format of the model.
pub(crate) fn settings_from(given: &Value) -> Value {
    let mut settings = empty_settings();
    let seats: BTreeSet<String> = items(&given["seats"]).map(text).collect();
    settings["seats"] = json!(seats);
    if let Some(home) = given["home_workspace"].as_str().filter(|home| !home.is_empty()) {
        settings["home_workspace"] = json!(home);
    }
    for permission in items(&given["permissions"]) {
        settings["permissions"][text(&permission["workspace"])] = permission["profile"].clone();
    }
    for (flag, value) in given["data_capture"].as_object().into_iter().flatten() {
        settings["data_capture"][flag] = value.clone();
    }
    settings
}

/// Returns an email export value of the API: `Some(true)` for `EXPORT`, `None` if unspecified.
pub(crate) fn parse_export(value: &Value) -> Option<bool> {
    match value.as_str()? {
        "EMAIL_EXPORT_EXPORT" => Some(true),
        "EMAIL_EXPORT_DO_NOT_EXPORT" => Some(false),
        _ => None,
    }
}
