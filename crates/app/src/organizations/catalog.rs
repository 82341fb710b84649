//! The catalog: reading it with how much of it is used, and replacing it as a whole.

use std::collections::BTreeMap;

use rollcall_domain::{
    OrganizationId, Proposal,
    catalog::{Catalog, ReplaceCatalog},
    names,
};
pub use rollcall_store::seats::SeatUse;
use rollcall_store::{ReadTx, WriteTx, assignments::StoredList, organizations::list_catalog_uses, seats::count_seats};
use serde_json::json;

use crate::{App, Applied, AuditDraft, Operation, Planned, Read, Result, check_etag, check_revision, document};

/// The catalog with everything that is shown of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogView {
    /// The document.
    pub catalog: Catalog,
    /// The revision that last changed it.
    pub revision: i64,
    /// How many seats of each type are held and pending. A type that no member claims is absent.
    pub seats: BTreeMap<String, SeatUse>,
}

impl App {
    /// Reads the catalog.
    ///
    /// # Errors
    /// An unknown organization.
    pub async fn get_catalog(&self, organization: &OrganizationId, at_least: Option<i64>) -> Result<Read<CatalogView>> {
        self.db
            .read(organization, "get_catalog", async |tx: &mut ReadTx| {
                check_revision(tx.organization().revision, at_least)?;
                let seats = count_seats(tx).await?;
                let found = tx.organization();
                let value = CatalogView { catalog: found.catalog.clone(), revision: found.catalog_revision, seats };
                Ok(Read::of(tx, value))
            })
            .await
    }
}

/// A request to replace the catalog. Members who wait for a seat are granted it when its total is raised or removed. The
/// current document changes nothing.
#[derive(Clone, Debug)]
pub struct CatalogReplacement<'a> {
    /// The new catalog.
    pub catalog: &'a Catalog,
    /// The etag that the caller has read.
    pub etag: &'a str,
}

/// How much of each seat type is used before the change.
type SeatUses = BTreeMap<String, SeatUse>;

impl Operation for CatalogReplacement<'_> {
    type Answer = CatalogView;
    type Before = SeatUses;
    const NAME: &'static str = "update_catalog";

    async fn propose<'a>(&'a self, tx: &mut WriteTx, _: &StoredList) -> Result<(Proposal<'a>, SeatUses)> {
        check_etag(names::child(tx.id(), "catalog"), Some(self.etag), tx.organization().catalog_revision)?;
        let removed = tx.organization().catalog.removed_entries(self.catalog);
        let uses = list_catalog_uses(tx, removed).await?;
        Ok((Proposal::ReplaceCatalog(ReplaceCatalog::propose(self.catalog, &uses)?), count_seats(tx).await?))
    }

    fn audit(&self, _: &SeatUses, planned: &Planned<'_>) -> AuditDraft {
        AuditDraft {
            resource: names::child(&planned.organization.id, "catalog"),
            before: document(json!(planned.organization.catalog)),
            after: document(json!(self.catalog)),
        }
    }

    fn answer(&self, mut seats: SeatUses, applied: &mut Applied<'_>) -> Result<CatalogView> {
        for (seat, queue) in &applied.planned.plan.seats.queues {
            let granted = u32::try_from(queue.granted.len()).unwrap_or(u32::MAX);
            let now = seats.entry(seat.clone()).or_default();
            *now = SeatUse { used: now.used + granted, pending: now.pending - granted };
        }
        let before = applied.planned.organization.catalog_revision;
        let revision = if applied.is_written { applied.revision } else { before };
        Ok(CatalogView { catalog: self.catalog.clone(), revision, seats })
    }
}
