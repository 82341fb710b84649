//! Whether an email may be exported: the call that other services make before every export.

use rollcall_domain::{
    OrganizationId, Timestamp,
    email_export::{Decision, decide},
};
use rollcall_store::email_export::find_subject;

pub use rollcall_store::email_export::SubjectKey;

use crate::{App, Read, Result, check_revision};

impl App {
    /// Decides whether an email of a member, sent at `sent`, may be exported. For an unknown or inactive member the
    /// decision is no; it is not an error.
    ///
    /// # Errors
    /// An unknown organization; then, and whenever there is no answer, do not export.
    pub async fn check_email_export(
        &self,
        organization: &OrganizationId,
        subject: &SubjectKey,
        sent: Option<Timestamp>,
        at_least: Option<i64>,
    ) -> Result<Read<Decision>> {
        let known = find_subject(&self.db, organization, subject).await?;
        check_revision(known.revision, at_least)?;
        Ok(Read { value: decide(known.phase, known.subject, sent), revision: known.revision })
    }
}
