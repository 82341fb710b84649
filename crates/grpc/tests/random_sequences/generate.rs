//! Generates the request of a step. The ids come from small sets, so that many requests concern the same
//! resources, and some concern deleted, existing or locked ones.

use rollcall_testkit::Random;
use serde_json::{Value, json};

use crate::{
    generate_syncs,
    model::{DEFAULT, Model},
    sequence::{SequenceStep, StepKind},
};

/// An RPC and its request. The etag is not set yet.
pub(crate) struct GeneratedRequest {
    pub(crate) rpc: &'static str,
    pub(crate) request: Value,
}

const ASSIGNMENTS: [&str; 8] = ["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7"];
const GROUPS: [&str; 6] = ["g0", "g1", "g2", "g3", "g4", "g5"];

/// The ids of members. The first full sync rarely contains the last two.
pub(crate) const MEMBERS: [&str; 12] = ["m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9", "x0", "x1"];

/// Generates the request of a step for the current state of an organization.
pub(crate) fn generate(step: &SequenceStep, model: &Model) -> GeneratedRequest {
    let mut random = Random::new(step.seed);
    let random = &mut random;
    let (rpc, request) = match step.kind {
        StepKind::UpdateOrganization => ("OrganizationService/UpdateOrganization", organization(random, model)),
        StepKind::UpdateCatalog => ("OrganizationService/UpdateCatalog", catalog(random, model)),
        StepKind::Create => ("AssignmentService/CreateAssignment", create(random, model)),
        StepKind::Update => ("AssignmentService/UpdateAssignment", update(random, model)),
        StepKind::Delete => {
            let resolve = random.chance(60);
            (
                "AssignmentService/DeleteAssignment",
                json!({ "name": assignment(random, model), "resolve_members": resolve }),
            )
        }
        StepKind::MoveAssignment => {
            let (name, position) = (assignment(random, model), position(random, model));
            ("AssignmentService/MoveAssignment", json!({ "name": name, "position": position }))
        }
        StepKind::Reorder => ("AssignmentService/ReorderAssignments", reorder(random, model)),
        StepKind::Edit => ("MemberService/UpdateMemberSettings", edit(random, model)),
        StepKind::MoveMembers => {
            let (members, reason) = (members(random, model, 3), format!("reason {}", random.below(100)));
            let assignment = assignment(random, model);
            let parent = parent(model);
            let request = json!({ "parent": parent, "members": members, "assignment": assignment, "reason": reason });
            ("MemberService/MoveMembers", request)
        }
        StepKind::Release => {
            ("MemberService/ReleaseMembers", json!({ "parent": parent(model), "members": members(random, model, 5) }))
        }
        StepKind::Delta => ("DirectoryService/SyncDirectory", generate_syncs::delta(random, model)),
        StepKind::Full => ("DirectoryService/SyncDirectory", generate_syncs::full(random, model)),
        StepKind::Import => ("MigrationService/ImportLegacySettings", generate_syncs::legacy_settings(random, model)),
        StepKind::RollBack => ("MigrationService/RollBackMigration", migration(model)),
        StepKind::Retry => ("MigrationService/RetryMigration", migration(model)),
        StepKind::RunMigration => ("JobService/RunJob", json!({ "name": "jobs/settings-migration" })),
        StepKind::Burst => unreachable!("a burst is several requests"),
    };
    GeneratedRequest { rpc, request }
}

pub(crate) fn parent(model: &Model) -> String {
    format!("organizations/{}", model.id)
}

fn migration(model: &Model) -> Value {
    json!({ "name": format!("{}/migration", parent(model)) })
}

/// Returns the name of an assignment: mostly a listed one, sometimes the default one or a deleted one.
fn assignment(random: &mut Random, model: &Model) -> String {
    let listed = model.assignments.len() - 1;
    let id = match random.below(100) {
        0..8 => DEFAULT,
        8..12 => random.pick(&ASSIGNMENTS),
        _ if listed == 0 => DEFAULT,
        _ => &model.assignments[random.below(listed)].id,
    };
    model.name("assignments", id)
}

