//! Syncs and imports, some of whose rows cannot be taken.

use rollcall_testkit::{Random, model::Model};
use serde_json::{Value, json};

use crate::requests::{MEMBERS, any_group, any_member, parent};

/// The address that a member has at first.
fn own_email(model: &Model, id: &str) -> String {
    format!("{id}@{}.example", model.id)
}

fn any_email(random: &mut Random, model: &Model, id: &str) -> String {
    match random.below(20) {
        0..3 => own_email(model, any_member(random)),
        3 => format!("{id}.two@{}.example", model.id),
        4 => format!("{id}@other.example"),
        5 => own_email(model, id).to_uppercase(),
        6 if random.chance(30) => "no address".to_owned(),
        _ => own_email(model, id),
    }
}

fn any_status(random: &mut Random, active: usize) -> &'static str {
    match random.below(100) {
        roll if roll < active => "MEMBER_STATUS_ACTIVE",
        roll if roll < 99 => "MEMBER_STATUS_INACTIVE",
        _ => "MEMBER_STATUS_UNSPECIFIED",
    }
}

fn person(id: &str, email: &str, status: &str) -> Value {
    json!({ "member": id, "email": email, "given_name": "Given", "family_name": id, "status": status })
}

fn any_person(random: &mut Random, model: &Model) -> Value {
    let id = any_member(random);
    let email = any_email(random, model, id);
    let mut row = person(id, &email, any_status(random, 75));
    if random.chance(20) {
        row["job_title"] = json!(format!("Title {}", random.below(3)));
    }
    if random.chance(10) {
        row["manager_email"] = json!(own_email(model, any_member(random)).to_uppercase());
    }
    row
}

fn any_membership(random: &mut Random) -> Value {
    json!({ "group": any_group(random), "member": any_member(random) })
}

fn any_group_row(random: &mut Random) -> Value {
    let name = match random.below(10) {
        0..7 => String::new(),
        7 | 8 => format!("Name {}", random.below(3)),
        _ => "two\nlines".to_owned(),
    };
    json!({ "group": any_group(random), "display_name": name })
}

/// A few rows: people who come, go, return or get another address, groups, and memberships.
pub(crate) fn delta(random: &mut Random, model: &Model) -> Value {
    let mut request = json!({ "parent": parent(model), "mode": "SYNC_MODE_DELTA" });
    if random.chance(60) {
        request["memberships"] = json!(random.some(3, any_membership));
        request["removed_memberships"] = json!(random.some(2, any_membership));
    }
    if random.chance(60) {
        request["members"] = json!(random.some(4, |random| any_person(random, model)));
    }
    if random.chance(25) {
        request["groups"] = json!(random.some(2, any_group_row));
    }
    if random.chance(30) {
        request["allow_mass_change"] = json!(true);
    }
    request
}

/// Nearly everybody, with the groups that they begin with and some others.
pub(crate) fn full(random: &mut Random, model: &Model) -> Value {
    let (mut people, mut memberships) = (Vec::new(), Vec::new());
    for (number, id) in MEMBERS.into_iter().enumerate() {
        let there = random.chance(if number < 10 { 92 } else { 25 });
        if !there {
            continue;
        }
        let email = if random.chance(80) { own_email(model, id) } else { any_email(random, model, id) };
        people.push(person(id, &email, any_status(random, 88)));
        if random.chance(80) {
            memberships.push(json!({ "group": format!("g{}", number % 5), "member": id }));
        }
        if random.chance(25) {
            memberships.push(json!({ "group": any_group(random), "member": id }));
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

/// Old settings, of which some contradict each other, and some are of nobody.
pub(crate) fn old_settings(random: &mut Random, model: &Model) -> Value {
    let rows = random.some(12, |random| {
        let id = any_member(random);
        let email = any_email(random, model, id);
        let value = match random.below(20) {
            0 => "EMAIL_EXPORT_UNSPECIFIED",
            1..10 => "EMAIL_EXPORT_EXPORT",
            _ => "EMAIL_EXPORT_DO_NOT_EXPORT",
        };
        json!({ "email": email, "email_export": value })
    });
    json!({ "parent": parent(model), "settings": rows })
}
