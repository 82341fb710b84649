//! Requests of the API as operations of the model.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    Assignment, AssignmentEdit, DEFAULT, Model, Pin, Refused, catalog::contradictions_of, items, no_settings,
    rows::email_of, text,
};

/// What came of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Whether it makes a revision.
    pub writes: bool,
    /// What the response says of it, as far as the model knows.
    pub response: Value,
}

/// What makes no revision when there is nothing to change.
const QUIET: [&str; 8] = [
    "ImportLegacySettings",
    "MoveAssignment",
    "ReleaseMembers",
    "ReorderAssignments",
    "RetryMigration",
    "SyncDirectory",
    "UpdateCatalog",
    "UpdateOrganization",
];

/// Who asks.
const ACTOR: &str = "anonymous";

impl Model {
    /// The organization that a request creates.
    #[must_use]
    pub fn created(request: &Value) -> Self {
        let (asked, id) = (&request["organization"], text(&request["organization_id"]));
        let mut model = Self::new(asked["phase"] != "PHASE_LEGACY");
        model.id = id.clone();
        model.display_name = Some(text(&asked["display_name"])).filter(|name| !name.is_empty()).unwrap_or(id);
        if asked["mass_change_limit"].is_object() {
            model.mass_change_limit = limit_of(asked);
        }
        model.email_domains = items(&asked["email_domains"]).map(text).collect();
        model
    }

    /// Does what is asked for by an RPC, at a time in microseconds.
    ///
    /// # Errors
    /// Why it is refused; the model is then as it was.
    pub fn make(&mut self, rpc: &str, request: &Value, at: i64) -> Result<Made, Refused> {
        let before = self.clone();
        match self.ask(rpc, request, at) {
            Ok(response) => {
                self.settle_seats(&before, at);
                let writes = *self != before || !QUIET.iter().any(|method| rpc.ends_with(method));
                Ok(Made { writes, response })
            }
            Err(refused) => {
                *self = before;
                Err(refused)
            }
        }
    }

    fn ask(&mut self, rpc: &str, request: &Value, at: i64) -> Result<Value, Refused> {
        let id = last(&request["name"]);
        match rpc.rsplit('/').next().unwrap_or_default() {
            "UpdateOrganization" => self.ask_update_organization(request),
            "UpdateCatalog" => self.update_catalog(&request["catalog"])?,
            "CreateAssignment" => self.ask_create(request, at)?,
            "UpdateAssignment" => self.ask_update(request, at)?,
            "DeleteAssignment" => self.delete_assignment(&id, request["resolve_members"] == true, at)?,
            "MoveAssignment" => self.ask_move(&id, number(&request["position"]), at)?,
            "ReorderAssignments" => {
                let order: Vec<String> = items(&request["assignments"]).map(last).collect();
                self.reorder_assignments(&order, at)?;
            }
            "UpdateMemberSettings" => self.ask_edit(request, at)?,
            "MoveMembers" => return self.ask_move_members(request, at),
            "ReleaseMembers" => {
                let members: BTreeSet<String> = items(&request["members"]).map(last).collect();
                let pinned = |id: &&String| self.members.get(*id).is_some_and(|member| member.pin.is_some());
                let released = members.iter().filter(pinned).count();
                self.release_members(&members, at)?;
                return Ok(json!({ "released_count": released }));
            }
            "SyncDirectory" => return self.sync_rows(request, at),
            "ImportLegacySettings" => return self.ask_import(&request["settings"]),
            "RollBackMigration" => self.roll_back()?,
            "RetryMigration" => self.retry()?,
            other => return Err(format!("the model does not know {other}")),
        }
        Ok(json!({}))
    }

    fn ask_update_organization(&mut self, request: &Value) {
        let (asked, mask) = (&request["organization"], Mask::of(request));
        if mask.takes("display_name", !text(&asked["display_name"]).is_empty()) {
            let name = text(&asked["display_name"]);
            self.display_name = if name.is_empty() { self.id.clone() } else { name };
        }
        if mask.takes("mass_change_limit", asked["mass_change_limit"].is_object()) {
            self.mass_change_limit = limit_of(asked);
        }
        if mask.takes("email_domains", asked["email_domains"].is_array()) {
            self.email_domains = items(&asked["email_domains"]).map(text).collect();
        }
    }