/// Returns a position in the list, rarely one beyond its end.
fn position(random: &mut Random, model: &Model) -> usize {
    let beyond = if random.chance(4) { 3 } else { 0 };
    1 + random.below(model.assignments.len().max(2) - 1) + beyond
}

fn members(random: &mut Random, model: &Model, most: usize) -> Vec<String> {
    random.some(most, |random| model.name("members", random_member(random)))
}

/// Returns the id of a member, rarely one of the last two.
pub(crate) fn random_member(random: &mut Random) -> &'static str {
    if random.chance(90) { random.pick(&MEMBERS[..10]) } else { random.pick(&MEMBERS[10..]) }
}

/// Returns the id of a group, rarely the last one, which full syncs do not contain.
pub(crate) fn random_group(random: &mut Random) -> &'static str {
    if random.chance(95) { random.pick(&GROUPS[..5]) } else { GROUPS[5] }
}

fn groups(random: &mut Random, model: &Model) -> Vec<String> {
    let mut groups = random.some(2, |random| model.name("groups", random_group(random)));
    groups.sort();
    groups.dedup();
    groups
}

fn random_export(random: &mut Random) -> &'static str {
    random.pick(&["EMAIL_EXPORT_EXPORT", "EMAIL_EXPORT_DO_NOT_EXPORT"])
}

fn random_mode(random: &mut Random) -> &'static str {
    random.pick(&["UPDATE_MODE_MANUAL_EDITING", "UPDATE_MODE_AUTOMATIC_UPDATES"])
}

/// Returns whether a request contains an email export value. In phase LEGACY such a request is refused.
fn contains_export(random: &mut Random, model: &Model) -> bool {
    random.chance(if model.migrated { 92 } else { 5 })
}

/// Returns settings. A complete catalog allows most of them.
fn settings(random: &mut Random) -> Value {
    let seats: &[&str] = match random.below(12) {
        0 | 1 => &[],
        2..6 => &["gong"],
        6..8 => &["gong", "forecast"],
        8..11 => &["engage", "gong"],
        _ if random.chance(30) => &["forecast"],
        _ => &["engage"],
    };
    let mut settings = json!({ "seats": seats });
    if random.chance(40) {
        settings["home_workspace"] = json!(if random.chance(97) { "emea" } else { "nowhere" });
    }
    if random.chance(30) {
        let profile = random.pick(&["seller", "manager"]);
        settings["permissions"] = json!([{ "workspace": "emea", "profile": profile }]);
    }
    if random.chance(40) {
        let flag = random.pick(&["emails_imported", "telephony_calls_imported", "gong_connect_enabled"]);
        settings["data_capture"] = json!({ flag: true });
        if random.chance(4) {
            settings["data_capture"] = json!({ "emails_imported": true, "prevent_email_import": true });
        }
    }
    settings
}

fn organization(random: &mut Random, model: &Model) -> Value {
    let mut fields = json!({ "name": parent(model) });
    let field = match random.below(6) {
        0 => {
            fields["display_name"] = json!(format!("Name {}", random.below(3)));
            "displayName"
        }
        1 | 2 => {
            let domains: &[String] = &[format!("{}.example", model.id), "other.example".to_owned()];
            fields["email_domains"] = json!(domains[..random.below(3)]);
            "emailDomains"
        }
        _ => {
            fields["mass_change_limit"] = json!({ "members": random.below(6), "percent": random.below(50) });
            "massChangeLimit"
        }
    };
    json!({ "organization": fields, "update_mask": field })
}

