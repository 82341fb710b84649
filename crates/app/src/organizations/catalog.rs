//! The catalog: reading it with how much of it is used, and replacing it whole.

use std::collections::{BTreeMap, BTreeSet};

use rollcall_domain::{AssignmentList, OrganizationId, Plan, Refusal, catalog::Catalog, names};
pub use rollcall_store::seats::SeatUse;
use rollcall_store::{
    ReadTx, WriteTx, assignments,
    organizations::{self as store, CatalogEntry},
    seats::count_seats,
};

use crate::{
    Answer, App, Call, Changed, Preview, Read, Result, Subject, Warning, check_etag, check_revision, json, seats,
};

/// The catalog with everything that is shown of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogView {
    /// The document.
    pub catalog: Catalog,
    /// The revision that last changed it.
    pub revision: i64,
    /// How many seats of each type are held and waited for; a type that nobody claims is not here.
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
                check_revision(tx, at_least)?;
                let seats = count_seats(tx).await?;
                let found = tx.organization();
                let value = CatalogView { catalog: found.catalog.clone(), revision: found.catalog_revision, seats };
                Ok(Read::of(tx, value))
            })
            .await
    }

    /// Replaces the catalog. Members who wait for a seat get it when its total is raised or taken away. The same document
    /// again is no change: nothing is written.
    ///
    /// # Errors
    /// A stale etag, a document that is not valid, or an entry in use that would go.
    pub async fn update_catalog(
        &self,
        call: &Call<'_, CatalogView>,
        organization: &OrganizationId,
        catalog: &Catalog,
        etag: &str,
    ) -> Result<Answer<CatalogView>> {
        Refusal::unless_empty(catalog.violations().into_iter().map(|v| v.at("catalog")).collect())?;
        self.change(call, organization, "update_catalog", async |tx: &mut WriteTx| {
            let resource = names::child(organization, "catalog");
            check_etag(&resource, Some(etag), tx.organization().catalog_revision)?;
            for entry in entries_that_go(&tx.organization().catalog, catalog) {
                refuse_in_use(tx, &entry).await?;
            }
            let mut seats = count_seats(tx).await?;
            let plan = seats::plan_totals(tx, catalog, &seats).await?;
            let warnings = warnings(tx, catalog, &plan).await?;
            let found = tx.organization();
            let (mut revision, mut catalog_revision) = (found.revision, found.catalog_revision);
            let event = call.event(resource, json(&found.catalog), json(catalog));
            if !call.validate_only && found.catalog != *catalog {
                revision = store::update_catalog(tx, catalog, &plan, event).await?;
                catalog_revision = revision;
            }
            show_granted(&mut seats, &plan);
            let value = CatalogView { catalog: catalog.clone(), revision: catalog_revision, seats };
            let preview = call.validate_only.then(|| Preview::of(&plan));
            Ok(Changed { value, preview, revision, warnings })
        })
        .await
    }
}

/// Shows the seats as they are once the plan is written.
fn show_granted(seats: &mut BTreeMap<String, SeatUse>, plan: &Plan) {
    for (seat, queue) in &plan.seats.queues {
        let granted = u32::try_from(queue.granted.len()).unwrap_or(u32::MAX);
        let now = seats.entry(seat.clone()).or_default();
        *now = SeatUse { used: now.used + granted, pending: now.pending - granted };
    }
}

/// What of the assignments the new catalog leaves configured but not effective: seats that members wait for, and those
/// that require another one which is not given. The latter is refused when the assignment's settings are next saved.
async fn warnings(tx: &mut WriteTx, catalog: &Catalog, plan: &Plan) -> Result<Vec<Warning>> {
    let list = assignments::get_list(tx).await?.list;
    let all = list.ranked().map(|(_, assignment)| &assignment.id).collect::<BTreeSet<_>>();
    let mut found = unmet_requirements(tx.id(), catalog, &list);
    found.extend(seats::warnings(tx, plan, catalog, &all).await?);
    Ok(found)
}

fn unmet_requirements(organization: &OrganizationId, catalog: &Catalog, list: &AssignmentList) -> Vec<Warning> {
    let mut found = Vec::new();
    for (_, assignment) in list.ranked() {
        for (seat, required) in catalog.unmet_requirements(&assignment.settings) {
            let name = names::assignment(organization, &assignment.id);
            let message = format!("{name} gives the seat `{seat}` without `{required}`, which it requires; give both");
            found.push(Warning { subject: Subject::Assignment(assignment.id.clone()), message });
        }
    }
    found
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
