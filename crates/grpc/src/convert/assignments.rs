//! Assignments.

use std::collections::BTreeSet;

use rollcall_app::assignments::AssignmentView;
use rollcall_domain::{
    Assignment, AssignmentId, GroupId, OrganizationId, Refusal, Settings, UpdateMode, Violation, assignments::Edit,
    email_export::EmailExport,
};
use rollcall_proto::v1;

use super::{
    settings::{
        choose, merge_settings, parse_email_export, parse_settings, parse_update_mode, to_optional_email_export,
        to_settings, to_state, to_update_mode,
    },
    to_timestamp,
};
use crate::{masks::Mask, names, request::Checks};

/// The values of an assignment in a request.
pub(crate) struct Given {
    pub(crate) display_name: String,
    pub(crate) groups: BTreeSet<GroupId>,
    pub(crate) update_mode: Option<UpdateMode>,
    pub(crate) settings: Option<Settings>,
    pub(crate) email_export: Option<EmailExport>,
}

impl Given {
    /// Reads the values; the name and output fields are not looked at.
    pub(crate) fn read(checks: &mut Checks, organization: Option<&OrganizationId>, assignment: v1::Assignment) -> Self {
        let groups = assignment.groups.iter().map(|name| {
            let parsed = names::parse_group(name);
            match organization {
                Some(organization) => names::inside(organization, name, parsed),
                None => parsed.map(|(_, group)| group),
            }
        });
        let groups = checks.take_all("assignment.groups", groups).into_iter().collect();
        let settings = assignment.settings.and_then(|s| checks.take("assignment.settings", parse_settings(s)));
        let mode = parse_update_mode(assignment.update_mode);
        let export = parse_email_export(assignment.email_export);
        Self {
            display_name: assignment.display_name,
            groups,
            update_mode: checks.take("assignment.update_mode", mode).flatten(),
            settings,
            email_export: checks.take("assignment.email_export", export).flatten(),
        }
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
    pub(crate) fn to_edit(&self, mask: &Mask, current: &Assignment) -> Result<Edit, Refusal> {
        let update_mode = match (mask.takes("update_mode", self.update_mode.is_some()), self.update_mode) {
            (true, None) => {
                let description = "choose MANUAL_EDITING or AUTOMATIC_UPDATES";
                return Err(Refusal::violation(Violation::invalid("assignment.update_mode", description)));
            }
            (takes, mode) => mode.filter(|_| takes),
        };
        let choose =
            choose(mask, self.email_export, current.chosen).map_err(|v| Refusal::violation(v.at("assignment")))?;
        let groups = mask.takes("groups", !self.groups.is_empty()).then(|| self.groups.clone());
        Ok(Edit {
            display_name: mask.takes("display_name", !self.display_name.is_empty()).then(|| self.display_name.clone()),
            groups,
            update_mode,
            settings: merge_settings(mask, &current.settings, self.settings.as_ref()),
            choose,
        })
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
            action_required: *phase == rollcall_domain::Phase::Migrated && assignment.action_required(*summary),
        }),
        member_count: members.cast_signed(),
        etag: meta.as_ref().map(|meta| meta.updated_revision.to_string()).unwrap_or_default(),
        create_time: meta.as_ref().map(|meta| to_timestamp(meta.created_at)),
        update_time: meta.as_ref().map(|meta| to_timestamp(meta.updated_at)),
    }
}

/// In phase LEGACY nobody has the setting, so nobody is counted for one value or the other.
fn in_migrated(phase: rollcall_domain::Phase, count: u32) -> i32 {
    if phase == rollcall_domain::Phase::Migrated { count.cast_signed() } else { 0 }
}
