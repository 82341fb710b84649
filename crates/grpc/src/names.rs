//! Resource names (AIP-122): `organizations/{organization}/members/{member}` and so on. External
//! ids are percent-encoded where they would not survive in a path.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rollcall_domain::{AssignmentId, GroupId, MemberId, OrganizationId, Violation};

/// Everything but the unreserved characters of RFC 3986, and `@`, `:` and `+`, which identity
/// providers like in ids.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@').remove(b':').remove(b'+');

/// Takes a name apart; `collections` are its odd segments.
fn segments<const N: usize>(name: &str, collections: [&str; N], pattern: &str) -> Result<[String; N], Violation> {
    let bad = || Violation::invalid("", format!("`{name}` must have the form {pattern}"));
    let parts: Vec<&str> = name.split('/').collect();
    if parts.len() != 2 * N {
        return Err(bad());
    }
    let mut ids = [const { String::new() }; N];
    for (i, pair) in parts.chunks(2).enumerate() {
        if pair[0] != collections[i] || pair[1].is_empty() {
            return Err(bad());
        }
        ids[i] = percent_decode_str(pair[1]).decode_utf8().map_err(|_| bad())?.into_owned();
    }
    Ok(ids)
}

pub(crate) fn parse_organization(name: &str) -> Result<OrganizationId, Violation> {
    let [organization] = segments(name, ["organizations"], "organizations/{organization}")?;
    OrganizationId::parse(&organization)
}

/// A name such as `organizations/{organization}/catalog`.
pub(crate) fn parse_singleton(name: &str, singleton: &str) -> Result<OrganizationId, Violation> {
    let parent = name.strip_suffix(singleton).and_then(|rest| rest.strip_suffix('/'));
    let pattern = format!("organizations/{{organization}}/{singleton}");
    let bad = || Violation::invalid("", format!("`{name}` must have the form {pattern}"));
    parse_organization(parent.ok_or_else(bad)?).map_err(|_| bad())
}

pub(crate) fn parse_assignment(name: &str) -> Result<(OrganizationId, AssignmentId), Violation> {
    let pattern = "organizations/{organization}/assignments/{assignment}";
    let [organization, id] = segments(name, ["organizations", "assignments"], pattern)?;
    Ok((OrganizationId::parse(&organization)?, AssignmentId::parse(&id)?))
}

pub(crate) fn parse_member(name: &str) -> Result<(OrganizationId, MemberId), Violation> {
    let pattern = "organizations/{organization}/members/{member}";
    let [organization, id] = segments(name, ["organizations", "members"], pattern)?;
    Ok((OrganizationId::parse(&organization)?, MemberId::parse(&id)?))
}

pub(crate) fn parse_group(name: &str) -> Result<(OrganizationId, GroupId), Violation> {
    let pattern = "organizations/{organization}/groups/{group}";
    let [organization, id] = segments(name, ["organizations", "groups"], pattern)?;
    Ok((OrganizationId::parse(&organization)?, GroupId::parse(&id)?))
}

/// A name inside an organization that the request names already.
pub(crate) fn inside<T>(
    organization: &OrganizationId,
    name: &str,
    parsed: Result<(OrganizationId, T), Violation>,
) -> Result<T, Violation> {
    let (found, id) = parsed?;
    if found == *organization {
        return Ok(id);
    }
    Err(Violation::invalid("", format!("`{name}` must be in organizations/{organization}")))
}

/// The same where the organization may be bad itself: then only the form of the name can be checked.
pub(crate) fn within<T>(
    organization: Option<&OrganizationId>,
    name: &str,
    parsed: Result<(OrganizationId, T), Violation>,
) -> Result<T, Violation> {
    match organization {
        Some(organization) => inside(organization, name, parsed),
        None => parsed.map(|(_, id)| id),
    }
}

pub(crate) fn parse_job(name: &str) -> Result<String, Violation> {
    let [job] = segments(name, ["jobs"], "jobs/{job}")?;
    Ok(job)
}

pub(crate) fn parse_job_run(name: &str) -> Result<(String, uuid::Uuid), Violation> {
    let pattern = "jobs/{job}/runs/{run}";
    let [job, run] = segments(name, ["jobs", "runs"], pattern)?;
    let run = uuid::Uuid::parse_str(&run);
    Ok((job, run.map_err(|_| Violation::invalid("", format!("`{name}` must have the form {pattern}, with a UUID")))?))
}

pub(crate) fn parse_report(name: &str) -> Result<String, Violation> {
    let [report] = segments(name, ["reports"], "reports/{report}")?;
    Ok(report)
}

fn encode(id: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(id, ENCODED)
}

pub(crate) fn organization(id: &OrganizationId) -> String {
    format!("organizations/{id}")
}

pub(crate) fn assignment(organization: &OrganizationId, id: &AssignmentId) -> String {
    format!("organizations/{organization}/assignments/{id}")
}

pub(crate) fn member(organization: &OrganizationId, id: &MemberId) -> String {
    format!("organizations/{organization}/members/{}", encode(id.as_str()))
}

pub(crate) fn group(organization: &OrganizationId, id: &GroupId) -> String {
    format!("organizations/{organization}/groups/{}", encode(id.as_str()))
}

pub(crate) fn audit_event(organization: &OrganizationId, revision: i64) -> String {
    format!("organizations/{organization}/auditEvents/{revision}")
}

pub(crate) fn migration(organization: &OrganizationId) -> String {
    format!("organizations/{organization}/migration")
}

pub(crate) fn job(job: &str) -> String {
    format!("jobs/{job}")
}

pub(crate) fn job_run(job: &str, run: uuid::Uuid) -> String {
    format!("jobs/{job}/runs/{run}")
}

pub(crate) fn report(id: &str) -> String {
    format!("reports/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn external_ids_survive_the_way_into_a_name_and_back() {
        let organization = OrganizationId::trusted("acme");
        for id in ["m0042", "a/b", "50%", "José Ñ", "user@corp:1+2", "?#[]", "日本"] {
            let member_id = MemberId::parse(id).unwrap();
            let name = member(&organization, &member_id);
            assert_eq!(parse_member(&name), Ok((organization.clone(), member_id)), "{name}");
        }
    }

    #[test]
    fn malformed_names_say_the_form() {
        for name in [
            "",
            "organizations",
            "organizations/",
            "organizations/acme/members",
            "members/x",
            "organizations/acme/members/",
            "organizations/acme/members/%FF",
        ] {
            let violation = parse_member(name).unwrap_err();
            assert!(violation.description.contains("organizations/{organization}/members/{member}"), "{name}");
        }
    }
}
