//! Writing CSV: RFC 4180 with CRLF. Text that a spreadsheet would run as a formula gets a leading apostrophe.
//!
//! The columns of each table and the cells of its rows are in `member_table.rs`, `mixed_table.rs` and
//! `changes_table.rs`.

use bytes::Bytes;
use rollcall_domain::{
    OrganizationId,
    email_export::{MemberExport, export_since_text},
};
use rollcall_store::members::mixed::ReportedAssignment;

use super::{errors::internal, layout::CHUNK};
use crate::Result;

/// How text that a spreadsheet would run as a formula is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CsvProfile {
    /// With a leading apostrophe: for spreadsheets.
    #[default]
    Spreadsheet,
    /// Unchanged: for programs.
    Raw,
}

/// A piece of a CSV file that consists of whole rows. Its methods do not fail in practice, because they write to
/// memory.
pub struct CsvPage {
    profile: CsvProfile,
    writer: ::csv::Writer<Vec<u8>>,
}

impl CsvPage {
    /// Creates an empty piece.
    #[must_use]
    pub fn new(profile: CsvProfile) -> Self {
        let writer =
            ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).flexible(true).from_writer(Vec::new());
        Self { profile, writer }
    }

    /// Writes the header.
    ///
    /// # Errors
    /// [`crate::Error::Internal`].
    pub fn header(&mut self, columns: &[&str]) -> Result<()> {
        self.writer.write_record(columns).map_err(internal)
    }

    /// Returns the bytes of the piece.
    ///
    /// # Errors
    /// [`crate::Error::Internal`].
    pub fn finish(self) -> Result<Bytes> {
        self.writer.into_inner().map(Bytes::from).map_err(internal)
    }

    /// Whether the piece is large enough to be sent.
    pub(super) fn is_full(&self) -> bool {
        self.writer.get_ref().len() >= CHUNK
    }

    /// Returns the bytes of the piece, and begins the next piece.
    pub(super) fn take(&mut self) -> Result<Bytes> {
        std::mem::replace(self, Self::new(self.profile)).finish()
    }

    /// Writes a cell with text of a person or an identity provider.
    pub(super) fn text(&mut self, text: &str) -> Result<()> {
        let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
        if is_formula && self.profile == CsvProfile::Spreadsheet {
            return self.word(&format!("'{text}"));
        }
        self.word(text)
    }

    /// Writes a cell with a word of the contract, which no spreadsheet runs.
    pub(super) fn word(&mut self, word: &str) -> Result<()> {
        self.writer.write_field(word).map_err(internal)
    }

    pub(super) fn number(&mut self, number: u32) -> Result<()> {
        self.word(&number.to_string())
    }

    pub(super) fn flag(&mut self, flag: bool) -> Result<()> {
        self.word(if flag { "true" } else { "false" })
    }

    /// Writes whether a member is active.
    pub(super) fn status(&mut self, active: bool) -> Result<()> {
        self.word(if active { "ACTIVE" } else { "INACTIVE" })
    }

    /// Writes the three cells of an email export setting: value, start and source. All are empty without a setting.
    pub(super) fn email_export(&mut self, export: Option<MemberExport>) -> Result<()> {
        self.word(export.map_or("", |export| export.setting.value().as_str()))?;
        self.word(&export_since_text(export.map(|export| export.setting)))?;
        self.word(export.map_or("", |export| export.source.as_str()))
    }

    /// Writes the three cells that name a mixed assignment: organization, id and display name.
    pub(super) fn assignment_name(&mut self, organization: &OrganizationId, mixed: &ReportedAssignment) -> Result<()> {
        self.text(organization.as_str())?;
        self.text(mixed.id.as_str())?;
        self.text(&mixed.name)
    }

    /// Writes the five cells with the state of a mixed assignment: rank, update mode, whether action is required, and
    /// the members with each setting.
    pub(super) fn assignment_state(&mut self, mixed: &ReportedAssignment) -> Result<()> {
        self.number(mixed.rank)?;
        self.word(mixed.update_mode.as_str())?;
        self.flag(mixed.update_mode.action_required(mixed.summary))?;
        self.number(mixed.summary.exporting)?;
        self.number(mixed.summary.not_exporting)
    }

    pub(super) fn end_row(&mut self) -> Result<()> {
        self.writer.write_record(None::<&[u8]>).map_err(internal)
    }
}
