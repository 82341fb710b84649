//! Generates syncs and imports with some invalid rows.

use rollcall_testkit::Random;
use serde_json::{Value, json};

use crate::{
    generate::{MEMBERS, parent, random_group, random_member},
    model::Model,
};

/// Returns the first address of a member.
fn initial_email(model: &Model, id: &str) -> String {
    format!("{id}@{}.example", model.id)
}

fn random_email(random: &mut Random, model: &Model, id: &str) -> String {
    match random.below(20) {
        0..3 => initial_email(model, random_member(random)),
        3 => format!("{id}.two@{}.example", model.id),
        4 => format!("{id}@other.example"),
        5 => initial_email(model, id).to_uppercase(),
        6 if random.chance(30) => "no address".to_owned(),
        _ => initial_email(model, id),
    }
}

fn random_status(random: &mut Random, active: usize) -> &'static str {
    match random.below(100) {
        roll if roll < active => "MEMBER_STATUS_ACTIVE",
        roll if roll < 99 => "MEMBER_STATUS_INACTIVE",
        _ => "MEMBER_STATUS_UNSPECIFIED",
    }
}

fn member_row(id: &str, email: &str, status: &str) -> Value {
    json!({ "member": id, "email": email, "given_name": "Given", "family_name": id, "status": status })
}

fn random_member_row(random: &mut Random, model: &Model) -> Value {
    let id = random_member(random);
    let email = random_email(random, model, id);
    let mut row = member_row(id, &email, random_status(random, 75));
    if random.chance(20) {
        row["job_title"] = json!(format!("Title {}", random.below(3)));
    }
    if random.chance(10) {
        row["manager_email"] = json!(initial_email(model, random_member(random)).to_uppercase());
    }
    row
}

fn random_membership(random: &mut Random) -> Value {
    json!({ "group": random_group(random), "member": random_member(random) })
}

fn random_group_row(random: &mut Random) -> Value {
    let name = match random.below(10) {
        0..7 => String::new(),
        7 | 8 => format!("Name {}", random.below(3)),
        _ => "two\nlines".to_owned(),
    };
    json!({ "group": random_group(random), "display_name": name })
}

/// Returns a delta sync: members who appear, become inactive or active, or get another address; groups; memberships.
pub(crate) fn delta(random: &mut Random, model: &Model) -> Value {
    let mut request = json!({ "parent": parent(model), "mode": "SYNC_MODE_DELTA" });
    if random.chance(60) {
        request["memberships"] = json!(random.some(3, random_membership));
        request["removed_memberships"] = json!(random.some(2, random_membership));
    }
    if random.chance(60) {
        request["members"] = json!(random.some(4, |random| random_member_row(random, model)));
    }
    if random.chance(25) {
        request["groups"] = json!(random.some(2, random_group_row));
    }
    if random.chance(30) {
        request["allow_mass_change"] = json!(true);
    }
    request
}

/// Returns a full sync with most members and groups.
pub(crate) fn full(random: &mut Random, model: &Model) -> Value {
    let (mut people, mut memberships) = (Vec::new(), Vec::new());
    for (number, id) in MEMBERS.into_iter().enumerate() {
        let is_present = random.chance(if number < 10 { 92 } else { 25 });
        if !is_present {
            continue;
        }
        let email = if random.chance(80) { initial_email(model, id) } else { random_email(random, model, id) };
        people.push(member_row(id, &email, random_status(random, 88)));
        if random.chance(80) {
            memberships.push(json!({ "group": format!("g{}", number % 5), "member": id }));
        }
        if random.chance(25) {
            memberships.push(json!({ "group": random_group(random), "member": id }));
        }
    }
    let groups: Vec<Value> =
        (0..5).filter(|_| random.chance(95)).map(|id| json!({ "group": format!("g{id}") })).collect();
    let mut request = json!({
        "parent": parent(model), "mode": "SYNC_MODE_FULL", "members": people, "groups": groups,
        "memberships": memberships,
    });
    if random.chance(75) {
        request["allow_mass_change"] = json!(true);
    }
    request
}

/// Returns legacy settings. Some contradict each other, and some match no member.
pub(crate) fn legacy_settings(random: &mut Random, model: &Model) -> Value {
    let generate_syncs = random.some(12, |random| {
        let id = random_member(random);
        let email = random_email(random, model, id);
        let value = match random.below(20) {
            0 => "EMAIL_EXPORT_UNSPECIFIED",
            1..10 => "EMAIL_EXPORT_EXPORT",
            _ => "EMAIL_EXPORT_DO_NOT_EXPORT",
        };
        json!({ "email": email, "email_export": value })
    });
    json!({ "parent": parent(model), "settings": generate_syncs })
}
