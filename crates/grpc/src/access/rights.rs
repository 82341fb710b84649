//! The rights of the running call. A handler checks them when it has read which organization its request names.

use std::sync::Arc;

use rollcall_auth::Principal;
use rollcall_domain::OrganizationId;
use tonic::Status;

use super::{AccessControl, status};

tokio::task_local! {
    /// The rights of the call that the task answers.
    static RIGHTS: Option<CallRights>;
}

/// Who makes a call whose role was checked.
#[derive(Clone, Debug)]
pub(crate) struct CallRights {
    pub(super) principal: Arc<Principal>,
    pub(super) control: AccessControl,
}

/// Runs the work of a call with its rights.
pub(crate) async fn scope<T>(rights: Option<CallRights>, work: impl Future<Output = T>) -> T {
    RIGHTS.scope(rights, work).await
}

/// Checks that the caller may act on an organization.
///
/// # Errors
/// `PERMISSION_DENIED`: not on this one.
pub(crate) fn authorize(organization: &OrganizationId) -> Result<(), Status> {
    let refusal = || status::other_organization(organization);
    check(|principal| principal.organizations.includes(organization.as_str()), refusal)
}

/// Checks that the caller may act on all organizations.
///
/// # Errors
/// `PERMISSION_DENIED`: only on some.
pub(crate) fn authorize_all() -> Result<(), Status> {
    check(|principal| principal.organizations.is_all(), status::spans_organizations)
}

/// Returns the name of the caller, for the audit.
pub(crate) fn actor() -> String {
    let name = RIGHTS.try_with(|rights| rights.as_ref().map(|rights| rights.principal.name.to_string()));
    name.ok().flatten().unwrap_or_else(|| Principal::anonymous().name.into())
}

/// Outside of a call, and in a call without rights, nothing is allowed.
fn check(allows: impl FnOnce(&Principal) -> bool, refusal: impl FnOnce() -> Status) -> Result<(), Status> {
    let checked = RIGHTS.try_with(|rights| match rights {
        Some(rights) if allows(&rights.principal) => Ok(()),
        Some(rights) => rights.control.refuse(refusal(), &rights.principal.name),
        None => Err(status::has_no_role()),
    });
    checked.unwrap_or_else(|_| Err(status::has_no_role()))
}
