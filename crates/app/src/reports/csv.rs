//! The CSV of both reports: RFC 4180 with CRLF, and text that a spreadsheet would run made harmless.

use bytes::Bytes;
use chrono::SecondsFormat;
use rollcall_domain::{OrganizationId, Timestamp};
use rollcall_store::members::{
    export::MemberRow,
    mixed::{MixedAssignment, MixedMember},
};

use super::{CHUNK, changes::Change};
use crate::{Error, Result};

/// The header of the team members report.
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

/// The header of the mixed-settings report.
pub const MIXED_COLUMNS: [&str; 14] = [
    "organization",
    "assignment",
    "assignment_name",
    "assignment_rank",
    "update_mode",
    "action_required",
    "members_exporting",
    "members_not_exporting",
    "member",
    "email",
    "status",
    "email_export",
    "email_export_since",
    "email_export_source",
];

/// The header of what changed since the report before.
pub const CHANGES_COLUMNS: [&str; 9] = [
    "organization",
    "assignment",
    "assignment_name",
    "change",
    "assignment_rank",
    "update_mode",
    "action_required",
    "members_exporting",
    "members_not_exporting",
];

/// The header of what a migration would leave mixed: the columns of the mixed-settings report that tell of an assignment.
pub const PLAN_COLUMNS: [&str; 8] = [
    "organization",
    "assignment",
    "assignment_name",
    "assignment_rank",
    "update_mode",
    "action_required",
    "members_exporting",
    "members_not_exporting",
];

/// What happens to text that a spreadsheet would run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// It gets a leading apostrophe.
    #[default]
    Spreadsheet,
    /// It stays as it is: for programs.
    Raw,
}

/// A piece of a CSV file: whole lines.
pub struct CsvPage {
    profile: Profile,
    writer: ::csv::Writer<Vec<u8>>,
}

