//! What a change did to members, in the words in which a preview tells it beforehand (product.md 9).

use serde_json::{Value, json};

use super::{Member, Model};

/// How many members a preview shows.
const SAMPLE: usize = 20;

/// The preview that a change from one model to the other should have had.
#[must_use]
pub fn preview(before: &Model, after: &Model) -> Value {
    let (mut entered, mut exports, mut does_not, mut settings, mut held, mut sample) = (0, 0, 0, 0, 0, Vec::new());
    for (id, is) in &after.members {
        let was = before.members.get(id);
        let enters = was.is_none_or(|was| was.assignment != is.assignment);
        let changes = was.is_none_or(|was| was.settings != is.settings);
        let (old, new) = (was.and_then(value), value(is));
        let flips = old.is_some() && new.is_some() && old != new;
        entered += u32::from(enters);
        settings += u32::from(changes);
        exports += u32::from(flips && new == Some(true));
        does_not += u32::from(flips && new == Some(false));
        held += u32::from(before.held_by(id) != after.held_by(id));
        let shown = enters || changes || was.is_none_or(|was| was.export != is.export);
        // What a rollback takes away is no change of a member's answer.
        if shown && before.migrated <= after.migrated && sample.len() < SAMPLE {
            let assignment = |member: &Member| after.name("assignments", &member.assignment);
            sample.push(json!({
                "member": after.name("members", id),
                "assignment_before": was.map(assignment),
                "assignment_after": assignment(is),
                "email_export_before": old.map(word),
                "email_export_after": new.map(word),
                "settings_change": changes,
            }));
        }
    }
    json!({
        "assignment_changes": entered, "flips_to_export": exports, "flips_to_do_not_export": does_not,
        "settings_changes": settings, "sample": sample, "held_seats_changes": held,
    })
}

fn value(member: &Member) -> Option<bool> {
    member.export.as_ref().map(|export| export.exports)
}

/// A value of email export as the API has it.
pub(super) fn word(exports: bool) -> &'static str {
    if exports { "EMAIL_EXPORT_EXPORT" } else { "EMAIL_EXPORT_DO_NOT_EXPORT" }
}
