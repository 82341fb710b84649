//! Assignments between the contract and the domain.

use std::collections::BTreeSet;

use rollcall_app::assignments::AssignmentView;
use rollcall_domain::{
    Assignment, AssignmentId, GroupId, OrganizationId, Phase, Settings, UpdateMode, Violation, assignments::Edit,
    email_export::EmailExport, names,
};
use rollcall_proto::v1;

use super::{
    enums::{parse_email_export, parse_update_mode, to_optional_email_export, to_state, to_update_mode},
    settings::{choose, merge_settings, parse_settings, to_settings},
    to_timestamp,
};
use crate::{checks::Checks, masks::Mask};

/// The values of an assignment in a request.
pub(crate) struct AssignmentFields {
    display_name: String,
    groups: BTreeSet<GroupId>,
    update_mode: Option<UpdateMode>,
    settings: Option<Settings>,
    email_export: Option<EmailExport>,
    /// Whether the name of some group is not valid.
    bad_groups: bool,
}

impl AssignmentFields {
    /// Parses the values. The name and the output fields are ignored.
    pub(crate) fn parse(checks: &mut Checks, assignment: v1::Assignment) -> Self {
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
        Self {
            display_name: assignment.display_name,
            groups,
            update_mode: checks.take("assignment.update_mode", mode).flatten(),
            settings,
            email_export: checks.take("assignment.email_export", export).flatten(),
            bad_groups: valid < assignment.groups.len(),
        }
    }

    /// Checks what can be checked of an assignment to be created before anything is read.
    pub(crate) fn check_new(&self, checks: &mut Checks) {
        let edit = Edit {
            display_name: Some(self.display_name.clone()),
            groups: Some(self.groups.clone()),
            settings: self.settings.clone(),
            ..Edit::default()
        };
        self.check(checks, edit, false);
    }

    /// Checks what can be checked of an update before anything is read.
    pub(crate) fn check_edit(&self, checks: &mut Checks, mask: &Mask, of_default: bool) {
        let named = mask.names("update_mode") && self.update_mode.is_none();
        checks.require(!named, "assignment.update_mode", "choose MANUAL_EDITING or AUTOMATIC_UPDATES");
        self.check(checks, self.to_edit(mask, &Assignment::new_default(Phase::Legacy)), of_default);
    }

    fn check(&self, checks: &mut Checks, mut edit: Edit, of_default: bool) {
        edit.groups = edit.groups.filter(|_| !self.bad_groups);
        checks.extend(edit.violations(of_default).into_iter().map(|violation| violation.at("assignment")));
    }

    /// The assignment to be created.
    pub(crate) fn into_new(self, id: AssignmentId) -> Assignment {
        Assignment {
            id,
            display_name: self.display_name,
            groups: self.groups,
            update_mode: self.update_mode.unwrap_or(UpdateMode::ManualEditing),
            settings: self.settings.unwrap_or_default(),
            chosen: self.email_export,
        }
    }

    /// The edit of `current` that a mask, or the populated fields, ask for.
    pub(crate) fn to_edit(&self, mask: &Mask, current: &Assignment) -> Edit {
        let display_name = mask.takes("display_name", !self.display_name.is_empty());
        let groups = mask.takes("groups", !self.groups.is_empty());
        let choose = choose(mask, self.email_export, current.chosen);
        Edit {
            display_name: display_name.then(|| self.display_name.clone()),
            groups: groups.then(|| self.groups.clone()),
            update_mode: self.update_mode.filter(|_| mask.takes("update_mode", true)),
            settings: merge_settings(mask, &current.settings, self.settings.as_ref()),
            unchoose: choose.is_err(),
            choose: choose.ok().flatten(),
        }
    }
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
