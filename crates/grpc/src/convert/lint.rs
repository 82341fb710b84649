//! Mixed assignments and findings about the list of assignments.

use rollcall_app::assignments::MixedOverview;
use rollcall_domain::{OrganizationId, email_export::EmailExport, lint::LintFinding, names};
use rollcall_proto::v1;

use super::enums::{to_optional_email_export, to_rule, to_update_mode};

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
    v1::LintFinding {
        rule: to_rule(finding.rule),
        assignment: names::assignment(organization, &finding.assignment),
        rank: finding.rank.cast_signed(),
        message: finding.message.clone(),
        groups: finding.groups.iter().map(|group| names::group(organization, group)).collect(),
        taken_by: finding.taken_by.iter().map(|id| names::assignment(organization, id)).collect(),
    }
}
