//! Organizations between the contract and the domain.

use std::collections::BTreeSet;

use rollcall_app::organizations::OrganizationView;
use rollcall_domain::{
    directory::MassChangeLimit, email::parse_domain, ids::check_text, names, organization::OrganizationInput,
};
use rollcall_proto::v1;

use super::{
    enums::{parse_phase, to_phase},
    to_timestamp,
};
use crate::checks::Checks;

const EMAIL_DOMAINS_MAX: usize = 100;

/// Parses the values of an organization. The name and the output fields are ignored. `absent` has
/// the values of the halves that a limit does not give.
pub(crate) fn parse_organization(
    checks: &mut Checks,
    given: v1::Organization,
    absent: MassChangeLimit,
) -> OrganizationInput {
    checks.take("organization.display_name", check_text(&given.display_name, "display name", 0, 200));
    OrganizationInput {
        phase: checks.take("organization.phase", parse_phase(given.phase)).flatten(),
        mass_change_limit: given.mass_change_limit.map(|limit| parse_limit(checks, limit, absent)),
        email_domains: parse_domains(checks, &given.email_domains),
        wave: parse_wave(checks, given.wave()),
        display_name: given.display_name,
    }
}

fn parse_limit(checks: &mut Checks, limit: v1::MassChangeLimit, absent: MassChangeLimit) -> MassChangeLimit {
    let field = |field: &str| format!("organization.mass_change_limit.{field}");
    checks.require(limit.members() >= 0, &field("members"), "the number of members must not be negative");
    checks.require((0..=100).contains(&limit.percent()), &field("percent"), "the percentage must be from 0 to 100");
    MassChangeLimit {
        members: limit.members.map_or(absent.members, i32::unsigned_abs),
        percent: limit.percent.map_or(absent.percent, i32::unsigned_abs),
    }
}

/// Returns the paths of the fields with presence that an organization in a request has.
pub(crate) fn written_paths(given: &v1::Organization) -> BTreeSet<String> {
    let limit = given.mass_change_limit.unwrap_or_default();
    let fields = [
        ("mass_change_limit.members", limit.members.is_some()),
        ("mass_change_limit.percent", limit.percent.is_some()),
        ("wave", given.wave.is_some()),
    ];
    fields.into_iter().filter(|(_, is_written)| *is_written).map(|(path, _)| path.to_owned()).collect()
}

fn parse_wave(checks: &mut Checks, wave: i32) -> u32 {
    checks.require(wave >= 0, "organization.wave", "the wave must not be negative");
    wave.unsigned_abs()
}

/// Returns the domains in lower case, each once and in byte order.
fn parse_domains(checks: &mut Checks, domains: &[String]) -> Vec<String> {
    const FIELD: &str = "organization.email_domains";
    if domains.len() > EMAIL_DOMAINS_MAX {
        checks.add(FIELD, format!("at most {EMAIL_DOMAINS_MAX} domains, not {}", domains.len()));
        return Vec::new();
    }
    let parsed = checks.take_all(FIELD, domains.iter().map(|domain| parse_domain(domain)));
    parsed.into_iter().collect::<BTreeSet<String>>().into_iter().collect()
}

pub(crate) fn to_organization(organization: &OrganizationView) -> v1::Organization {
    v1::Organization {
        name: names::organization(&organization.id),
        uid: organization.uid.to_string(),
        display_name: organization.display_name.clone(),
        phase: to_phase(organization.phase),
        mass_change_limit: Some(v1::MassChangeLimit {
            members: Some(organization.mass_change_members.cast_signed()),
            percent: Some(organization.mass_change_percent.cast_signed()),
        }),
        etag: organization.updated_revision.to_string(),
        create_time: Some(to_timestamp(organization.created_at)),
        update_time: Some(to_timestamp(organization.updated_at)),
        email_domains: organization.email_domains.clone(),
        wave: Some(organization.wave.cast_signed()),
    }
}