    fn ask_create(&mut self, request: &Value, at: i64) -> Result<(), Refused> {
        let asked = &request["assignment"];
        let new = Assignment {
            id: text(&request["assignment_id"]),
            display_name: text(&asked["display_name"]),
            groups: items(&asked["groups"]).map(last).collect(),
            automatic: asked["update_mode"] == "UPDATE_MODE_AUTOMATIC_UPDATES",
            settings: settings_of(&asked["settings"]),
            chosen: exports(&asked["email_export"]),
        };
        refuse(&contradictions_of(&new.settings))?;
        let end = self.assignments.len();
        let rank = Some(number(&request["position"])).filter(|rank| *rank > 0).unwrap_or(end);
        let mut wrong = self.violations_of(&new.settings);
        wrong.extend((self.migrated && new.chosen.is_none()).then_some("EMAIL_EXPORT_REQUIRED"));
        wrong.extend((rank > end || new.groups.is_empty()).then_some("INVALID_REQUEST"));
        refuse(&wrong)?;
        self.require_groups(&new.groups)?;
        if self.find(&new.id).is_some() {
            return Err("ALREADY_EXISTS".to_owned());
        }
        if !self.migrated && new.chosen.is_some() {
            return Err("EMAIL_EXPORT_NOT_MIGRATED".to_owned());
        }
        self.chosen_since |= self.migrated;
        self.create_assignment(new, rank, at)
    }

    fn ask_update(&mut self, request: &Value, at: i64) -> Result<(), Refused> {
        let (asked, mask) = (&request["assignment"], Mask::of(request));
        refuse(&contradictions_of(&asked["settings"]))?;
        let id = last(&asked["name"]);
        let was = self.find(&id).cloned().ok_or("ASSIGNMENT_NOT_FOUND")?;
        let named = |field: &str| !text(&asked[field]).is_empty();
        let groups: BTreeSet<String> = items(&asked["groups"]).map(last).collect();
        let settings = mask.settings(&was.settings, &asked["settings"]);
        let edit = AssignmentEdit {
            display_name: match mask.takes("display_name", named("display_name")) {
                true => text(&asked["display_name"]),
                false => was.display_name.clone(),
            },
            groups: if mask.takes("groups", !groups.is_empty()) { groups } else { was.groups.clone() },
            automatic: match mask.takes("update_mode", named("update_mode")) {
                true => asked["update_mode"] == "UPDATE_MODE_AUTOMATIC_UPDATES",
                false => was.automatic,
            },
            choose: mask.chooses(exports(&asked["email_export"]), was.chosen)?,
            settings: settings.clone(),
        };
        let changed = settings != was.settings;
        let mut wrong = if changed { self.violations_of(&settings) } else { Vec::new() };
        wrong.extend((edit.groups.is_empty() && id != DEFAULT).then_some("INVALID_REQUEST"));
        refuse(&wrong)?;
        self.require_groups(&edit.groups.difference(&was.groups).cloned().collect())?;
        if !self.migrated && edit.choose.is_some() {
            return Err("EMAIL_EXPORT_NOT_MIGRATED".to_owned());
        }
        if id == DEFAULT && !edit.groups.is_empty() {
            return Err("DEFAULT_ASSIGNMENT_FIXED".to_owned());
        }
        self.chosen_since |= edit.choose.is_some();
        self.update_assignment(&id, &edit, at)
    }

    fn ask_move(&mut self, id: &str, rank: usize, at: i64) -> Result<(), Refused> {
        let last = (self.assignments.len() - 1).max(1);
        if id != DEFAULT && (rank == 0 || rank > last) {
            return Err("INVALID_REQUEST".to_owned());
        }
        self.move_assignment(id, rank, at)
    }

    fn ask_edit(&mut self, request: &Value, at: i64) -> Result<(), Refused> {
        let (asked, mask) = (&request["member"], Mask::of(request));
        refuse(&contradictions_of(&asked["settings"]))?;
        let id = last(&asked["name"]);
        let was = self.members.get(&id).ok_or("MEMBER_NOT_FOUND")?;
        let settings = mask.settings(&was.settings, &asked["settings"]);
        let stored = was.export.as_ref().map(|export| export.exports);
        let choose = mask.chooses(exports(&asked["email_export"]), stored)?;
        let given = settings != was.settings || mask.names("settings");
        refuse(&if given { self.violations_of(&settings) } else { Vec::new() })?;
        self.edit_member(&id, Some(settings), choose, at)
    }

    fn ask_move_members(&mut self, request: &Value, at: i64) -> Result<Value, Refused> {
        let (members, assignment): (BTreeSet<String>, String) =
            (items(&request["members"]).map(last).collect(), last(&request["assignment"]));
        let elsewhere = |id: &&String| self.members.get(*id).is_some_and(|member| member.assignment != assignment);
        let moved = members.iter().filter(elsewhere).count();
        let pin = Pin { assignment: assignment.clone(), actor: ACTOR.to_owned(), reason: text(&request["reason"]), at };
        self.move_members(&members, &pin)?;
        Ok(json!({ "moved_count": moved }))
    }

