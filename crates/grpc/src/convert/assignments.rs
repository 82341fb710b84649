//! Assignments between the contract and the domain.

use std::collections::BTreeSet;

use prost_types::FieldMask;
use rollcall_app::assignments::AssignmentView;
use rollcall_domain::{
    FieldSelection, OrganizationId, Phase, Settings, Violation, assignments::AssignmentInput, names,
};
use rollcall_proto::v1;

use super::{
    enums::{parse_email_export, parse_update_mode, to_optional_email_export, to_state, to_update_mode},
    settings::{parse_settings, to_settings},
    to_timestamp,
};
use crate::{checks::Checks, masks::parse_mask};

/// Parses the values of an assignment. The name and the output fields are ignored.
pub(crate) fn parse_assignment(checks: &mut Checks, assignment: v1::Assignment) -> AssignmentInput {
    let mut groups = BTreeSet::new();
    let organization = checks.parsed_organization().cloned();
    let parsed = assignment.groups.iter().map(|name| {
        let group = names::check_organization(organization.as_ref(), name, names::parse_group(name))?;
        let repeated = || Violation::invalid("", format!("the group `{group}` is repeated; name it once"));
        if groups.insert(group.clone()) { Ok(()) } else { Err(repeated()) }
    });
    let valid = checks.take_all("assignment.groups", parsed).len();
    let settings = assignment.settings.map(|s| parse_settings(checks, "assignment.settings", s));
    let mode = parse_update_mode(assignment.update_mode);
    let export = parse_email_export(assignment.email_export);
    AssignmentInput {
        display_name: assignment.display_name,
        groups: (valid == assignment.groups.len()).then_some(groups),
        update_mode: checks.take("assignment.update_mode", mode).flatten(),
        settings,
        email_export: checks.take("assignment.email_export", export).flatten(),
    }
}

/// Parses the update mask of an assignment. `written` are the paths of the fields with presence.
pub(crate) fn parse_assignment_mask(
    checks: &mut Checks,
    mask: Option<FieldMask>,
    written: BTreeSet<String>,
) -> FieldSelection {
    let allowed = [AssignmentInput::PATHS.as_slice(), &Settings::PATHS].concat();
    parse_mask(checks, mask, written, &allowed, AssignmentInput::refuse_path)
}

pub(crate) fn to_assignment(organization: &OrganizationId, view: &AssignmentView) -> v1::Assignment {
    let AssignmentView { assignment, rank, meta, summary, phase } = view;
    let members = summary.exporting + summary.not_exporting + summary.inactive;
    v1::Assignment {
        name: names::assignment(organization, &assignment.id),
        uid: meta.as_ref().map(|meta| meta.uid.to_string()).unwrap_or_default(),
        display_name: assignment.display_name.clone(),
        rank: rank.cast_signed(),
        groups: assignment.groups.iter().map(|group| names::group(organization, group)).collect(),
        update_mode: to_update_mode(assignment.update_mode),
        settings: Some(to_settings(&assignment.settings)),
        email_export: to_optional_email_export(assignment.chosen),
        email_export_summary: Some(v1::EmailExportSummary {
            state: to_state(summary.state(assignment.chosen), *phase),
            exporting: in_migrated(*phase, summary.exporting),
            not_exporting: in_migrated(*phase, summary.not_exporting),
            inactive: summary.inactive.cast_signed(),
            action_required: *phase == Phase::Migrated && assignment.action_required(*summary),
        }),
        member_count: members.cast_signed(),
        etag: meta.as_ref().map(|meta| meta.updated_revision.to_string()).unwrap_or_default(),
        create_time: meta.as_ref().map(|meta| to_timestamp(meta.created_at)),
        update_time: meta.as_ref().map(|meta| to_timestamp(meta.updated_at)),
    }
}

/// Returns a count of members by their setting, which is 0 in phase LEGACY: no member has the setting.
fn in_migrated(phase: Phase, count: u32) -> i32 {
    if phase == Phase::Migrated { count.cast_signed() } else { 0 }
}
