//! API requests as operations of the model.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    DEFAULT, Model, ModelAssignment, ModelAssignmentEdit, ModelPin, RefusalReason,
    catalog::data_capture_contradictions,
    field_mask::{ModelFieldMask, parse_export, settings_from},
    items,
    sync_rows::email_of,
    text,
};

/// The result of an accepted request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AppliedRequest {
    /// Whether the request creates a revision.
    pub(crate) writes: bool,
    /// The fields of the response that the model covers.
    pub(crate) response: Value,
}

/// RPCs that create no revision if nothing changes.
const WRITES_ONLY_CHANGES: [&str; 8] = [
    "ImportLegacySettings",
    "MoveAssignment",
    "ReleaseMembers",
    "ReorderAssignments",
    "RetryMigration",
    "SyncDirectory",
    "UpdateCatalog",
    "UpdateOrganization",
];

/// The caller of every request.
const ACTOR: &str = "anonymous";

impl Model {
    /// Returns the organization that a `CreateOrganization` request creates.
    pub(crate) fn from_create_request(request: &Value) -> Self {
        let (given, id) = (&request["organization"], text(&request["organization_id"]));
        let mut model = Self::new(given["phase"] != "PHASE_LEGACY");
        model.id = id.clone();
        model.display_name = Some(text(&given["display_name"])).filter(|name| !name.is_empty()).unwrap_or(id);
        if given["mass_change_limit"].is_object() {
            model.mass_change_limit = mass_change_limit_from(given);
        }
        model.email_domains = items(&given["email_domains"]).map(text).collect();
        model
    }

    /// Applies the request of an RPC at the time `at`, in microseconds.
    ///
    /// # Errors
    /// The reason of the refusal. The model is then unchanged.
    pub(crate) fn apply_request(
        &mut self,
        rpc: &str,
        request: &Value,
        at: i64,
    ) -> Result<AppliedRequest, RefusalReason> {
        let before = self.clone();
        match self.dispatch(rpc, request, at) {
            Ok(response) => {
                self.assign_seats(&before);
                let writes = *self != before || !WRITES_ONLY_CHANGES.iter().any(|method| rpc.ends_with(method));
                Ok(AppliedRequest { writes, response })
            }
            Err(reason) => {
                *self = before;
                Err(reason)
            }
        }
    }

    fn dispatch(&mut self, rpc: &str, request: &Value, at: i64) -> Result<Value, RefusalReason> {
        let id = resource_id(&request["name"]);
        match rpc.rsplit('/').next().unwrap_or_default() {
            "UpdateOrganization" => self.update_organization_from(request),
            "UpdateCatalog" => self.update_catalog(&request["catalog"])?,
            "CreateAssignment" => self.create_assignment_from(request, at)?,
            "UpdateAssignment" => self.update_assignment_from(request, at)?,
            "DeleteAssignment" => self.delete_assignment(&id, request["resolve_members"] == true, at)?,
            "MoveAssignment" => self.move_assignment_to(&id, number(&request["position"]), at)?,
            "ReorderAssignments" => {
                let order: Vec<String> = items(&request["assignments"]).map(resource_id).collect();
                self.reorder_assignments(&order, at)?;
            }
            "UpdateMemberSettings" => self.edit_member_from(request, at)?,
            "MoveMembers" => return self.move_members_from(request, at),
            "ReleaseMembers" => {
                let members: BTreeSet<String> = items(&request["members"]).map(resource_id).collect();
                let pinned = |id: &&String| self.members.get(*id).is_some_and(|member| member.pin.is_some());
                let released = members.iter().filter(pinned).count();
                self.release_members(&members, at)?;
                return Ok(json!({ "released_count": released }));
            }
            "SyncDirectory" => return self.sync_directory(request, at),
            "ImportLegacySettings" => return self.import_from(&request["settings"]),
            "RollBackMigration" => self.roll_back()?,
            "RetryMigration" => self.retry()?,
            other => return Err(format!("the model does not know {other}")),
        }
        Ok(json!({}))
    }

