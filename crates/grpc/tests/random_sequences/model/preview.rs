//! The effect of a change on members, in the format of a preview (product.md 9).

use serde_json::{Value, json};

use super::{Model, ModelMember};

/// The maximum number of members in the sample of a preview.
const SAMPLE: usize = 20;

/// Returns the preview of the change from `before` to `after`.
pub(crate) fn expected_preview(before: &Model, after: &Model) -> Value {
    let (mut entered, mut exports, mut does_not, mut settings, mut held, mut sample) = (0, 0, 0, 0, 0, Vec::new());
    for (id, is) in &after.members {
        let was = before.members.get(id);
        let enters = was.is_none_or(|was| was.assignment != is.assignment);
        let changes = was.is_none_or(|was| was.settings != is.settings);
        let (old, new) = (was.and_then(export_value), export_value(is));
        let flips = old.is_some() && new.is_some() && old != new;
        entered += u32::from(enters);
        settings += u32::from(changes);
        exports += u32::from(flips && new == Some(true));
        does_not += u32::from(flips && new == Some(false));
        held += u32::from(before.held_seats(id) != after.held_seats(id));
        let shown = enters || changes || was.is_none_or(|was| was.export != is.export);
        // A rollback removes settings without changing a member's answer.
        if shown && before.migrated <= after.migrated && sample.len() < SAMPLE {
            let assignment = |member: &ModelMember| after.name("assignments", &member.assignment);
            sample.push(json!({
                "member": after.name("members", id),
                "assignment_before": was.map(assignment),
                "assignment_after": assignment(is),
                "email_export_before": old.map(export_name),
                "email_export_after": new.map(export_name),
                "settings_change": changes,
            }));
        }
    }
    json!({
        "assignment_changes": entered, "flips_to_export": exports, "flips_to_do_not_export": does_not,
        "settings_changes": settings, "sample": sample, "held_seats_changes": held,
    })
}

fn export_value(member: &ModelMember) -> Option<bool> {
    member.export.as_ref().map(|export| export.exports)
}

/// Returns the name of an email export value in the API.
pub(crate) fn export_name(exports: bool) -> &'static str {
    if exports { "EMAIL_EXPORT_EXPORT" } else { "EMAIL_EXPORT_DO_NOT_EXPORT" }
}
