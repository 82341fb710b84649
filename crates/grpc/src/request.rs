//! Reading requests: every violation is collected, and all are reported at once.

use rollcall_domain::{OrganizationId, Violation};
use tonic::Status;

use crate::{status::invalid, tokens};

/// Collects what is wrong with a request.
#[derive(Default)]
pub(crate) struct Checks {
    found: Vec<Violation>,
}

impl Checks {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A value, or its violation at a field.
    pub(crate) fn take<T>(&mut self, field: &str, value: Result<T, Violation>) -> Option<T> {
        value.map_err(|violation| self.found.push(violation.at(field))).ok()
    }

    /// Values, or their violations at `field[i]`.
    pub(crate) fn take_all<T>(&mut self, field: &str, values: impl Iterator<Item = Result<T, Violation>>) -> Vec<T> {
        values.enumerate().filter_map(|(i, value)| self.take(&format!("{field}[{i}]"), value)).collect()
    }

    /// A violation.
    pub(crate) fn add(&mut self, field: &str, description: impl Into<String>) {
        self.found.push(Violation::invalid(field, description));
    }

    /// A violation that was found elsewhere.
    pub(crate) fn push(&mut self, violation: Violation) {
        self.found.push(violation);
    }

    /// Something that must hold.
    pub(crate) fn require(&mut self, holds: bool, field: &str, description: &str) {
        if !holds {
            self.add(field, description);
        }
    }

    /// The revision that a read asks for, of an organization whose name may be bad itself.
    pub(crate) fn at_least(&mut self, organization: Option<&OrganizationId>, token: &str) -> Option<i64> {
        let parsed = tokens::parse_revision(organization, token);
        self.take("", parsed).flatten()
    }

    /// Answers with everything that is wrong.
    pub(crate) fn finish(self) -> Result<(), Status> {
        if self.found.is_empty() { Ok(()) } else { Err(invalid(self.found)) }
    }

    /// The value, once nothing is wrong: it is there then.
    pub(crate) fn finish_with<T>(self, value: Option<T>) -> Result<T, Status> {
        self.finish()?;
        value.ok_or_else(|| invalid(vec![Violation::invalid("", "the request is not complete")]))
    }
}
