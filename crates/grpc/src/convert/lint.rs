//! Mixed assignments and findings about the list of assignments.

use rollcall_app::assignments::MixedOverview;
use rollcall_domain::{OrganizationId, email_export::EmailExport, lint::LintFinding, names};
use rollcall_proto::v1;

use super::enums::{to_optional_email_export, to_rule, to_update_mode};

/// How many groups, and how many assignments, a finding names.
const FINDING_NAMES_MAX: usize = 20;

pub(crate) fn to_mixed(organization: &OrganizationId, mixed: &MixedOverview) -> v1::MixedAssignment {
    let MixedOverview { assignment, rank, counts, members_to_move } = mixed;
    let summary = counts.summary;
    let flips = |value: EmailExport| match value {
        EmailExport::Export => summary.not_exporting + counts.inactive_not_exporting,
        EmailExport::DoNotExport => summary.exporting + counts.inactive_exporting,
    };
    v1::MixedAssignment {
        assignment: names::assignment(organization, &assignment.id),
        display_name: assignment.display_name.clone(),
        rank: rank.cast_signed(),
        update_mode: to_update_mode(assignment.update_mode),
        exporting: summary.exporting.cast_signed(),
        not_exporting: summary.not_exporting.cast_signed(),
        inactive: summary.inactive.cast_signed(),
        action_required: assignment.action_required(summary),
        fewer_changes: to_optional_email_export(Some(summary.fewer_changes())),
        flips_if_export: flips(EmailExport::Export).cast_signed(),
        flips_if_do_not_export: flips(EmailExport::DoNotExport).cast_signed(),
        members_to_move: members_to_move.iter().map(|member| names::member(organization, member)).collect(),
        members_to_move_count: summary.members_to_move().cast_signed(),
    }
}

pub(crate) fn to_finding(organization: &OrganizationId, finding: &LintFinding) -> v1::LintFinding {
    let groups = finding.groups.iter().map(|group| names::group(organization, group));
    let taken_by = finding.taken_by.iter().map(|id| names::assignment(organization, id));
    v1::LintFinding {
        rule: to_rule(finding.rule),
        assignment: names::assignment(organization, &finding.assignment),
        rank: finding.rank.cast_signed(),
        message: finding.message.clone(),
        groups_count: i32::try_from(groups.len()).unwrap_or(i32::MAX),
        groups: groups.take(FINDING_NAMES_MAX).collect(),
        taken_by_count: i32::try_from(taken_by.len()).unwrap_or(i32::MAX),
        taken_by: taken_by.take(FINDING_NAMES_MAX).collect(),
    }
}

/// What distinguishes the findings of one organization, for page tokens: the assignment, and the rule's number in the
/// contract.
pub(crate) fn finding_key(finding: &LintFinding) -> String {
    format!("{} {}", finding.assignment, to_rule(finding.rule))
}