    fn update_organization_from(&mut self, request: &Value) {
        let (given, mask) = (&request["organization"], ModelFieldMask::of(request));
        if mask.selects("display_name", !text(&given["display_name"]).is_empty()) {
            let name = text(&given["display_name"]);
            self.display_name = if name.is_empty() { self.id.clone() } else { name };
        }
        if mask.selects("mass_change_limit", given["mass_change_limit"].is_object()) {
            self.mass_change_limit = mass_change_limit_from(given);
        }
        if mask.selects("email_domains", given["email_domains"].is_array()) {
            self.email_domains = items(&given["email_domains"]).map(text).collect();
        }
    }

    fn create_assignment_from(&mut self, request: &Value, at: i64) -> Result<(), RefusalReason> {
        let given = &request["assignment"];
        let new = ModelAssignment {
            id: text(&request["assignment_id"]),
            display_name: text(&given["display_name"]),
            groups: items(&given["groups"]).map(resource_id).collect(),
            automatic: given["update_mode"] == "UPDATE_MODE_AUTOMATIC_UPDATES",
            settings: settings_from(&given["settings"]),
            chosen: parse_export(&given["email_export"]),
        };
        require_no_violations(&data_capture_contradictions(&new.settings))?;
        let end = self.assignments.len();
        let rank = Some(number(&request["position"])).filter(|rank| *rank > 0).unwrap_or(end);
        let mut violations = self.settings_violations(&new.settings);
        violations.extend((self.migrated && new.chosen.is_none()).then_some("EMAIL_EXPORT_REQUIRED"));
        violations.extend((rank > end || new.groups.is_empty()).then_some("INVALID_REQUEST"));
        require_no_violations(&violations)?;
        self.require_groups(&new.groups)?;
        if self.find_assignment(&new.id).is_some() {
            return Err("ALREADY_EXISTS".to_owned());
        }
        if !self.migrated && new.chosen.is_some() {
            return Err("EMAIL_EXPORT_NOT_MIGRATED".to_owned());
        }
        self.chosen_after_migration |= self.migrated;
        self.create_assignment(new, rank, at)
    }

    fn update_assignment_from(&mut self, request: &Value, at: i64) -> Result<(), RefusalReason> {
        let (given, mask) = (&request["assignment"], ModelFieldMask::of(request));
        require_no_violations(&data_capture_contradictions(&given["settings"]))?;
        let id = resource_id(&given["name"]);
        let was = self.find_assignment(&id).cloned().ok_or("ASSIGNMENT_NOT_FOUND")?;
        let is_set = |field: &str| !text(&given[field]).is_empty();
        let groups: BTreeSet<String> = items(&given["groups"]).map(resource_id).collect();
        let settings = mask.settings(&was.settings, &given["settings"]);
        let edit = ModelAssignmentEdit {
            display_name: match mask.selects("display_name", is_set("display_name")) {
                true => text(&given["display_name"]),
                false => was.display_name.clone(),
            },
            groups: if mask.selects("groups", !groups.is_empty()) { groups } else { was.groups.clone() },
            automatic: match mask.selects("update_mode", is_set("update_mode")) {
                true => given["update_mode"] == "UPDATE_MODE_AUTOMATIC_UPDATES",
                false => was.automatic,
            },
            choose: mask.chosen_value(parse_export(&given["email_export"]), was.chosen)?,
            settings: settings.clone(),
        };
        let changed = settings != was.settings;
        let mut violations = if changed { self.settings_violations(&settings) } else { Vec::new() };
        violations.extend((edit.groups.is_empty() && id != DEFAULT).then_some("INVALID_REQUEST"));
        require_no_violations(&violations)?;
        self.require_groups(&edit.groups.difference(&was.groups).cloned().collect())?;
        if !self.migrated && edit.choose.is_some() {
            return Err("EMAIL_EXPORT_NOT_MIGRATED".to_owned());
        }
        if id == DEFAULT && !edit.groups.is_empty() {
            return Err("DEFAULT_ASSIGNMENT_FIXED".to_owned());
        }
        self.chosen_after_migration |= edit.choose.is_some();
        self.update_assignment(&id, &edit, at)
    }

    fn move_assignment_to(&mut self, id: &str, rank: usize, at: i64) -> Result<(), RefusalReason> {
        let resource_id = (self.assignments.len() - 1).max(1);
        if id != DEFAULT && (rank == 0 || rank > resource_id) {
            return Err("INVALID_REQUEST".to_owned());
        }
        self.move_assignment(id, rank, at)
    }

