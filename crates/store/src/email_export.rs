//! The one query behind every question whether an email may be exported.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rollcall_domain::{AssignmentId, Email, MemberId, OrganizationId, Phase, Timestamp, email_export::CheckSubject};

use crate::{
    Db, Error, Result, SystemConn,
    schema::{members, organizations},
    words,
};

/// Who the question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// By external id.
    Member(MemberId),
    /// By address.
    Email(Email),
}

/// What is known, and how new it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Who decides.
    pub phase: Phase,
    /// The revision that was read.
    pub revision: i64,
    /// The member, if the organization has one.
    pub subject: Option<CheckSubject>,
}

type MemberColumns = (String, bool, Option<String>, Option<Timestamp>, Option<String>, Option<bool>);

/// Reads what a check needs in one prepared statement, outside of any transaction. An address
/// that no active member holds is that of the inactive one who has it.
///
/// # Errors
/// [`Error::OrganizationNotFound`], or a database that fails.
pub async fn find_subject(db: &Db, organization: &OrganizationId, subject: &Subject) -> Result<Known> {
    let found = db.statement(async |conn: &mut SystemConn| find(conn, organization, subject).await).await?;
    let (phase, revision, member) = found.ok_or_else(|| Error::OrganizationNotFound(organization.clone()))?;
    Ok(Known { phase: words::phase(&phase)?, revision, subject: member.map(to_subject).transpose()? })
}

async fn find(
    conn: &mut SystemConn,
    organization: &OrganizationId,
    subject: &Subject,
) -> Result<Option<(String, i64, Option<MemberColumns>)>> {
    let columns = (
        organizations::phase,
        organizations::revision,
        (
            members::assignment_id,
            members::active,
            members::email_export,
            members::email_export_since,
            members::email_export_source,
            members::legacy_email_export,
        )
            .nullable(),
    );
    let of_organization = members::organization_id.eq(organizations::id);
    let found = match subject {
        Subject::Member(id) => {
            organizations::table
                .left_join(members::table.on(of_organization.and(members::id.eq(id.as_str()))))
                .filter(organizations::id.eq(organization.as_str()))
                .select(columns)
                .first(conn)
                .await
        }
        Subject::Email(email) => {
            organizations::table
                .left_join(members::table.on(of_organization.and(members::email.eq(email.as_str()))))
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

fn to_subject(columns: MemberColumns) -> Result<CheckSubject> {
    let (assignment, active, value, since, source, legacy) = columns;
    Ok(CheckSubject {
        active,
        assignment: AssignmentId::trusted(assignment),
        export: words::member_export(value.as_deref(), since, source.as_deref())?,
        legacy,
    })
}
