//! The catalog between the contract and the domain.

use rollcall_app::organizations::CatalogView;
use rollcall_domain::{
    OrganizationId,
    catalog::{Catalog, Profile, SeatType, Workspace},
    names,
};
use rollcall_proto::v1;

use crate::checks::Checks;

/// Parses a catalog. The domain checks its entries.
pub(crate) fn parse_catalog(checks: &mut Checks, catalog: v1::Catalog) -> Catalog {
    for (i, seat) in catalog.seat_types.iter().enumerate() {
        let field = format!("catalog.seat_types[{i}].total");
        checks.require(seat.total.is_none_or(|total| total >= 0), &field, "the total must not be negative");
    }
    let named = |id: &str, display_name: String| if display_name.is_empty() { id.to_owned() } else { display_name };
    let seat_type = |seat: v1::SeatType| SeatType {
        display_name: named(&seat.seat_type, seat.display_name),
        id: seat.seat_type,
        requires: seat.requires,
        total: seat.total.map(i32::unsigned_abs),
    };
    let profile = |profile: v1::PermissionProfile| Profile {
        display_name: named(&profile.profile, profile.display_name),
        id: profile.profile,
    };
    let workspace = |workspace: v1::Workspace| Workspace {
        display_name: named(&workspace.workspace, workspace.display_name),
        id: workspace.workspace,
        profiles: workspace.profiles.into_iter().map(profile).collect(),
    };
    Catalog {
        seat_types: catalog.seat_types.into_iter().map(seat_type).collect(),
        workspaces: catalog.workspaces.into_iter().map(workspace).collect(),
    }
}

pub(crate) fn to_catalog(organization: &OrganizationId, view: &CatalogView) -> v1::Catalog {
    let CatalogView { catalog, revision, seats } = view;
    let seat_type = |seat: &SeatType| {
        let now = seats.get(&seat.id).copied().unwrap_or_default();
        v1::SeatType {
            seat_type: seat.id.clone(),
            display_name: seat.display_name.clone(),
            requires: seat.requires.clone(),
            total: seat.total.map(u32::cast_signed),
            used: now.used.cast_signed(),
            pending: now.pending.cast_signed(),
        }
    };
    let profile = |profile: &Profile| v1::PermissionProfile {
        profile: profile.id.clone(),
        display_name: profile.display_name.clone(),
    };
    let workspace = |workspace: &Workspace| v1::Workspace {
        workspace: workspace.id.clone(),
        display_name: workspace.display_name.clone(),
        profiles: workspace.profiles.iter().map(profile).collect(),
    };
    v1::Catalog {
        name: names::child(organization, "catalog"),
        seat_types: catalog.seat_types.iter().map(seat_type).collect(),
        workspaces: catalog.workspaces.iter().map(workspace).collect(),
        etag: revision.to_string(),
    }
}
