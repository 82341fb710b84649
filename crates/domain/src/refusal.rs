//! Why a change is refused. A refusal carries every value that its message mentions, so that the response, the log
//! and the test say the same.

use crate::{
    AssignmentId, Email, GroupId, MemberId, OrganizationId, Violation, ViolationKind,
    assignments::OrderMismatch,
    counted::counted,
    migration::{MigrationState, RollbackObstacle},
    names,
    violation::NAMED_MAX,
};

/// Why a change is not made. The messages say what to do next.
#[derive(Clone, Debug, PartialEq, Eq, strum::IntoStaticStr, thiserror::Error)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Refusal {
    /// The request is not well formed; every violation is listed.
    #[error("the request is not valid: {}", describe(.0))]
    Invalid(Vec<Violation>),
    /// The organization has no such assignment.
    #[error("there is no assignment `{0}`; list the assignments to see their names")]
    AssignmentNotFound(AssignmentId),
    /// The organization has none of these members; there is at least one.
    #[error("there {}; check the id, or sync the directory", describe_members(.0))]
    MemberNotFound(Vec<MemberId>),
    /// No member of the organization has ever held the address.
    #[error("no member has had the address `{0}`; check the address, or sync the directory")]
    #[strum(serialize = "MEMBER_NOT_FOUND")]
    AddressNotFound(Email),
    /// The organization has no such group.
    #[error("there is no group `{0}`; check the id, or sync the directory first")]
    GroupNotFound(GroupId),
    /// The id is taken.
    #[error("the assignment `{assignment}` exists already; choose another id")]
    #[strum(serialize = "ALREADY_EXISTS")]
    AssignmentExists {
        /// The organization that has it.
        organization: OrganizationId,
        /// Its id.
        assignment: AssignmentId,
    },
    /// The resource changed since its etag was read.
    #[error("{resource} has changed: its etag is `{current}` now, not `{given}`; read it again and repeat the change")]
    StaleEtag {
        /// What it is, by name.
        resource: String,
        /// The etag that the request carries.
        given: String,
        /// The etag now.
        current: String,
    },
    /// Not an exact permutation of the listed assignments.
    #[error("the order is not one of all listed assignments: {0}; list them, and name each one once")]
    OrderSetMismatch(OrderMismatch),
    /// product.md 4.4: an automatic assignment would be saved while mixed.
    #[error(
        "the members of `{assignment}` have different email export settings (EXPORT: {exporting}, DO_NOT_EXPORT: {not_exporting}); choose a value in this update, switch to manual editing, or move members away first"
    )]
    EmailExportUnresolved {
        /// The assignment that would be saved.
        assignment: AssignmentId,
        /// Its active members with EXPORT.
        exporting: u32,
        /// Its active members with `DO_NOT_EXPORT`.
        not_exporting: u32,
    },
    /// product.md 7.2: there is no such setting in phase LEGACY.
    #[error(
        "`{0}` is not migrated: its old settings decide about email export; migrate it first, or leave email_export out"
    )]
    EmailExportNotMigrated(OrganizationId),
    /// product.md 7.2: the old settings no longer decide.
    #[error("`{0}` is migrated: its old settings no longer decide; change the assignments instead")]
    EmailExportAlreadyMigrated(OrganizationId),
    /// product.md 7.2: a migration cannot be planned or retried for an organization that is migrated.
    #[error("`{0}` is migrated: there is nothing to migrate")]
    #[strum(serialize = "EMAIL_EXPORT_ALREADY_MIGRATED")]
    NothingToMigrate(OrganizationId),
    /// product.md 7.6: only a migration that failed or was rolled back can be retried.
    #[error("`{0}` is migrated: there is nothing to retry; to migrate it again, roll its migration back first")]
    #[strum(serialize = "EMAIL_EXPORT_ALREADY_MIGRATED")]
    NothingToRetry(OrganizationId),
    /// product.md 7.6: only the migration of a migrated organization can be rolled back.
    #[error("{}", describe_nothing_to_roll_back(.organization, *.state))]
    #[strum(serialize = "EMAIL_EXPORT_NOT_MIGRATED")]
    NothingToRollBack {
        /// The organization.
        organization: OrganizationId,
        /// The state of its migration.
        state: MigrationState,
    },
    /// product.md 3: the member's assignment is automatic.
    #[error(
        "the settings of `{member}` follow the assignment `{assignment}`, which updates automatically; move the member, edit the assignment, or switch it to manual editing"
    )]
    MemberLockedByAssignment {
        /// The member.
        member: MemberId,
        /// The assignment that they follow.
        assignment: AssignmentId,
    },
    /// product.md 2.3: what the default assignment does not allow.
    #[error("the default assignment cannot be {0}; change the listed assignments instead")]
    DefaultAssignmentFixed(&'static str),
    /// product.md 5: deleting it would leave members or pins behind.
    #[error(
        "`{assignment}` has {} and {}; repeat with resolve_members, or move them first",
        counted(*members, "member"), counted(*pins, "pin")
    )]
    AssignmentHasMembers {
        /// The assignment that would be deleted.
        assignment: AssignmentId,
        /// Members in it, inactive ones included.
        members: u32,
        /// Members pinned to it.
        pins: u32,
    },
    /// product.md 7.6: what stands in the way does not go away again.
    #[error("the migration of `{organization}` cannot be rolled back: {obstacle}")]
    MigrationRollbackTooLate {
        /// The organization.
        organization: OrganizationId,
        /// What stands in the way.
        obstacle: RollbackObstacle,
    },
    /// A catalog entry that assignments or members still have cannot go.
    #[error(
        "`{entry}` is in use by {} and {} and cannot leave the catalog; take it from them first",
        counted(*assignments, "assignment"), counted(*members, "member")
    )]
    CatalogEntryInUse {
        /// The entry, for example `seat type gong`.
        entry: String,
        /// Assignments that have it.
        assignments: u32,
        /// Members who have it.
        members: u32,
    },
    /// product.md 6: more than the organization lets one sync do.
    #[error(
        "the sync would deactivate {} and re-home {}, more than the limit of {limit}; check the directory, then repeat with allow_mass_change if it is right",
        counted(*deactivated, "member"), counted(*rehomed, "member")
    )]
    MassChangeBlocked {
        /// Members who would become inactive.
        deactivated: u32,
        /// Members whose assignment would change.
        rehomed: u32,
        /// The limit in words.
        limit: String,
    },
}

