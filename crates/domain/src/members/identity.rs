//! The fields of a member that belong to the identity provider (product.md 3): only a directory sync changes them.

use crate::{Email, GroupId, OrganizationId, Violation, ViolationKind, directory::Identity, names};

/// The paths of the fields that only the identity provider changes.
pub const IDENTITY_PATHS: [&str; 7] =
    ["email", "given_name", "family_name", "job_title", "manager_email", "status", "groups"];

/// The identity fields of a member in a request. An empty value is not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentityInput {
    /// The address, in any case.
    pub email: String,
    /// The given name.
    pub given_name: String,
    /// The family name.
    pub family_name: String,
    /// The job title.
    pub job_title: String,
    /// The address of the manager.
    pub manager_email: String,
    /// Whether the member is active.
    pub active: Option<bool>,
    /// The resource names of the member's groups.
    pub groups: Vec<String>,
}

/// The identity fields of a stored member.
#[derive(Clone, Copy, Debug)]
pub struct StoredIdentity<'a> {
    /// The organization of the member.
    pub organization: &'a OrganizationId,
    /// Names and addresses.
    pub identity: &'a Identity,
    /// Whether the member is active.
    pub active: bool,
    /// The groups in byte order.
    pub groups: &'a [GroupId],
}

impl IdentityInput {
    /// Returns a violation for each given value that differs from the stored one. A caller who reads a member, edits it
    /// and sends it back gives the stored values.
    #[must_use]
    pub fn violations(&self, stored: StoredIdentity<'_>) -> Vec<Violation> {
        let identity = stored.identity;
        let differs = |given: &str, stored: &str| !given.is_empty() && given != stored;
        let email = !self.email.is_empty() && Email::lower_case(&self.email).as_ref() != Ok(&identity.email);
        let groups = || stored.groups.iter().map(|group| names::group(stored.organization, group));
        let fields = [
            ("email", email),
            ("given_name", differs(&self.given_name, &identity.given_name)),
            ("family_name", differs(&self.family_name, &identity.family_name)),
            ("job_title", differs(&self.job_title, &identity.job_title)),
            ("manager_email", differs(&self.manager_email, identity.manager_email.as_ref().map_or("", Email::as_str))),
            ("status", self.active.is_some_and(|active| active != stored.active)),
            ("groups", !self.groups.is_empty() && !groups().eq(self.groups.iter().cloned())),
        ];
        fields.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| owned_by_identity_provider(field)).collect()
    }
}

/// Returns the violation of a request that changes a field of a member that only the identity provider changes.
#[must_use]
pub fn owned_by_identity_provider(field: &str) -> Violation {
    let description = format!("`{field}` belongs to the identity provider; change it there");
    Violation::new(ViolationKind::FieldOwnedByIdp, format!("member.{field}"), description).with("field", field)
}
