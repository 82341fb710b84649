//! Organizations and their catalogs.

use std::collections::BTreeSet;

use rollcall_domain::{
    OrganizationId, Phase, Refusal, catalog::Catalog, directory::MassChangeLimit, ids::check_text, refusal::Violation,
};
pub use rollcall_store::organizations::Organization;
use rollcall_store::{
    ReadTx, WriteTx,
    organizations::{self as store, CatalogEntry, NewOrganization},
};
use uuid::Uuid;

use crate::{App, Caller, Changed, Error, Read, Result, check_etag, check_revision, json};

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
}

impl App {
    /// Creates an organization with its default assignment and an empty catalog.
    ///
    /// # Errors
    /// A taken id, or bad values.
    pub async fn create_organization(&self, caller: &Caller, create: Create) -> Result<Changed<Organization>> {
        check_create(&create)?;
        let id = create.id.unwrap_or_else(|| {
            // A UUID may begin with a digit, an id may not.
            OrganizationId::trusted(format!("o-{}", Uuid::now_v7()))
        });
        let new = NewOrganization {
            uid: Uuid::now_v7(),
            default_uid: Uuid::now_v7(),
            display_name: if create.display_name.is_empty() { id.to_string() } else { create.display_name },
            phase: create.phase,
            mass_change_limit: create.mass_change_limit.unwrap_or_default(),
            id: id.clone(),
        };
        let resource = format!("organizations/{id}");
        let after = serde_json::json!({ "display_name": new.display_name, "phase": new.phase, "mass_change_limit": new.mass_change_limit });
        let event = caller.event(resource, None, Some(after));
        let created = if caller.validate_only {
            store::preview_organization(&self.db, &new).await
        } else {
            store::create_organization(&self.db, &new, event).await
        };
        let value = created.map_err(|error| match error {
            rollcall_store::Error::Exists { .. } => Error::OrganizationExists(id),
            other => other.into(),
        })?;
        Ok(Changed { revision: value.revision, value, preview: None })
    }

    /// Reads an organization.
    ///
    /// # Errors
    /// An unknown organization.
    pub async fn get_organization(
        &self,
        organization: &OrganizationId,
        at_least: Option<i64>,
    ) -> Result<Read<Organization>> {
        self.db
            .read(organization, "get_organization", async |tx: &mut ReadTx| {
                check_revision(tx, at_least)?;
                Ok(Read::of(tx, tx.organization().clone()))
            })
            .await
    }

    /// Replaces the catalog.
    ///
    /// # Errors
    /// A stale etag, a document that is not valid, or an entry in use that would go.
    pub async fn update_catalog(
        &self,
        caller: &Caller,
        organization: &OrganizationId,
        catalog: &Catalog,
        etag: &str,
    ) -> Result<Changed<Organization>> {
        Refusal::unless_empty(catalog.violations().into_iter().map(|v| v.at("catalog")).collect())?;
        self.db
            .write(organization, "update_catalog", async |tx: &mut WriteTx| {
                let resource = format!("organizations/{organization}/catalog");
                check_etag(&resource, Some(etag), tx.organization().catalog_revision)?;
                for entry in entries_that_go(&tx.organization().catalog, catalog) {
                    refuse_in_use(tx, &entry).await?;
                }
                let mut value = tx.organization().clone();
                let mut revision = value.revision;
                let event = caller.event(resource, json(&value.catalog), json(catalog));
                if !caller.validate_only {
                    revision = store::update_catalog(tx, catalog, event).await?;
                    value.catalog_revision = revision;
                }
                value.catalog = catalog.clone();
                Ok(Changed { value, preview: None, revision })
            })
            .await
    }
}

fn check_create(create: &Create) -> Result<()> {
    let mut found = Vec::new();
    let name = check_text(&create.display_name, "display name", 0, 200);
    found.extend(name.err().map(|v| v.at("organization.display_name")));
    if create.mass_change_limit.is_some_and(|limit| limit.percent > 100) {
        let field = "organization.mass_change_limit.percent";
        found.push(Violation::invalid(field, "the percentage must be from 0 to 100"));
    }
    Ok(Refusal::unless_empty(found)?)
}

fn entries_that_go(before: &Catalog, after: &Catalog) -> Vec<CatalogEntry> {
    let entries = |catalog: &Catalog| {
        let mut all = BTreeSet::new();
        for seat in &catalog.seat_types {
            all.insert((0, seat.id.clone(), String::new()));
        }
        for workspace in &catalog.workspaces {
            all.insert((1, workspace.id.clone(), String::new()));
            all.extend(workspace.profiles.iter().map(|profile| (2, workspace.id.clone(), profile.id.clone())));
        }
        all
    };
    let gone = entries(before).difference(&entries(after)).cloned().collect::<Vec<_>>();
    let entry = |(kind, id, profile)| match kind {
        0 => CatalogEntry::SeatType(id),
        1 => CatalogEntry::Workspace(id),
        _ => CatalogEntry::Profile(id, profile),
    };
    gone.into_iter().map(entry).collect()
}

async fn refuse_in_use(tx: &mut WriteTx, entry: &CatalogEntry) -> Result<()> {
    let (assignments, members) = store::count_catalog_uses(tx, entry).await?;
    if (assignments, members) == (0, 0) {
        return Ok(());
    }
    let entry = match entry {
        CatalogEntry::SeatType(seat) => format!("seat type {seat}"),
        CatalogEntry::Workspace(workspace) => format!("workspace {workspace}"),
        CatalogEntry::Profile(workspace, profile) => {
            format!("profile {profile} of workspace {workspace}")
        }
    };
    Err(Refusal::CatalogEntryInUse { entry, assignments, members }.into())
}