/// Returns a catalog, mostly a complete one, with low totals.
fn catalog(random: &mut Random, model: &Model) -> Value {
    let is_first = model.catalog.is_null();
    let mut seat = |id: &str, requires: &[&str], total: bool| {
        let mut seat = json!({ "seat_type": id, "requires": requires });
        if total {
            seat["total"] = json!(random.below(6));
        }
        if random.chance(10) {
            seat["display_name"] = json!(format!("Seat {id}"));
        }
        (is_first || random.chance(95), seat)
    };
    let seats = [seat("gong", &[], true), seat("forecast", &["gong"], false), seat("engage", &[], true)];
    let mut seats: Vec<Value> = seats.into_iter().filter(|(stays, _)| *stays).map(|(_, seat)| seat).collect();
    if !seats.iter().any(|seat| seat["seat_type"] == "gong") {
        seats.iter_mut().for_each(|seat| seat["requires"] = json!([]));
    }
    if random.chance(20) {
        seats.iter_mut().for_each(|seat| seat["total"] = Value::Null);
    }
    let profiles = json!([{ "profile": "seller" }, { "profile": "manager", "display_name": "Manager" }]);
    let workspaces =
        if is_first || random.chance(93) { json!([{ "workspace": "emea", "profiles": profiles }]) } else { json!([]) };
    let name = format!("{}/catalog", parent(model));
    json!({ "catalog": { "name": name, "seat_types": seats, "workspaces": workspaces } })
}

fn create(random: &mut Random, model: &Model) -> Value {
    let free: Vec<&str> = ASSIGNMENTS.into_iter().filter(|id| model.find_assignment(id).is_none()).collect();
    let id = if free.is_empty() || random.chance(5) { random.pick(&ASSIGNMENTS) } else { random.pick(&free) };
    let mut new = json!({
        "display_name": format!("Created {id}"), "groups": groups(random, model), "update_mode": random_mode(random),
        "settings": settings(random),
    });
    if contains_export(random, model) {
        new["email_export"] = json!(random_export(random));
    }
    let position = if random.chance(60) { position(random, model) } else { 0 };
    json!({ "parent": parent(model), "assignment_id": id, "assignment": new, "position": position })
}

/// Returns an update of one or two fields, with or without a mask.
fn update(random: &mut Random, model: &Model) -> Value {
    let mut fields = json!({ "name": assignment(random, model) });
    let mut mask = Vec::new();
    for _ in 0..=usize::from(random.chance(35)) {
        mask.push(match random.below(12) {
            0..2 => {
                fields["display_name"] = json!(format!("Name {}", random.below(50)));
                "displayName"
            }
            2..5 => {
                if random.chance(95) {
                    fields["email_export"] = json!(random_export(random));
                }
                "emailExport"
            }
            5..8 => {
                fields["update_mode"] = json!(random_mode(random));
                "updateMode"
            }
            8 | 9 => {
                fields["groups"] = json!(groups(random, model));
                "groups"
            }
            _ => {
                fields["settings"] = settings(random);
                "settings"
            }
        });
    }
    mask.dedup();
    let mut request = json!({ "assignment": fields });
    if random.chance(60) {
        request["update_mask"] = json!(mask.join(","));
    }
    request
}

/// Returns the listed assignments in another order, rarely with an unknown one.
fn reorder(random: &mut Random, model: &Model) -> Value {
    let listed = model.assignments.iter().map(|assignment| assignment.id.as_str()).filter(|id| *id != DEFAULT);
    let mut left: Vec<&str> = listed.collect();
    if random.chance(6) {
        left.push("a9");
    }
    let mut order = Vec::new();
    while !left.is_empty() {
        order.push(model.name("assignments", left.remove(random.below(left.len()))));
    }
    json!({ "parent": parent(model), "assignments": order })
}

fn edit(random: &mut Random, model: &Model) -> Value {
    let mut fields = json!({ "name": model.name("members", random_member(random)) });
    let mut mask = Vec::new();
    if random.chance(60) && contains_export(random, model) {
        fields["email_export"] = json!(random_export(random));
        mask.push("emailExport");
    }
    if mask.is_empty() || random.chance(30) {
        fields["settings"] = settings(random);
        mask.push("settings");
    }
    let mut request = json!({ "member": fields });
    if random.chance(60) {
        request["update_mask"] = json!(mask.join(","));
    }
    request
}