    /// Rows that contradict each other are all rejected (7.3).
    fn ask_import(&mut self, rows: &Value) -> Result<Value, Refused> {
        let mut said: BTreeMap<String, Vec<(String, bool)>> = BTreeMap::new();
        let mut rejected = Vec::new();
        for row in items(rows) {
            match email_of(&row["email"]).zip(exports(&row["email_export"])) {
                Some((email, value)) => said.entry(email).or_default().push((text(&row["email"]), value)),
                None => rejected.push(text(&row["email"])),
            }
        }
        let mut duplicates = 0;
        let mut taken: BTreeMap<String, bool> = BTreeMap::new();
        for (email, rows) in said {
            let values: BTreeSet<bool> = rows.iter().map(|(_, value)| *value).collect();
            match values.len() {
                1 => {
                    duplicates += rows.len() - 1;
                    taken.insert(email, rows[0].1);
                }
                _ => rejected.extend(rows.into_iter().map(|(key, _)| key)),
            }
        }
        let unmatched: Vec<&String> = taken.keys().filter(|email| self.holder_of(email).is_none()).collect();
        let response = json!({
            "bound_count": taken.len() - unmatched.len(), "unmatched_count": unmatched.len(),
            "unmatched_emails": unmatched, "duplicate_count": duplicates, "rejected_count": rejected.len(),
        });
        self.import(&taken)?;
        Ok(response)
    }

    fn require_groups(&self, groups: &BTreeSet<String>) -> Result<(), Refused> {
        match groups.iter().all(|group| self.groups.contains_key(group)) {
            true => Ok(()),
            false => Err("GROUP_NOT_FOUND".to_owned()),
        }
    }
}

/// Which fields an update takes.
struct Mask(Option<BTreeSet<String>>);

impl Mask {
    fn of(request: &Value) -> Self {
        let snake = |path: &str| {
            path.chars().fold(String::new(), |path, c| match c.is_uppercase() {
                true => format!("{path}_{}", c.to_lowercase()),
                false => format!("{path}{c}"),
            })
        };
        Self(request["update_mask"].as_str().map(|mask| mask.split(',').map(snake).collect()))
    }

    fn names(&self, field: &str) -> bool {
        self.0.as_ref().is_some_and(|fields| fields.contains(field))
    }

    fn takes(&self, field: &str, populated: bool) -> bool {
        self.0.as_ref().map_or(populated, |fields| fields.contains(field))
    }

    /// The value that an update chooses: its mask names the field or, without a mask, it differs (4.1).
    fn chooses(&self, given: Option<bool>, stored: Option<bool>) -> Result<Option<bool>, Refused> {
        match (&self.0, given) {
            (None, given) => Ok(given.filter(|_| given != stored)),
            (Some(_), _) if !self.names("email_export") => Ok(None),
            (Some(_), None) if stored.is_some() => Err("EMAIL_EXPORT_REQUIRED".to_owned()),
            (Some(_), given) => Ok(given),
        }
    }

    /// The settings with those that are given: whole where the mask names them, else what is populated.
    fn settings(&self, was: &Value, asked: &Value) -> Value {
        let given = settings_of(asked);
        if self.names("settings") {
            return given;
        }
        let mut merged = was.clone();
        if self.0.is_none() {
            for field in ["seats", "home_workspace", "permissions"] {
                if asked[field].as_str().is_some_and(|home| !home.is_empty()) || items(&asked[field]).next().is_some() {
                    merged[field] = given[field].clone();
                }
            }
            for (flag, value) in
                given["data_capture"].as_object().into_iter().flatten().filter(|(_, value)| **value == true)
            {
                merged["data_capture"][flag] = value.clone();
            }
        }
        merged
    }
}

/// Settings as the model has them, from those of a request.
fn settings_of(asked: &Value) -> Value {
    let mut settings = no_settings();
    let seats: BTreeSet<String> = items(&asked["seats"]).map(text).collect();
    settings["seats"] = json!(seats);
    if let Some(home) = asked["home_workspace"].as_str().filter(|home| !home.is_empty()) {
        settings["home_workspace"] = json!(home);
    }
    for permission in items(&asked["permissions"]) {
        settings["permissions"][text(&permission["workspace"])] = permission["profile"].clone();
    }
    for (flag, value) in asked["data_capture"].as_object().into_iter().flatten() {
        settings["data_capture"][flag] = value.clone();
    }
    settings
}

/// The one reason for what is wrong, or the general one for different kinds.
fn refuse(wrong: &[&str]) -> Result<(), Refused> {
    match wrong.split_first() {
        None => Ok(()),
        Some((first, rest)) if rest.iter().all(|other| other == first) => Err((*first).to_owned()),
        Some(_) => Err("INVALID_REQUEST".to_owned()),
    }
}

fn limit_of(asked: &Value) -> (usize, usize) {
    let limit = &asked["mass_change_limit"];
    (number(&limit["members"]), number(&limit["percent"]))
}

fn exports(value: &Value) -> Option<bool> {
    match value.as_str()? {
        "EMAIL_EXPORT_EXPORT" => Some(true),
        "EMAIL_EXPORT_DO_NOT_EXPORT" => Some(false),
        _ => None,
    }
}

/// The last part of a name.
fn last(name: &Value) -> String {
    name.as_str().and_then(|name| name.rsplit('/').next()).unwrap_or_default().to_owned()
}

fn number(value: &Value) -> usize {
    value.as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or_default()
}
