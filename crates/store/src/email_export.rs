//! The query of an email export check.

use diesel::{pg::Pg, prelude::*};
use diesel_async::RunQueryDsl;
use rollcall_domain::{AssignmentId, Email, MemberId, OrganizationId, Phase, email_export::CheckSubject};

use crate::{
    Db, Error, Result, SystemConn,
    enum_columns::{EnumColumn, ExportColumns},
    schema::{members, organizations},
};

/// The member that a check asks about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectKey {
    /// By external id.
    Member(MemberId),
    /// By address.
    Email(Email),
}

/// The facts that decide a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckFacts {
    /// The phase: whether the old settings or the assignments decide.
    pub phase: Phase,
    /// The organization's revision that was read.
    pub revision: i64,
    /// The member, if the organization has one.
    pub subject: Option<CheckSubject>,
}

/// The columns of a member that a check needs.
#[derive(Queryable, Selectable)]
#[diesel(table_name = members, check_for_backend(Pg))]
struct CheckColumns {
    assignment_id: String,
    active: bool,
    #[diesel(embed)]
    export: ExportColumns,
    legacy_email_export: Option<bool>,
}

impl From<CheckColumns> for CheckSubject {
    fn from(columns: CheckColumns) -> Self {
        Self {
            active: columns.active,
            assignment: AssignmentId::trusted(columns.assignment_id),
            export: columns.export.into_export(),
            legacy: columns.legacy_email_export,
        }
    }
}

/// Reads what a check needs in one prepared statement, outside of a transaction. When no active member has an address,
/// the member is the first inactive one with it.
///
/// # Errors
/// [`Error::OrganizationNotFound`].
pub async fn find_subject(db: &Db, organization: &OrganizationId, subject: &SubjectKey) -> Result<CheckFacts> {
    let found =
        db.for_checks().statement(async |conn: &mut SystemConn| find(conn, organization, subject).await).await?;
    let (EnumColumn(phase), revision, member) =
        found.ok_or_else(|| Error::OrganizationNotFound(organization.clone()))?;
    Ok(CheckFacts { phase, revision, subject: member.map(CheckSubject::from) })
}

async fn find(
    conn: &mut SystemConn,
    organization: &OrganizationId,
    subject: &SubjectKey,
) -> Result<Option<(EnumColumn<Phase>, i64, Option<CheckColumns>)>> {
    let columns = (organizations::phase, organizations::revision, Option::<CheckColumns>::as_select());
    let of_organization = members::organization_id.eq(organizations::id);
    let found = match subject {
        SubjectKey::Member(id) => {
            organizations::table
                .left_join(members::table.on(of_organization.and(members::id.eq(id.as_str()))))
                .filter(organizations::id.eq(organization.as_str()))
                .select(columns)
                .first(conn)
                .await
        }
        SubjectKey::Email(email) => {
            // One index has the addresses of the active members, another one those of the inactive members. The second
            // condition, which always holds, lets Postgres use both.
            let either = members::active.or(diesel::dsl::not(members::active));
            let has_email = members::email.eq(email.as_str()).and(either);
            organizations::table
                .left_join(members::table.on(of_organization.and(has_email)))
                .filter(organizations::id.eq(organization.as_str()))
                .order((members::active.desc(), members::id))
                .select(columns)
                .first(conn)
                .await
        }
    }
    .optional()?;
    Ok(found)
}
