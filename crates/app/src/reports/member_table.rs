//! The table of the team members report: its columns, and the cells of a row in the same order.

use rollcall_domain::OrganizationId;
use rollcall_store::members::export::TeamMember;

use super::csv::CsvPage;
use crate::Result;

/// The columns of the team members report.
pub const MEMBERS_COLUMNS: [&str; 24] = [
    "organization",
    "member",
    "email",
    "name",
    "job_title",
    "manager_email",
    "status",
    "assignment",
    "assignment_name",
    "assignment_rank",
    "update_mode",
    "seats",
    "web_conferences_recorded",
    "prevent_web_conference_recording",
    "telephony_calls_imported",
    "emails_imported",
    "prevent_email_import",
    "non_recorded_meetings_imported",
    "gong_connect_enabled",
    "home_workspace",
    "permission_profiles",
    "email_export",
    "email_export_since",
    "email_export_source",
];

/// Writes the row of a member.
///
/// # Errors
/// [`crate::Error::Internal`].
pub fn write_member(page: &mut CsvPage, organization: &OrganizationId, member: &TeamMember) -> Result<()> {
    page.text(organization.as_str())?;
    page.text(member.id.as_str())?;
    page.text(member.email.as_str())?;
    page.text(&full_name(&member.given_name, &member.family_name))?;
    page.text(&member.job_title)?;
    page.text(member.manager_email.as_ref().map_or("", |email| email.as_str()))?;
    page.status(member.active)?;
    page.text(member.assignment.as_str())?;
    page.text(&member.assignment_name)?;
    page.number(member.assignment_rank)?;
    page.word(member.update_mode.as_str())?;
    page.text(&member.held_seats.iter().map(String::as_str).collect::<Vec<_>>().join(";"))?;
    let capture = &member.settings.data_capture;
    for flag in [
        capture.web_conferences_recorded,
        capture.prevent_web_conference_recording,
        capture.telephony_calls_imported,
        capture.emails_imported,
        capture.prevent_email_import,
        capture.non_recorded_meetings_imported,
        capture.gong_connect_enabled,
    ] {
        page.flag(flag)?;
    }
    page.text(member.settings.home_workspace.as_deref().unwrap_or_default())?;
    page.text(&permission_profiles(&member.settings.permissions))?;
    page.email_export(member.export)?;
    page.end_row()
}

/// Joins given and family name with a space. White space in the names is kept; an empty name adds no space.
fn full_name(given: &str, family: &str) -> String {
    let between = if given.is_empty() || family.is_empty() { "" } else { " " };
    format!("{given}{between}{family}")
}

/// Returns `workspace=profile` pairs in byte order of the pairs.
fn permission_profiles(permissions: &std::collections::BTreeMap<String, String>) -> String {
    let mut pairs: Vec<String> =
        permissions.iter().map(|(workspace, profile)| format!("{workspace}={profile}")).collect();
    pairs.sort_unstable();
    pairs.join(";")
}