    fn edit_member_from(&mut self, request: &Value, at: i64) -> Result<(), RefusalReason> {
        let (given, mask) = (&request["member"], ModelFieldMask::of(request));
        require_no_violations(&data_capture_contradictions(&given["settings"]))?;
        let id = resource_id(&given["name"]);
        let was = self.members.get(&id).ok_or("MEMBER_NOT_FOUND")?;
        let settings = mask.settings(&was.settings, &given["settings"]);
        let stored = was.export.as_ref().map(|export| export.exports);
        let choose = mask.chosen_value(parse_export(&given["email_export"]), stored)?;
        let checked = settings != was.settings || mask.names("settings");
        require_no_violations(&if checked { self.settings_violations(&settings) } else { Vec::new() })?;
        self.edit_member(&id, Some(settings), choose, at)
    }

    fn move_members_from(&mut self, request: &Value, at: i64) -> Result<Value, RefusalReason> {
        let (members, assignment): (BTreeSet<String>, String) =
            (items(&request["members"]).map(resource_id).collect(), resource_id(&request["assignment"]));
        let is_elsewhere = |id: &&String| self.members.get(*id).is_some_and(|member| member.assignment != assignment);
        let moved = members.iter().filter(is_elsewhere).count();
        let pin =
            ModelPin { assignment: assignment.clone(), actor: ACTOR.to_owned(), reason: text(&request["reason"]), at };
        self.move_members(&members, &pin)?;
        Ok(json!({ "moved_count": moved }))
    }

    /// Handles `ImportLegacySettings`. Contradictory rows are all rejected (7.3).
    fn import_from(&mut self, rows: &Value) -> Result<Value, RefusalReason> {
        let mut rows_by_email: BTreeMap<String, Vec<(String, bool)>> = BTreeMap::new();
        let mut rejected = Vec::new();
        for row in items(rows) {
            match email_of(&row["email"]).zip(parse_export(&row["email_export"])) {
                Some((email, value)) => rows_by_email.entry(email).or_default().push((text(&row["email"]), value)),
                None => rejected.push(text(&row["email"])),
            }
        }
        let mut duplicates = 0;
        let mut accepted: BTreeMap<String, bool> = BTreeMap::new();
        for (email, rows) in rows_by_email {
            let values: BTreeSet<bool> = rows.iter().map(|(_, value)| *value).collect();
            match values.len() {
                1 => {
                    duplicates += rows.len() - 1;
                    accepted.insert(email, rows[0].1);
                }
                _ => rejected.extend(rows.into_iter().map(|(key, _)| key)),
            }
        }
        let unmatched: Vec<&String> = accepted.keys().filter(|email| self.address_holder(email).is_none()).collect();
        let response = json!({
            "bound_count": accepted.len() - unmatched.len(), "unmatched_count": unmatched.len(),
            "unmatched_emails": unmatched, "duplicate_count": duplicates, "rejected_count": rejected.len(),
        });
        self.import_legacy_settings(&accepted)?;
        Ok(response)
    }

    fn require_groups(&self, groups: &BTreeSet<String>) -> Result<(), RefusalReason> {
        match groups.iter().all(|group| self.groups.contains_key(group)) {
            true => Ok(()),
            false => Err("GROUP_NOT_FOUND".to_owned()),
        }
    }
}

/// Returns the common reason of violations, or `INVALID_REQUEST` if their reasons differ.
fn require_no_violations(violations: &[&str]) -> Result<(), RefusalReason> {
    match violations.split_first() {
        None => Ok(()),
        Some((first, rest)) if rest.iter().all(|other| other == first) => Err((*first).to_owned()),
        Some(_) => Err("INVALID_REQUEST".to_owned()),
    }
}

fn mass_change_limit_from(given: &Value) -> (usize, usize) {
    let limit = &given["mass_change_limit"];
    (number(&limit["members"]), number(&limit["percent"]))
}

/// Returns the last segment of a resource name.
fn resource_id(name: &Value) -> String {
    name.as_str().and_then(|name| name.rsplit('/').next()).unwrap_or_default().to_owned()
}

fn number(value: &Value) -> usize {
    value.as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or_default()
}
