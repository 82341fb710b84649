//! Changing an organization's own fields.

use rollcall_domain::{OrganizationId, Phase, Violation, names};
use rollcall_store::{
    WriteTx,
    organizations::{self as store, Organization, OrganizationView},
};
use serde_json::{Map, Value, json};

use crate::{Answer, App, Call, Changed, Preview, Result, check_etag};

/// An update as it is asked for.
#[derive(Clone, Debug)]
pub struct Update<'a> {
    /// What the caller has read, if they say.
    pub etag: Option<&'a str>,
    /// The phase that the caller takes for granted, if they say.
    pub phase: Option<Phase>,
    /// The edit.
    pub edit: Edit,
}

/// New values; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// As people write it; the id when empty.
    pub display_name: Option<String>,
    /// How many members a sync may deactivate or re-home.
    pub limit_members: Option<u32>,
    /// Which share of them, in percent.
    pub limit_percent: Option<u32>,
    /// The domains of its members' emails, in lower case.
    pub email_domains: Option<Vec<String>>,
    /// In which wave of the settings migration it goes.
    pub wave: Option<u32>,
}

impl Edit {
    fn applied_to(&self, before: &Organization) -> Organization {
        let mut after = before.clone();
        if let Some(name) = &self.display_name {
            after.display_name = if name.is_empty() { before.id.to_string() } else { name.clone() };
        }
        let limit = &mut after.mass_change_limit;
        limit.members = self.limit_members.unwrap_or(limit.members);
        limit.percent = self.limit_percent.unwrap_or(limit.percent);
        if let Some(domains) = &self.email_domains {
            after.email_domains.clone_from(domains);
        }
        after.wave = self.wave.unwrap_or(after.wave);
        after
    }
}

impl App {
    /// Updates an organization. An update that changes nothing makes no revision.
    ///
    /// # Errors
    /// An unknown organization, a stale etag, or another phase than the one it is in.
    pub async fn update_organization(
        &self,
        call: &Call<'_, OrganizationView>,
        organization: &OrganizationId,
        update: &Update<'_>,
    ) -> Result<Answer<OrganizationView>> {
        self.change(call, organization, "update_organization", async |tx: &mut WriteTx| {
            let resource = names::organization(organization);
            let before = tx.organization().clone();
            check_etag(&resource, update.etag, before.updated_revision)?;
            check_phase(update.phase, before.phase)?;
            let mut after = update.edit.applied_to(&before);
            let (were, are) = differences(&before, &after);
            if !were.is_empty() && !call.validate_only {
                let event = call.event(resource, Some(Value::Object(were)), Some(Value::Object(are)));
                after.revision = store::update_organization(tx, &after, event).await?;
                (after.updated_revision, after.updated_at) = (after.revision, tx.now());
            }
            let preview = call.validate_only.then(Preview::default);
            Ok(Changed { revision: after.revision, value: after.into(), preview, warnings: Vec::new() })
        })
        .await
    }
}

/// Who reads, changes and writes back gives the phase along; who gives another one wants what no update does.
fn check_phase(given: Option<Phase>, current: Phase) -> Result<()> {
    if given.is_none_or(|given| given == current) {
        return Ok(());
    }
    Err(Violation::invalid("organization.phase", "only the migration changes the phase; leave it out").into())
}

/// The fields that are not the same, as they were and as they are.
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
