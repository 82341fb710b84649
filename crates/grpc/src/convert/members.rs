//! Members between the contract and the domain.

use prost_types::FieldMask;
use rollcall_app::members::MemberView;
use rollcall_domain::{
    FieldSelection, OrganizationId, Settings,
    members::{IDENTITY_PATHS, IdentityInput, MemberInput, owned_by_identity_provider},
    names,
};
use rollcall_proto::v1;

use super::{enums, settings, to_timestamp};
use crate::{checks::Checks, masks::parse_mask};

pub(crate) fn to_member(organization: &OrganizationId, view: &MemberView) -> v1::Member {
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
        held_seats: view.held_seats().cloned().collect(),
        pending_seats: view.pending_seats.iter().cloned().collect(),
        email_export: enums::to_optional_email_export(view.export.map(|export| export.setting.value())),
        email_export_since: view.export.and_then(|export| export.setting.start()).map(to_timestamp),
        email_export_source: enums::to_source(view.export.map(|export| export.source)),
        create_time: Some(to_timestamp(view.created_at)),
        update_time: Some(to_timestamp(view.updated_at)),
        etag: view.updated_revision.to_string(),
    }
}

fn to_status(active: bool) -> i32 {
    if active { v1::MemberStatus::Active } else { v1::MemberStatus::Inactive }.into()
}

/// An update of a member in a request.
pub(crate) struct MemberUpdate {
    pub(crate) input: MemberInput,
    pub(crate) selection: FieldSelection,
    /// The identity fields, unless a mask names single fields.
    pub(crate) identity: Option<IdentityInput>,
}

/// Parses an update of a member, and checks what can be checked before the member is read.
pub(crate) fn parse_member_update(checks: &mut Checks, member: v1::Member, mask: Option<FieldMask>) -> MemberUpdate {
    let written = settings::written_paths(member.settings.as_ref());
    let settings = member.settings.clone().map(|given| settings::parse_settings(checks, "member.settings", given));
    let export = enums::parse_email_export(member.email_export);
    let input = MemberInput { settings, email_export: checks.take("member.email_export", export).flatten() };
    let allowed = [MemberInput::PATHS.as_slice(), &Settings::PATHS].concat();
    let owned = |path: &str| IDENTITY_PATHS.contains(&path).then(|| owned_by_identity_provider(path));
    let selection = parse_mask(checks, mask, written, &allowed, owned);
    let identity = selection.covers_everything().then(|| parse_identity(checks, member));
    checks.extend(input.violations(&selection));
    MemberUpdate { input, selection, identity }
}

/// Parses the identity fields of a member. A status that does not exist cannot be the stored one.
fn parse_identity(checks: &mut Checks, member: v1::Member) -> IdentityInput {
    if v1::MemberStatus::try_from(member.status).is_err() {
        checks.extend([owned_by_identity_provider("status")]);
    }
    IdentityInput {
        email: member.email,
        given_name: member.given_name,
        family_name: member.family_name,
        job_title: member.job_title,
        manager_email: member.manager_email,
        active: parse_status(member.status),
        groups: member.groups,
    }
}

/// Returns whether a member is active; `None` without a known status.
pub(crate) fn parse_status(status: i32) -> Option<bool> {
    match v1::MemberStatus::try_from(status) {
        Ok(v1::MemberStatus::Active) => Some(true),
        Ok(v1::MemberStatus::Inactive) => Some(false),
        _ => None,
    }
}
