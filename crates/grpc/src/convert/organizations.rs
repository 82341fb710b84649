//! Organizations between the contract and the domain.

use std::collections::BTreeSet;

use rollcall_app::organizations::{Create, Edit, OrganizationView};
use rollcall_domain::{OrganizationId, Phase, directory::MassChangeLimit, email::parse_domain, ids::check_text, names};
use rollcall_proto::v1;

use super::{
    enums::{parse_phase, to_phase},
    to_timestamp,
};
use crate::{checks::Checks, masks::Mask};

/// The paths of an update mask.
pub(crate) const PATHS: [&str; 6] = [
    "display_name",
    "mass_change_limit",
    "mass_change_limit.members",
    "mass_change_limit.percent",
    "email_domains",
    "wave",
];

const EMAIL_DOMAINS_MAX: usize = 100;

/// The values of an organization in a request.
pub(crate) struct OrganizationFields {
    pub(crate) phase: Option<Phase>,
    display_name: String,
    limit: Option<MassChangeLimit>,
    email_domains: Vec<String>,
    wave: u32,
}

impl OrganizationFields {
    pub(crate) fn parse(checks: &mut Checks, given: v1::Organization) -> Self {
        checks.take("organization.display_name", check_text(&given.display_name, "display name", 0, 200));
        Self {
            phase: checks.take("organization.phase", parse_phase(given.phase)).flatten(),
            limit: given.mass_change_limit.map(|limit| parse_limit(checks, limit)),
            email_domains: parse_domains(checks, &given.email_domains),
            wave: parse_wave(checks, given.wave),
            display_name: given.display_name,
        }
    }

    pub(crate) fn into_create(self, id: Option<OrganizationId>) -> Create {
        Create {
            id,
            display_name: self.display_name,
            phase: self.phase.unwrap_or(Phase::Migrated),
            mass_change_limit: self.limit,
            email_domains: self.email_domains,
            wave: self.wave,
        }
    }

    pub(crate) fn into_edit(self, mask: &Mask) -> Edit {
        let limit = self.limit.unwrap_or_default();
        let whole = mask.takes("mass_change_limit", self.limit.is_some());
        let takes = |path: &str| whole || mask.names(path);
        Edit {
            limit_members: takes("mass_change_limit.members").then_some(limit.members),
            limit_percent: takes("mass_change_limit.percent").then_some(limit.percent),
            display_name: mask.takes("display_name", !self.display_name.is_empty()).then_some(self.display_name),
            email_domains: mask.takes("email_domains", !self.email_domains.is_empty()).then_some(self.email_domains),
            wave: mask.takes("wave", self.wave != 0).then_some(self.wave),
        }
    }
}

fn parse_limit(checks: &mut Checks, limit: v1::MassChangeLimit) -> MassChangeLimit {
    let field = |field: &str| format!("organization.mass_change_limit.{field}");
    checks.require(limit.members >= 0, &field("members"), "the number of members must not be negative");
    checks.require((0..=100).contains(&limit.percent), &field("percent"), "the percentage must be from 0 to 100");
    MassChangeLimit { members: limit.members.unsigned_abs(), percent: limit.percent.unsigned_abs() }
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
            members: organization.mass_change_limit.members.cast_signed(),
            percent: organization.mass_change_limit.percent.cast_signed(),
        }),
        etag: organization.updated_revision.to_string(),
        create_time: Some(to_timestamp(organization.created_at)),
        update_time: Some(to_timestamp(organization.updated_at)),
        email_domains: organization.email_domains.clone(),
        wave: organization.wave.cast_signed(),
    }
}
