//! Updating an organization's own fields.

use rollcall_domain::{FieldSelection, Organization, Proposal, names, organization::OrganizationInput};
use rollcall_store::{WriteTx, assignments::StoredList, organizations::OrganizationView};
use serde_json::{Map, Value, json};

use crate::{Applied, AuditDraft, Operation, Planned, Result, check_etag, document};

/// A request to update an organization. An update that changes nothing makes no revision.
#[derive(Clone, Debug)]
pub struct OrganizationUpdate<'a> {
    /// The etag that the caller has read, if the caller gives one.
    pub etag: Option<&'a str>,
    /// The values in the request.
    pub input: &'a OrganizationInput,
    /// Which of them the update takes.
    pub selection: &'a FieldSelection,
}

impl Operation for OrganizationUpdate<'_> {
    type Answer = OrganizationView;
    /// The organization as it would be.
    type Before = Organization;
    const NAME: &'static str = "update_organization";

    async fn propose<'a>(&'a self, tx: &mut WriteTx, _: &StoredList) -> Result<(Proposal<'a>, Organization)> {
        let before = tx.organization();
        check_etag(names::organization(&before.id), self.etag, before.updated_revision)?;
        let after = self.input.updated(before, self.selection)?;
        Ok((Proposal::UpdateOrganization(Box::new(after.clone())), after))
    }

    fn audit(&self, after: &Organization, planned: &Planned<'_>) -> AuditDraft {
        let (before, after) = differences(planned.organization, after);
        AuditDraft {
            resource: names::organization(&planned.organization.id),
            before: document(Value::Object(before)),
            after: document(Value::Object(after)),
        }
    }

    fn answer(&self, mut after: Organization, applied: &mut Applied<'_>) -> Result<OrganizationView> {
        if applied.is_written {
            (after.updated_revision, after.updated_at) = (applied.revision, applied.planned.now);
        }
        Ok(after.into())
    }
}

/// The fields that differ, with their values before and after.
fn differences(before: &Organization, after: &Organization) -> (Map<String, Value>, Map<String, Value>) {
    let fields = |of: &Organization| {
        [
            ("display_name", json!(of.display_name)),
            ("mass_change_limit", json!(of.mass_change_limit)),
            ("email_domains", json!(of.email_domains)),
            ("wave", json!(of.wave)),
        ]
    };
    let changed = fields(before).into_iter().zip(fields(after)).filter(|((_, was), (_, is))| was != is);
    changed.map(|((field, was), (_, is))| ((field.to_owned(), was), (field.to_owned(), is))).unzip()
}
