//! Members and why they are where they are.

use rollcall_app::members::{Explained, MemberView};
use rollcall_domain::{
    OrganizationId,
    email_export::{Setting, Since},
    explain::Verdict,
    resolution::Why,
};
use rollcall_proto::v1;

use super::{settings, to_timestamp};
use crate::names;

pub(crate) fn to_member(organization: &OrganizationId, view: &MemberView) -> v1::Member {
    let since = match view.export.map(|export| export.setting) {
        Some(Setting::Export(Since::At(start))) => Some(to_timestamp(start)),
        _ => None,
    };
    let held_seats = if view.active { view.settings.seats.iter().cloned().collect() } else { Vec::new() };
    v1::Member {
        name: names::member(organization, &view.id),
        email: view.identity.email.to_string(),
        given_name: view.identity.given_name.clone(),
        family_name: view.identity.family_name.clone(),
        job_title: view.identity.job_title.clone(),
        manager_email: view.identity.manager_email.as_ref().map(ToString::to_string).unwrap_or_default(),
        status: to_status(view.active),
        groups: view.groups.iter().map(|group| names::group(organization, group)).collect(),
        assignment: names::assignment(organization, &view.assignment),
        pin: view.pin.as_ref().map(|pin| v1::Pin {
            assignment: names::assignment(organization, &pin.assignment),
            actor: pin.actor.clone(),
            reason: pin.reason.clone(),
            time: Some(to_timestamp(pin.time)),
        }),
        settings: Some(settings::to_settings(&view.settings)),
        held_seats,
        pending_seats: Vec::new(),
        email_export: settings::to_optional_email_export(view.export.map(|export| export.setting.value())),
        email_export_since: since,
        email_export_source: settings::to_source(view.export.map(|export| export.source)),
        create_time: Some(to_timestamp(view.created_at)),
        update_time: Some(to_timestamp(view.updated_at)),
        etag: view.updated_revision.to_string(),
    }
}

fn to_status(active: bool) -> i32 {
    if active { v1::MemberStatus::Active } else { v1::MemberStatus::Inactive }.into()
}

/// Whether a member is active; `None` where a row does not say.
pub(crate) fn parse_status(status: i32) -> Option<bool> {
    match v1::MemberStatus::try_from(status) {
        Ok(v1::MemberStatus::Active) => Some(true),
        Ok(v1::MemberStatus::Inactive) => Some(false),
        _ => None,
    }
}

pub(crate) fn to_verdict(organization: &OrganizationId, explained: &Explained) -> v1::AssignmentVerdict {
    let verdict = match explained.verdict {
        Verdict::Wins(Why::FirstMatch) => v1::Verdict::FirstMatch,
        Verdict::Wins(Why::Pinned) => v1::Verdict::Pinned,
        Verdict::Wins(Why::StaysInManual) => v1::Verdict::StaysInManual,
        Verdict::Wins(Why::NoOtherMatches) => v1::Verdict::NoOtherMatches,
        Verdict::NoSharedGroup => v1::Verdict::NoSharedGroup,
        Verdict::ComesLater => v1::Verdict::ComesLater,
        Verdict::PinnedElsewhere => v1::Verdict::PinnedElsewhere,
        Verdict::HeldElsewhere => v1::Verdict::HeldElsewhere,
    };
    v1::AssignmentVerdict {
        assignment: names::assignment(organization, &explained.assignment),
        display_name: explained.display_name.clone(),
        rank: explained.rank.cast_signed(),
        verdict: verdict.into(),
        shared_groups: explained.shared.iter().map(|group| names::group(organization, group)).collect(),
    }
}
