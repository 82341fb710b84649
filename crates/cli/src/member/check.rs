//! `rollcall member check`: says whether the emails of an address may be exported to the CRM, and explains the answer.

use prost_types::Timestamp;
use rollcall_domain::{Email, OrganizationId};
use rollcall_proto::v1::{
    CheckEmailExportRequest, CheckEmailExportResponse, EmailExportReason, ExplainMemberRequest, ExplainMemberResponse,
    Member, MemberStatus, SettingCause, SettingOrigin, Verdict, check_email_export_request::Subject,
};
use url::Url;

use crate::{
    connection::{ServerConnection, answer},
    error::Result,
    output::{aligned_lines, print_line},
    values,
};

/// The arguments of `member check`.
#[derive(Debug, clap::Args)]
pub struct MemberCheckArguments {
    /// The email address
    #[arg(value_name = "EMAIL", value_parser = values::email)]
    pub email: Email,
    /// The organization of the member
    #[arg(long, value_name = "ID", value_parser = values::organization)]
    pub organization: OrganizationId,
    /// When the email was sent, such as 2026-03-03T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = values::time)]
    pub sent_time: Option<Timestamp>,
    /// The running server, such as http://localhost:50051 [default: the database]
    #[arg(long, value_name = "URL", value_parser = values::server_url)]
    pub target: Option<Url>,
}

/// `rollcall member check`.
///
/// # Errors
/// A call fails.
pub async fn run(server: &ServerConnection, arguments: &MemberCheckArguments) -> Result {
    let MemberCheckArguments { email, organization, .. } = arguments;
    let request = CheckEmailExportRequest {
        parent: format!("organizations/{organization}"),
        subject: Some(Subject::Email(email.to_string())),
        sent_time: arguments.sent_time,
        ..Default::default()
    };
    let what = format!("cannot check {email}");
    let decision = answer(&what, server.email_export().check_email_export(request).await)?;
    let explanation = if decision.member.is_empty() {
        None
    } else {
        let request = ExplainMemberRequest { name: decision.member.clone(), ..Default::default() };
        Some(answer(&what, server.members().explain_member(request).await)?)
    };
    explanation_lines(email, &decision, explanation.as_ref()).iter().for_each(print_line);
    Ok(())
}

/// Returns the answer in one line, and one line for each part of its explanation.
#[must_use]
pub fn explanation_lines(
    email: &Email,
    decision: &CheckEmailExportResponse,
    explanation: Option<&ExplainMemberResponse>,
) -> Vec<String> {
    let verdict = if decision.export { "export" } else { "do not export" };
    let mut rows = vec![["why".to_owned(), why(decision)]];
    if let Some(explanation) = explanation {
        let member = explanation.member.clone().unwrap_or_default();
        rows.push(["member".to_owned(), member_text(&member)]);
        rows.push(["assignment".to_owned(), assignment_text(explanation, &member)]);
        let origin = explanation.settings.iter().find(|origin| origin.setting == "email_export");
        rows.extend(origin.map(|origin| ["setting".to_owned(), setting_text(origin)]));
    }
    rows.extend(next_step(decision, explanation).map(|step| ["next".to_owned(), step.to_owned()]));
    let mut lines = vec![format!("{email}: {verdict}")];
    lines.extend(aligned_lines(&rows, [false, false]));
    lines
}

fn why(decision: &CheckEmailExportResponse) -> String {
    match decision.reason() {
        EmailExportReason::Exported => "the member is active, and the setting is EXPORT".to_owned(),
        EmailExportReason::SettingIsDoNotExport => "the setting of the member is DO_NOT_EXPORT".to_owned(),
        EmailExportReason::SentBeforeExportWasEnabled => {
            let since = decision.export_since.map(|time| time.to_string()).unwrap_or_default();
            format!("the email was sent before {since}, when the setting became EXPORT")
        }
        EmailExportReason::MemberInactive => "the member is inactive".to_owned(),
        EmailExportReason::MemberUnknown => "no member is known to have had the address at that time".to_owned(),
        EmailExportReason::Unspecified => format!("the server gave the unknown reason {}", decision.reason),
    }
}

fn member_text(member: &Member) -> String {
    let name = format!("{} {}", member.given_name, member.family_name);
    let status = if member.status() == MemberStatus::Active { "active" } else { "inactive" };
    match name.trim() {
        "" => format!("{}, {status}", id(&member.name)),
        name => format!("{} ({name}), {status}", id(&member.name)),
    }
}

fn assignment_text(explanation: &ExplainMemberResponse, member: &Member) -> String {
    let Some(winner) = &explanation.winner else { return id(&member.assignment).to_owned() };
    let groups: Vec<&str> = winner.shared_groups.iter().map(|group| id(group)).collect();
    let reason = match winner.verdict() {
        Verdict::FirstMatch => format!("the first listed one with a group of the member ({})", groups.join(", ")),
        Verdict::Pinned => {
            let pin = member.pin.clone().unwrap_or_default();
            let reason = if pin.reason.is_empty() { String::new() } else { format!(": {}", pin.reason) };
            format!("{} has moved the member there{reason}", pin.actor)
        }
        Verdict::StaysInManual => "it is in manual editing, so the member stays in it".to_owned(),
        Verdict::NoOtherMatches => "no listed one has a group of the member".to_owned(),
        other => other.as_str_name().trim_start_matches("VERDICT_").to_owned(),
    };
    format!("{} ({}), rank {}: {reason}", id(&winner.assignment), winner.display_name, winner.rank)
}

fn setting_text(origin: &SettingOrigin) -> String {
    let cause = match origin.cause() {
        SettingCause::AssignmentEdited => "the assignment was edited",
        SettingCause::EnteredAssignment => "the member entered the assignment",
        SettingCause::EditedByHand => "the member was edited",
        SettingCause::BecameActive => "the member became active again",
        SettingCause::Migration => "the settings migration carried it over",
        SettingCause::MigrationRolledBack => "the settings migration was rolled back",
        SettingCause::Legacy => "the old settings page decides",
        SettingCause::Unspecified => "the cause is unknown",
    };
    let since = origin.since.map(|time| format!(" since {time}")).unwrap_or_default();
    let actor = if origin.actor.is_empty() { String::new() } else { format!(", by {}", origin.actor) };
    format!("{}{since}: {cause}{actor}", origin.value)
}

fn next_step(decision: &CheckEmailExportResponse, explanation: Option<&ExplainMemberResponse>) -> Option<&'static str> {
    let is_legacy = explanation.is_some_and(|explanation| {
        explanation
            .settings
            .iter()
            .any(|origin| origin.setting == "email_export" && origin.cause() == SettingCause::Legacy)
    });
    match decision.reason() {
        EmailExportReason::SettingIsDoNotExport if is_legacy => {
            Some("import another old setting for the address, or migrate the organization")
        }
        EmailExportReason::SettingIsDoNotExport => {
            Some("choose EMAIL_EXPORT_EXPORT on the assignment, or move the member to one that exports")
        }
        EmailExportReason::SentBeforeExportWasEnabled => Some("nothing: such an email is never exported"),
        EmailExportReason::MemberInactive => Some("nothing, until the identity provider makes the member active"),
        EmailExportReason::MemberUnknown => Some("check the address and the time, or sync the directory"),
        EmailExportReason::Exported | EmailExportReason::Unspecified => None,
    }
}

/// Returns the last part of a resource name.
fn id(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
