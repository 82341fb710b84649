//! Resource names (AIP-122): `organizations/{organization}/members/{member}` and so on. Every name that the service
//! sends, stores or reads is built and parsed here. External ids are percent-encoded, because they may contain `/`.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use uuid::Uuid;

use crate::{AssignmentId, GroupId, MemberId, OrganizationId, Violation, ids::check_external_id};

/// The characters that are encoded: all but the unreserved ones of RFC 3986 and `@`, `:` and `+`, which are frequent in
/// the ids of identity providers.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@').remove(b':').remove(b'+');

/// Returns the decoded ids of a name. `collections` are the segments between the ids.
fn parse_ids<const N: usize>(name: &str, collections: [&str; N], pattern: &str) -> Result<[String; N], Violation> {
    let malformed = || Violation::invalid("", format!("`{name}` must have the form {pattern}"));
    let parts: Vec<&str> = name.split('/').collect();
    if parts.len() != 2 * N {
        return Err(malformed());
    }
    let mut ids = [const { String::new() }; N];
    for (i, pair) in parts.chunks(2).enumerate() {
        if pair[0] != collections[i] || pair[1].is_empty() {
            return Err(malformed());
        }
        ids[i] = percent_decode_str(pair[1]).decode_utf8().map_err(|_| malformed())?.into_owned();
    }
    Ok(ids)
}

/// Parses `organizations/{organization}`.
///
/// # Errors
/// A violation that states the form of the name, as for every `parse_*` function of this module.
pub fn parse_organization(name: &str) -> Result<OrganizationId, Violation> {
    let [organization] = parse_ids(name, ["organizations"], "organizations/{organization}")?;
    OrganizationId::parse(&organization)
}

/// Parses the name of a resource that an organization has once, for example `organizations/{organization}/catalog`.
///
/// # Errors
/// A violation that states the form of the name.
pub fn parse_singleton(name: &str, singleton: &str) -> Result<OrganizationId, Violation> {
    let malformed =
        || Violation::invalid("", format!("`{name}` must have the form organizations/{{organization}}/{singleton}"));
    let parent = name.strip_suffix(singleton).and_then(|rest| rest.strip_suffix('/'));
    parse_organization(parent.ok_or_else(malformed)?).map_err(|_| malformed())
}

/// Parses `organizations/{organization}/assignments/{assignment}`.
///
/// # Errors
/// A violation that states the form of the name.
pub fn parse_assignment(name: &str) -> Result<(OrganizationId, AssignmentId), Violation> {
    let pattern = "organizations/{organization}/assignments/{assignment}";
    let [organization, id] = parse_ids(name, ["organizations", "assignments"], pattern)?;
    Ok((OrganizationId::parse(&organization)?, AssignmentId::parse(&id)?))
}

/// Parses `organizations/{organization}/members/{member}`.
///
/// # Errors
/// A violation that states the form of the name.
pub fn parse_member(name: &str) -> Result<(OrganizationId, MemberId), Violation> {
    let pattern = "organizations/{organization}/members/{member}";
    let [organization, id] = parse_ids(name, ["organizations", "members"], pattern)?;
    Ok((OrganizationId::parse(&organization)?, MemberId::parse(&id)?))
}

/// Parses `organizations/{organization}/groups/{group}`.
///
/// # Errors
/// A violation that states the form of the name.
pub fn parse_group(name: &str) -> Result<(OrganizationId, GroupId), Violation> {
    let pattern = "organizations/{organization}/groups/{group}";
    let [organization, id] = parse_ids(name, ["organizations", "groups"], pattern)?;
    Ok((OrganizationId::parse(&organization)?, GroupId::parse(&id)?))
}

/// Returns the id of a parsed name, which must be in the organization of the request. Without the organization, because
/// its own name is malformed, only the form of the name is checked.
///
/// # Errors
/// The violation of the name itself, or one that states the organization.
pub fn check_organization<T>(
    organization: Option<&OrganizationId>,
    name: &str,
    parsed: Result<(OrganizationId, T), Violation>,
) -> Result<T, Violation> {
    let (found, id) = parsed?;
    match organization {
        Some(organization) if found != *organization => {
            Err(Violation::invalid("", format!("`{name}` must be in organizations/{organization}")))
        }
        _ => Ok(id),
    }
}