impl Refusal {
    /// A refusal for a single violation.
    #[must_use]
    pub fn violation(violation: Violation) -> Self {
        Self::Invalid(vec![violation])
    }

    /// Returns the name of the `ErrorReason`.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(violations) => reason_of(violations),
            refusal => refusal.into(),
        }
    }

    /// Every value that the message mentions, by its key.
    #[must_use]
    pub fn metadata(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Invalid(violations) => violations.iter().flat_map(|v| v.metadata.clone()).collect(),
            Self::AssignmentNotFound(id) => vec![("assignment", id.to_string())],
            Self::MemberNotFound(ids) => member_metadata(ids),
            Self::AddressNotFound(email) => vec![("email", email.to_string())],
            Self::GroupNotFound(id) => vec![("group", id.to_string())],
            Self::AssignmentExists { organization, assignment } => {
                vec![("resource", names::assignment(organization, assignment))]
            }
            Self::StaleEtag { resource, given, current } => {
                vec![("resource", resource.clone()), ("etag", given.clone()), ("current_etag", current.clone())]
            }
            Self::OrderSetMismatch(mismatch) => mismatch.metadata(),
            Self::EmailExportUnresolved { assignment, exporting, not_exporting } => vec![
                ("assignment", assignment.to_string()),
                ("exporting", exporting.to_string()),
                ("not_exporting", not_exporting.to_string()),
            ],
            Self::EmailExportNotMigrated(id)
            | Self::EmailExportAlreadyMigrated(id)
            | Self::NothingToMigrate(id)
            | Self::NothingToRetry(id)
            | Self::NothingToRollBack { organization: id, .. } => {
                vec![("organization", id.to_string())]
            }
            Self::MigrationRollbackTooLate { organization, obstacle } => {
                let of_obstacle = obstacle.metadata();
                [("organization", organization.to_string())].into_iter().chain(of_obstacle).collect()
            }
            Self::MemberLockedByAssignment { member, assignment } => {
                vec![("member", member.to_string()), ("assignment", assignment.to_string())]
            }
            Self::DefaultAssignmentFixed(_) => vec![("assignment", crate::ids::DEFAULT_ASSIGNMENT.to_owned())],
            Self::AssignmentHasMembers { assignment: id, members, pins } => {
                vec![("assignment", id.to_string()), ("members", members.to_string()), ("pins", pins.to_string())]
            }
            Self::CatalogEntryInUse { entry, assignments: a, members } => {
                vec![("entry", entry.clone()), ("assignments", a.to_string()), ("members", members.to_string())]
            }
            Self::MassChangeBlocked { deactivated: d, rehomed, limit } => {
                vec![("deactivated", d.to_string()), ("rehomed", rehomed.to_string()), ("limit", limit.clone())]
            }
        }
    }

    /// The name of the resource whose state is in the way, for a refusal because of a state.
    #[must_use]
    pub fn resource(&self, organization: &OrganizationId) -> Option<String> {
        Some(match self {
            Self::EmailExportUnresolved { assignment, .. } | Self::AssignmentHasMembers { assignment, .. } => {
                names::assignment(organization, assignment)
            }
            Self::DefaultAssignmentFixed(_) => names::assignment(organization, &AssignmentId::default_assignment()),
            Self::MemberLockedByAssignment { member, .. } => names::member(organization, member),
            Self::CatalogEntryInUse { .. } => names::child(organization, "catalog"),
            Self::MigrationRollbackTooLate { organization, .. } | Self::NothingToRollBack { organization, .. } => {
                names::child(organization, "migration")
            }
            Self::EmailExportNotMigrated(organization)
            | Self::EmailExportAlreadyMigrated(organization)
            | Self::NothingToMigrate(organization)
            | Self::NothingToRetry(organization) => names::organization(organization),
            Self::MassChangeBlocked { .. } => names::organization(organization),
            _ => return None,
        })
    }

    /// Whether the organization is already as the request would leave it. A change of many organizations passes such an
    /// organization.
    #[must_use]
    pub fn is_nothing_to_do(&self) -> bool {
        matches!(self, Self::NothingToMigrate(_) | Self::NothingToRetry(_) | Self::NothingToRollBack { .. })
    }

    /// Refuses when there are violations.
    ///
    /// # Errors
    /// All of them at once.
    pub fn unless_empty(violations: Vec<Violation>) -> Result<(), Self> {
        if violations.is_empty() { Ok(()) } else { Err(Self::Invalid(violations)) }
    }
}

