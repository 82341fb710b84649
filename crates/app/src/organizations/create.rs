//! Creating an organization.

use rollcall_domain::{Organization, OrganizationId, Plan, names, organization::OrganizationInput};
use rollcall_store::{
    SystemConn,
    organizations::{self as store, NewOrganization, OrganizationView},
};
use uuid::Uuid;

use crate::{Answer, App, AuditDraft, Changed, Error, MutationContext, Result, document};

/// A request to create an organization.
#[derive(Clone, Debug)]
pub struct OrganizationCreation {
    /// The id; `None` for one that is made from a UUID.
    pub id: Option<OrganizationId>,
    /// The values in the request.
    pub input: OrganizationInput,
}

impl App {
    /// Creates an organization with its default assignment and an empty catalog.
    ///
    /// # Errors
    /// A taken id, or bad values.
    pub async fn create_organization(
        &self,
        context: &MutationContext<'_, OrganizationView>,
        create: OrganizationCreation,
    ) -> Result<Answer<OrganizationView>> {
        let id = create.id.unwrap_or_else(|| {
            // The prefix is there because an id must not begin with a digit. The same request gets the same id again.
            let uuid = context.caller.request.as_ref().map_or_else(Uuid::now_v7, |request| request.kept_as);
            OrganizationId::trusted(format!("o-{uuid}"))
        });
        let OrganizationInput { display_name, phase, mass_change_limit, email_domains, wave } = create.input;
        let new = NewOrganization {
            uid: Uuid::now_v7(),
            default_uid: Uuid::now_v7(),
            display_name: Organization::display_name_or_id(&id, &display_name),
            phase: phase.unwrap_or_default(),
            mass_change_limit: mass_change_limit.unwrap_or_default(),
            email_domains,
            wave,
            id: id.clone(),
        };
        let after = serde_json::json!({
            "display_name": new.display_name,
            "phase": new.phase,
            "mass_change_limit": new.mass_change_limit,
            "email_domains": new.email_domains,
            "wave": new.wave,
        });
        let draft = AuditDraft { resource: names::organization(&id), before: None, after: document(after) };
        let event = context.caller.event(draft);
        self.once_system(context, "create_organization", async |conn: &mut SystemConn| {
            let created = if context.caller.validate_only {
                store::preview_organization(conn, &new).await
            } else {
                store::create_organization(conn, &new, &event).await
            };
            let created = created.map_err(|error| match error {
                rollcall_store::Error::Exists { .. } => Error::OrganizationExists(new.id.clone()),
                other => other.into(),
            })?;
            let preview = context.caller.validate_only.then(Plan::default);
            let (revision, value) = (created.revision, created.into());
            Ok(Changed { value, preview, revision, warnings: Vec::new() })
        })
        .await
    }
}