impl CsvPage {
    /// An empty piece.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        let writer =
            ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).flexible(true).from_writer(Vec::new());
        Self { profile, writer }
    }

    /// Adds the header.
    ///
    /// # Errors
    /// None that is known of: writing to memory does not fail.
    pub fn header(&mut self, columns: &[&str]) -> Result<()> {
        self.writer.write_record(columns).map_err(internal)
    }

    /// Adds a line of the team members report.
    ///
    /// # Errors
    /// None that is known of: writing to memory does not fail.
    pub fn member(&mut self, organization: &OrganizationId, row: &MemberRow) -> Result<()> {
        self.text(organization.as_str())?;
        self.text(&row.member)?;
        self.text(&row.email)?;
        self.text(&full_name(row))?;
        self.text(&row.job_title)?;
        self.text(row.manager_email.as_deref().unwrap_or_default())?;
        self.text(status(row.active))?;
        self.text(&row.assignment)?;
        self.text(&row.assignment_name)?;
        self.number(row.assignment_rank)?;
        self.text(&row.update_mode)?;
        self.text(&sorted(row.seats.iter().cloned()))?;
        for flag in &row.data_capture {
            self.flag(*flag)?;
        }
        self.text(row.home_workspace.as_deref().unwrap_or_default())?;
        self.text(&permission_profiles(&row.permissions))?;
        self.email_export(row.email_export.as_deref(), row.email_export_since)?;
        self.text(row.email_export_source.as_deref().unwrap_or_default())?;
        self.end_line()
    }

    /// Adds a line of the mixed-settings report.
    ///
    /// # Errors
    /// None that is known of: writing to memory does not fail.
    pub fn mixed(
        &mut self,
        organization: &OrganizationId,
        assignment: &MixedAssignment,
        member: &MixedMember,
    ) -> Result<()> {
        self.text(organization.as_str())?;
        self.text(&assignment.id)?;
        self.text(&assignment.name)?;
        self.number(assignment.rank)?;
        self.text(&assignment.update_mode)?;
        self.flag(assignment.update_mode == "AUTOMATIC_UPDATES")?;
        self.number(assignment.exporting)?;
        self.number(assignment.not_exporting)?;
        self.text(&member.member)?;
        self.text(&member.email)?;
        self.text(status(member.active))?;
        self.email_export(member.email_export.as_deref(), member.email_export_since)?;
        self.text(member.email_export_source.as_deref().unwrap_or_default())?;
        self.end_line()
    }

    /// Adds a line of what changed since the report before.
    pub(super) fn change(&mut self, change: &Change) -> Result<()> {
        self.text(&change.of.organization)?;
        self.text(&change.of.assignment)?;
        self.text(&change.of.name)?;
        self.field(change.kind.as_str())?;
        self.number(change.of.rank)?;
        self.text(&change.of.update_mode)?;
        self.flag(change.of.update_mode == "AUTOMATIC_UPDATES")?;
        self.number(change.of.exporting)?;
        self.number(change.of.not_exporting)?;
        self.end_line()
    }

    /// Whether it is time to send what was added.
    pub(super) fn is_full(&self) -> bool {
        self.writer.get_ref().len() >= CHUNK
    }

    /// The bytes of what was added; an empty piece goes on.
    pub(super) fn take(&mut self) -> Result<Bytes> {
        std::mem::replace(self, Self::new(self.profile)).finish()
    }

    /// Adds a line of cells that people may have written.
    ///
    /// # Errors
    /// None that is known of: writing to memory does not fail.
    pub fn cells(&mut self, cells: &[&str]) -> Result<()> {
        cells.iter().try_for_each(|cell| self.text(cell))?;
        self.end_line()
    }

    /// The bytes of what was added.
    ///
    /// # Errors
    /// None that is known of: writing to memory does not fail.
    pub fn finish(self) -> Result<Bytes> {
        self.writer.into_inner().map(Bytes::from).map_err(internal)
    }

    /// A cell that people or an identity provider may have written.
    fn text(&mut self, text: &str) -> Result<()> {
        let runs = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
        if runs && self.profile == Profile::Spreadsheet {
            return self.field(&format!("'{text}"));
        }
        self.field(text)
    }

    fn number(&mut self, number: i32) -> Result<()> {
        self.field(&number.to_string())
    }

    fn flag(&mut self, flag: bool) -> Result<()> {
        self.field(if flag { "true" } else { "false" })
    }

    /// The setting and its start; both are empty while there is no setting.
    fn email_export(&mut self, setting: Option<&str>, since: Option<Timestamp>) -> Result<()> {
        self.text(setting.unwrap_or_default())?;
        match (setting, since) {
            (Some("EXPORT"), Some(start)) => self.field(&start.to_rfc3339_opts(SecondsFormat::Micros, true)),
            (Some("EXPORT"), None) => self.field("always"),
            _ => self.field(""),
        }
    }

    fn field(&mut self, field: &str) -> Result<()> {
        self.writer.write_field(field).map_err(internal)
    }

    fn end_line(&mut self) -> Result<()> {
        self.writer.write_record(None::<&[u8]>).map_err(internal)
    }
}

fn status(active: bool) -> &'static str {
    if active { "ACTIVE" } else { "INACTIVE" }
}

/// Given and family name as people wrote them, white space included; where one is empty, the other.
fn full_name(row: &MemberRow) -> String {
    let between = if row.given_name.is_empty() || row.family_name.is_empty() { "" } else { " " };
    format!("{}{between}{}", row.given_name, row.family_name)
}

fn permission_profiles(permissions: &serde_json::Value) -> String {
    let pairs = permissions.as_object().into_iter().flatten();
    sorted(pairs.map(|(workspace, profile)| format!("{workspace}={}", profile.as_str().unwrap_or_default())))
}

/// A list in one cell, by bytes.
fn sorted(items: impl IntoIterator<Item = String>) -> String {
    let mut items: Vec<String> = items.into_iter().collect();
    items.sort_unstable();
    items.join(";")
}

fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Internal(error.into())
}

#[cfg(test)]
mod tests;
