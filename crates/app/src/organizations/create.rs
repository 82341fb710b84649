//! Creating an organization.

use rollcall_domain::{OrganizationId, Phase, directory::MassChangeLimit, names};
use rollcall_store::{
    SystemConn,
    organizations::{self as store, NewOrganization, OrganizationView},
};
use uuid::Uuid;

use crate::{Answer, App, Call, Changed, Error, Preview, Result};

/// An organization to be created.
#[derive(Clone, Debug)]
pub struct Create {
    /// The id; a UUID is made when absent.
    pub id: Option<OrganizationId>,
    /// As people write it; the id when empty.
    pub display_name: String,
    /// Who decides about email export.
    pub phase: Phase,
    /// What a sync may do without being asked twice.
    pub mass_change_limit: Option<MassChangeLimit>,
    /// The domains of its members' emails, in lower case; empty for any.
    pub email_domains: Vec<String>,
    /// In which wave of the settings migration it goes.
    pub wave: u32,
}

impl App {
    /// Creates an organization with its default assignment and an empty catalog.
    ///
    /// # Errors
    /// A taken id, or bad values.
    pub async fn create_organization(
        &self,
        call: &Call<'_, OrganizationView>,
        create: Create,
    ) -> Result<Answer<OrganizationView>> {
        let id = create.id.unwrap_or_else(|| {
            // A UUID may begin with a digit, an id may not. Who asks for the same twice gets the same.
            let uuid = call.request.as_ref().map_or_else(Uuid::now_v7, |request| request.id);
            OrganizationId::trusted(format!("o-{uuid}"))
        });
        let new = NewOrganization {
            uid: Uuid::now_v7(),
            default_uid: Uuid::now_v7(),
            display_name: if create.display_name.is_empty() { id.to_string() } else { create.display_name },
            phase: create.phase,
            mass_change_limit: create.mass_change_limit.unwrap_or_default(),
            email_domains: create.email_domains,
            wave: create.wave,
            id: id.clone(),
        };
        let after = serde_json::json!({ "display_name": new.display_name, "phase": new.phase, "mass_change_limit": new.mass_change_limit, "email_domains": new.email_domains, "wave": new.wave });
        let event = call.event(names::organization(&id), None, Some(after));
        self.change_above(call, "create_organization", async |conn: &mut SystemConn| {
            let created = if call.validate_only {
                store::preview_organization(conn, &new).await
            } else {
                store::create_organization(conn, &new, &event).await
            };
            let created = created.map_err(|error| match error {
                rollcall_store::Error::Exists { .. } => Error::OrganizationExists(new.id.clone()),
                other => other.into(),
            })?;
            let preview = call.validate_only.then(Preview::default);
            let (revision, value) = (created.revision, created.into());
            Ok(Changed { value, preview, revision, warnings: Vec::new() })
        })
        .await
    }
}
