//! Collects the violations of a request, so that one answer reports all of them.

use rollcall_domain::{OrganizationId, Violation, names};
use tonic::Status;

use crate::{access, budgets, status::invalid, tokens};

/// The violations that were found so far, and the organization that the request is for.
#[derive(Default)]
pub(crate) struct Checks {
    found: Vec<Violation>,
    organization: Option<OrganizationId>,
    /// Whether the request has a field that names its organization. Its name may be malformed.
    names_organization: bool,
    /// Set when the caller may not act on the organization, or when the organization may not have another call now.
    refused: Option<Status>,
}

impl Checks {
    /// For an item of a request for this organization, to which the call is charged already.
    pub(crate) fn of_item(organization: &OrganizationId) -> Self {
        Self { organization: Some(organization.clone()), ..Self::default() }
    }

    /// The violations that were found.
    pub(crate) fn into_violations(self) -> Vec<Violation> {
        self.found
    }

    /// Returns a value, or adds its violation at a field.
    pub(crate) fn take<T>(&mut self, field: &str, value: Result<T, Violation>) -> Option<T> {
        value.map_err(|violation| self.found.push(violation.at(field))).ok()
    }

    /// Returns the good values, and adds violations at `field[i]`.
    pub(crate) fn take_all<T>(&mut self, field: &str, values: impl Iterator<Item = Result<T, Violation>>) -> Vec<T> {
        values.enumerate().filter_map(|(i, value)| self.take(&format!("{field}[{i}]"), value)).collect()
    }

    /// As [`Checks::take`], for the organization that the request is for.
    pub(crate) fn organization(
        &mut self,
        field: &str,
        parsed: Result<OrganizationId, Violation>,
    ) -> Option<OrganizationId> {
        self.names_organization = true;
        let organization = self.take(field, parsed)?;
        self.set_organization(&organization);
        Some(organization)
    }

    /// As [`Checks::take`], for the resource that the request is for. Its organization is that of the request.
    pub(crate) fn resource<T>(
        &mut self,
        field: &str,
        parsed: Result<(OrganizationId, T), Violation>,
    ) -> Option<(OrganizationId, T)> {
        self.names_organization = true;
        let (organization, id) = self.take(field, parsed)?;
        self.set_organization(&organization);
        Some((organization, id))
    }

    /// The name of the organization is known from here on, so the rights of the caller are checked, and the call counts as
    /// one of the organization.
    fn set_organization(&mut self, organization: &OrganizationId) {
        self.organization = Some(organization.clone());
        let charged = || access::authorize(organization).and_then(|()| budgets::charge(organization));
        self.refused = self.refused.take().or_else(|| charged().err());
    }

    /// The organization that the request is for; `None` when its name is malformed.
    pub(crate) fn parsed_organization(&self) -> Option<&OrganizationId> {
        self.organization.as_ref()
    }

    /// Returns the id in a name, which must be in the organization of the request.
    pub(crate) fn name<T>(
        &mut self,
        field: &str,
        name: &str,
        parse: impl Fn(&str) -> Result<(OrganizationId, T), Violation>,
    ) -> Option<T> {
        self.take(field, names::check_organization(self.organization.as_ref(), name, parse(name)))
    }

    /// As [`Checks::name`], for several names; violations are at `field[i]`.
    pub(crate) fn names<T>(
        &mut self,
        field: &str,
        names: &[String],
        parse: impl Fn(&str) -> Result<(OrganizationId, T), Violation>,
    ) -> Vec<T> {
        let organization = self.organization.clone();
        let parsed = names.iter().map(|name| names::check_organization(organization.as_ref(), name, parse(name)));
        self.take_all(field, parsed)
    }

    /// Returns an id that the caller may leave to the service.
    pub(crate) fn optional_id<T>(
        &mut self,
        field: &str,
        id: &str,
        parse: impl Fn(&str) -> Result<T, Violation>,
    ) -> Option<T> {
        if id.is_empty() { None } else { self.take(field, parse(id)) }
    }

    /// Adds a violation.
    pub(crate) fn add(&mut self, field: &str, description: impl Into<String>) {
        self.found.push(Violation::invalid(field, description));
    }

    /// Adds violations that the domain found.
    pub(crate) fn extend(&mut self, violations: impl IntoIterator<Item = Violation>) {
        self.found.extend(violations);
    }

    /// Adds a violation unless a condition holds.
    pub(crate) fn require(&mut self, holds: bool, field: &str, description: &str) {
        if !holds {
            self.add(field, description);
        }
    }

    /// Returns the revision of a token, which must be of the organization of the request; `None` for an empty token.
    pub(crate) fn revision(&mut self, field: &str, token: &str) -> Option<i64> {
        self.take(field, tokens::parse_revision(self.organization.as_ref(), token)).flatten()
    }

    /// As [`Checks::finish`], for a whole request. A request that names no organization concerns all of them, so its caller
    /// needs rights to all.
    pub(crate) fn finish_request<T>(self, parsed: Option<T>) -> Result<T, Status> {
        if !self.names_organization {
            access::authorize_all()?;
        }
        self.finish(parsed)
    }

    /// Returns the parsed values, or the status that reports all violations, or that the caller has no rights, or that the
    /// organization has too many calls.
    pub(crate) fn finish<T>(self, parsed: Option<T>) -> Result<T, Status> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        match parsed {
            Some(parsed) if self.found.is_empty() => Ok(parsed),
            None if self.found.is_empty() => Err(invalid(vec![Violation::invalid("", "the request is not complete")])),
            _ => Err(invalid(self.found)),
        }
    }
}