/// Parses `jobs/{job}`.
///
/// # Errors
/// A violation that states the form of the name.
pub fn parse_job(name: &str) -> Result<String, Violation> {
    let [job] = parse_ids(name, ["jobs"], "jobs/{job}")?;
    check_external_id(&job, "job id")?;
    Ok(job)
}

/// Parses `jobs/{job}/runs/{run}`.
///
/// # Errors
/// A violation that states the form of the name.
pub fn parse_job_run(name: &str) -> Result<(String, Uuid), Violation> {
    let pattern = "jobs/{job}/runs/{run}";
    let [job, run] = parse_ids(name, ["jobs", "runs"], pattern)?;
    check_external_id(&job, "job id")?;
    let run = Uuid::parse_str(&run);
    Ok((job, run.map_err(|_| Violation::invalid("", format!("`{name}` must have the form {pattern}, with a UUID")))?))
}

/// Parses `reports/{report}`.
///
/// # Errors
/// A violation that states the form of the name.
pub fn parse_report(name: &str) -> Result<String, Violation> {
    let [report] = parse_ids(name, ["reports"], "reports/{report}")?;
    check_external_id(&report, "report id")?;
    Ok(report)
}

/// Parses `organizations/{organization}/auditEvents/{number}`.
///
/// # Errors
/// A violation that states the form of the name.
pub fn parse_audit_event(name: &str) -> Result<(OrganizationId, i64), Violation> {
    let pattern = "organizations/{organization}/auditEvents/{number}";
    let [organization, number] = parse_ids(name, ["organizations", "auditEvents"], pattern)?;
    let organization = OrganizationId::parse(&organization)?;
    let malformed = |_| Violation::invalid("", format!("`{name}` must have the form {pattern}, with a number"));
    Ok((organization, number.parse().map_err(malformed)?))
}

fn encode(id: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(id, ENCODED)
}

/// Returns `organizations/{organization}`.
#[must_use]
pub fn organization(id: &OrganizationId) -> String {
    format!("organizations/{id}")
}

/// Returns `organizations/{organization}/{child}`: the name of a collection such as `members`, or of a resource that an
/// organization has once, such as `catalog`.
#[must_use]
pub fn child(organization: &OrganizationId, child: &str) -> String {
    format!("organizations/{organization}/{child}")
}

/// Returns `organizations/{organization}/assignments/{assignment}`.
#[must_use]
pub fn assignment(organization: &OrganizationId, id: &AssignmentId) -> String {
    format!("organizations/{organization}/assignments/{id}")
}

/// Returns `organizations/{organization}/members/{member}`.
#[must_use]
pub fn member(organization: &OrganizationId, id: &MemberId) -> String {
    format!("organizations/{organization}/members/{}", encode(id.as_str()))
}

/// Returns `organizations/{organization}/groups/{group}`.
#[must_use]
pub fn group(organization: &OrganizationId, id: &GroupId) -> String {
    format!("organizations/{organization}/groups/{}", encode(id.as_str()))
}

/// Returns `organizations/{organization}/auditEvents/{revision}`.
#[must_use]
pub fn audit_event(organization: &OrganizationId, revision: i64) -> String {
    format!("organizations/{organization}/auditEvents/{revision}")
}

/// Returns the name of the resource of a stored audit event. Earlier versions stored the names of members
/// without encoding: a last segment that is not the encoding of any id is such an id, and is encoded here.
#[must_use]
pub fn audited_resource(organization: &OrganizationId, stored: &str) -> String {
    let members = child(organization, "members/");
    match stored.strip_prefix(&members) {
        Some(id) if !is_encoded(id) => member(organization, &MemberId::trusted(id)),
        _ => stored.to_owned(),
    }
}

/// Whether a segment of a name is what [`encode`] makes of some id.
fn is_encoded(segment: &str) -> bool {
    percent_decode_str(segment).decode_utf8().is_ok_and(|id| encode(&id).to_string() == segment)
}

/// Returns `jobs/{job}`.
#[must_use]
pub fn job(job: &str) -> String {
    format!("jobs/{job}")
}

/// Returns `jobs/{job}/runs/{run}`.
#[must_use]
pub fn job_run(job: &str, run: Uuid) -> String {
    format!("jobs/{job}/runs/{run}")
}

/// Returns `reports/{report}`.
#[must_use]
pub fn report(id: &str) -> String {
    format!("reports/{id}")
}