/// Returns the reason that all violations share, or `INVALID_REQUEST` when their reasons differ.
fn reason_of(violations: &[Violation]) -> &'static str {
    match violations.split_first() {
        Some((first, rest)) if rest.iter().all(|other| other.kind == first.kind) => first.kind.into(),
        _ => ViolationKind::InvalidRequest.into(),
    }
}

fn describe_nothing_to_roll_back(organization: &OrganizationId, state: MigrationState) -> String {
    match state {
        MigrationState::Failed => format!(
            "the migration of `{organization}` failed and changed nothing: there is nothing to roll back; correct the \
             cause, then retry its migration"
        ),
        MigrationState::RolledBack => format!(
            "the migration of `{organization}` is rolled back already; retry it to let the next run migrate the \
             organization again"
        ),
        MigrationState::Pending | MigrationState::Migrated => {
            format!("`{organization}` is not migrated: there is nothing to roll back")
        }
    }
}

fn describe_members(ids: &[MemberId]) -> String {
    let named: Vec<String> = ids.iter().take(NAMED_MAX).map(|id| format!("`{id}`")).collect();
    match ids.len() {
        1 => format!("is no member {}", named.concat()),
        count if count > NAMED_MAX => format!("are no members {} and so on, {count} in all", named.join(", ")),
        count => format!("are no members {}, {count} in all", named.join(", ")),
    }
}

fn member_metadata(ids: &[MemberId]) -> Vec<(&'static str, String)> {
    let named = ids.iter().take(NAMED_MAX).map(|id| ("member", id.to_string()));
    let count = (ids.len() > 1).then(|| ("count", ids.len().to_string()));
    named.chain(count).collect()
}

fn describe(violations: &[Violation]) -> String {
    let texts: Vec<String> = violations
        .iter()
        .map(|v| if v.field.is_empty() { v.description.clone() } else { format!("{}: {}", v.field, v.description) })
        .collect();
    texts.join("; ")
}
