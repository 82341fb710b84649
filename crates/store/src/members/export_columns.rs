//! The three columns of `members` that hold a member's email export setting.

use diesel::QueryableByName;
use rollcall_domain::{Timestamp, email_export::MemberExport};

use crate::{Result, schema::members, words};

/// The email export columns of a row; embed it in the row of a query.
#[derive(QueryableByName)]
#[diesel(table_name = members)]
pub(crate) struct ExportColumns {
    email_export: Option<String>,
    email_export_since: Option<Timestamp>,
    email_export_source: Option<String>,
}

impl ExportColumns {
    /// The setting; `None` in phase LEGACY.
    pub(crate) fn into_export(self) -> Result<Option<MemberExport>> {
        words::member_export(self.email_export.as_deref(), self.email_export_since, self.email_export_source.as_deref())
    }
}
