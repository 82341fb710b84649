//! Whether an email may be exported: the call that other services make before every export.

use rollcall_domain::{
    OrganizationId, Timestamp,
    email_export::{Decision, decide, find_holder},
};
use rollcall_store::{
    address_holdings,
    email_export::{FoundSubject, find_subject},
};

pub use rollcall_store::email_export::SubjectKey;

use crate::{App, Read, Result, check_revision};

impl App {
    /// Decides whether an email of a member, sent at `sent`, may be exported. An address means the member who held it at
    /// that time (product.md 4.10). For an unknown or inactive member the decision is no; it is not an error.
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
        loop {
            let known = find_subject(&self.db, organization, subject).await?;
            let subject = match known.subject {
                FoundSubject::Member(member) => member,
                FoundSubject::Address(holdings) => find_holder(&holdings, sent).cloned(),
                FoundSubject::UnfilledAddress => {
                    address_holdings::fill_one(&self.db, organization).await?;
                    continue;
                }
            };
            check_revision(known.revision, at_least)?;
            return Ok(Read { value: decide(known.phase, subject, sent), revision: known.revision });
        }
    }
}
