//! What the template shows of organizations and assignments. Text of people is never put into HTML here: the template
//! escapes it.

use rollcall_domain::{OrganizationId, UpdateMode, email_export::EmailExport, names};
use rollcall_store::{
    members::mixed::ReportedAssignment,
    reports::{MissingOrganization, MissingReason},
};

use super::{
    ShownAssignments,
    text::{counted, grouped},
};
use crate::reports::changes_table::ComparedAssignment;

/// The address in the calls, which a reader replaces.
const ADDRESS: &str = "localhost:50051";
/// The width of a bar, in units of its SVG.
const BAR: u64 = 1_000;
/// The least width of each part of a bar, so that one member among many is visible.
const LEAST: u64 = 8;

/// A mixed assignment.
pub(super) struct AssignmentSection<'a> {
    pub(super) organization: &'a OrganizationId,
    pub(super) assignment: &'a ReportedAssignment,
}

impl AssignmentSection<'_> {
    /// The id of the assignment's section in the page. The ids have no underscore.
    pub(super) fn anchor(&self) -> String {
        format!("{}_{}", self.organization, self.assignment.id)
    }

    pub(super) fn requires_action(&self) -> bool {
        self.assignment.update_mode.action_required(self.assignment.summary)
    }

    pub(super) fn is_automatic(&self) -> bool {
        self.assignment.update_mode == UpdateMode::AutomaticUpdates
    }

    pub(super) fn exporting(&self) -> String {
        grouped(u64::from(self.assignment.summary.exporting))
    }

    pub(super) fn not_exporting(&self) -> String {
        grouped(u64::from(self.assignment.summary.not_exporting))
    }

    /// The inactive members in words; empty if there are none.
    pub(super) fn inactive(&self) -> String {
        match self.assignment.summary.inactive {
            0 => String::new(),
            inactive => counted(u64::from(inactive), "inactive member", "inactive members"),
        }
    }

    /// The width of the bar of the members who export, of [`BAR`].
    pub(super) fn bar(&self) -> u64 {
        let summary = self.assignment.summary;
        let (exporting, all) =
            (u64::from(summary.exporting), u64::from(summary.exporting) + u64::from(summary.not_exporting));
        (exporting * BAR / all.max(1)).clamp(LEAST, BAR - LEAST)
    }

    /// The value that changes fewer members, in words.
    pub(super) fn value(&self) -> &'static str {
        match self.assignment.summary.fewer_changes() {
            EmailExport::Export => "Export",
            EmailExport::DoNotExport => "Do not export",
        }
    }

    /// The value that changes fewer members, as commands write it.
    pub(super) fn word(&self) -> &'static str {
        self.assignment.summary.fewer_changes().as_str()
    }

    /// The other value, as commands write it.
    pub(super) fn other_word(&self) -> &'static str {
        match self.assignment.summary.fewer_changes() {
            EmailExport::Export => EmailExport::DoNotExport.as_str(),
            EmailExport::DoNotExport => EmailExport::Export.as_str(),
        }
    }

    /// How many active members the value changes, in words.
    pub(super) fn moved(&self) -> String {
        counted(u64::from(self.assignment.summary.members_to_move()), "member", "members")
    }

    /// The call that chooses the value. Ids need no quoting in a shell.
    pub(super) fn call(&self) -> String {
        let name = names::assignment(self.organization, &self.assignment.id);
        let request = format!(
            r#"{{"assignment":{{"name":"{name}","email_export":"EMAIL_EXPORT_{}"}},"update_mask":{{"paths":["email_export"]}}}}"#,
            self.word()
        );
        format!("grpcurl -plaintext -d '{request}' {ADDRESS} rollcall.v1.AssignmentService/UpdateAssignment")
    }

    /// The command that chooses the value.
    pub(super) fn command(&self) -> String {
        let (organization, id) = (self.organization, &self.assignment.id);
        format!(
            "rollcall assignment choose {} --organization {organization} --assignment {id} --target http://{ADDRESS}",
            self.word()
        )
    }
}

/// An organization with the assignments of it that the page shows.
pub(super) struct OrganizationSection<'a> {
    pub(super) id: &'a OrganizationId,
    pub(super) mixed_assignments: u64,
    /// The number of rows in the data file.
    pub(super) members: u64,
    pub(super) shown: Vec<AssignmentSection<'a>>,
}

impl OrganizationSection<'_> {
    pub(super) fn summary(&self) -> String {
        let assignments = counted(self.mixed_assignments, "mixed assignment", "mixed assignments");
        let members = counted(self.members, "member", "members");
        match self.mixed_assignments - self.shown.len() as u64 {
            0 => format!("{assignments} with {members}"),
            hidden => format!("{assignments} with {members}; {} not shown here", counted(hidden, "is", "are")),
        }
    }
}

/// The changes of one kind.
pub(super) struct ChangeTable<'a> {
    pub(super) title: &'static str,
    /// The number of all changes of this kind.
    pub(super) count: u64,
    /// The changes that the page shows.
    pub(super) lines: Vec<ChangeLine<'a>>,
}

/// A changed assignment.
pub(super) struct ChangeLine<'a> {
    pub(super) view: AssignmentSection<'a>,
    /// Whether the page has a section of the assignment.
    pub(super) is_shown: bool,
}

impl<'a> ChangeTable<'a> {
    pub(super) fn new(
        title: &'static str,
        count: u64,
        changes: &'a [ComparedAssignment],
        shown: &ShownAssignments,
    ) -> Self {
        let line = |ComparedAssignment { organization, assignment }: &'a ComparedAssignment| ChangeLine {
            view: AssignmentSection { organization, assignment },
            is_shown: shown.contains(organization, &assignment.id),
        };
        Self { title, count, lines: changes.iter().map(line).collect() }
    }
}

/// An organization that the report lacks.
pub(super) struct MissingView<'a>(pub(super) &'a MissingOrganization);

impl MissingView<'_> {
    pub(super) fn organization(&self) -> &OrganizationId {
        &self.0.organization
    }

    pub(super) fn word(&self) -> &'static str {
        self.0.reason.into()
    }

    pub(super) fn advice(&self) -> &'static str {
        match self.0.reason {
            MissingReason::InvalidRows => {
                "A stored row is not valid. Every report lacks the organization until an operator repairs the row."
            }
            MissingReason::DatabaseFault => {
                "The database failed each time. After the fault is repaired, run the job again."
            }
        }
    }
}
