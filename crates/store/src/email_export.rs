//! The query of an email export check.

use diesel::{pg::Pg, prelude::*};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::{
    AssignmentId, Email, MemberId, OrganizationId, Phase, Timestamp,
    email_export::{CheckSubject, Holding},
};

use crate::{
    Db, Error, Result,
    enum_columns::{EnumColumn, ExportColumns},
    schema::{address_holdings, members, organizations},
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
    /// The member, or the holders of the address.
    pub subject: FoundSubject,
}

/// What is stored about the subject of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundSubject {
    /// The member, if the organization has one with this id.
    Member(Option<CheckSubject>),
    /// All holdings of the address, the oldest first.
    Address(Vec<Holding<CheckSubject>>),
    /// An older release has written last: its address holdings must be filled in first.
    UnfilledAddress,
}

/// The columns of a member that a check needs.
#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = members, check_for_backend(Pg))]
pub(crate) struct CheckColumns {
    id: String,
    assignment_id: String,
    active: bool,
    #[diesel(embed)]
    export: ExportColumns,
    legacy_email_export: Option<bool>,
}

impl From<CheckColumns> for CheckSubject {
    fn from(columns: CheckColumns) -> Self {
        Self {
            member: MemberId::trusted(columns.id),
            active: columns.active,
            assignment: AssignmentId::trusted(columns.assignment_id),
            export: columns.export.into_export(),
            legacy: columns.legacy_email_export,
        }
    }
}

/// The columns of a holding that a check needs.
#[derive(Queryable, Selectable)]
#[diesel(table_name = address_holdings, check_for_backend(Pg))]
struct HoldingColumns {
    begins_at: Timestamp,
    is_exact: bool,
}

/// Reads what a check needs in one prepared statement and one round trip.
///
/// # Errors
/// [`Error::OrganizationNotFound`].
pub async fn find_subject(db: &Db, organization: &OrganizationId, subject: &SubjectKey) -> Result<CheckFacts> {
    let checks = db.for_checks();
    let found = checks.statement_of(organization, async |conn: &AsyncPgConnection| match subject {
        SubjectKey::Member(id) => find_member(conn, organization, id).await,
        SubjectKey::Email(email) => find_holdings(conn, organization, email).await,
    });
    found.await?.ok_or_else(|| Error::OrganizationNotFound(organization.clone()))
}

async fn find_member(
    mut conn: &AsyncPgConnection,
    organization: &OrganizationId,
    id: &MemberId,
) -> Result<Option<CheckFacts>> {
    let is_member = members::organization_id.eq(organizations::id).and(members::id.eq(id.as_str()));
    let query = organizations::table
        .left_join(members::table.on(is_member))
        .filter(organizations::id.eq(organization.as_str()))
        .select((organizations::phase, organizations::revision, Option::<CheckColumns>::as_select()));
    let found: Option<(EnumColumn<Phase>, i64, Option<CheckColumns>)> = query.first(&mut conn).await.optional()?;
    Ok(found.map(|(EnumColumn(phase), revision, member)| {
        let subject = FoundSubject::Member(member.map(CheckSubject::from));
        CheckFacts { phase, revision, subject }
    }))
}

async fn find_holdings(
    mut conn: &AsyncPgConnection,
    organization: &OrganizationId,
    email: &Email,
) -> Result<Option<CheckFacts>> {
    type Row = (EnumColumn<Phase>, i64, i64, Option<HoldingColumns>, Option<CheckColumns>);
    let is_address =
        address_holdings::organization_id.eq(organizations::id).and(address_holdings::email.eq(email.to_string()));
    let is_holder = members::organization_id.eq(organizations::id).and(members::id.eq(address_holdings::member_id));
    let query = organizations::table
        .left_join(address_holdings::table.on(is_address))
        .left_join(members::table.on(is_holder))
        .filter(organizations::id.eq(organization.as_str()))
        .order(address_holdings::revision)
        .select((
            organizations::phase,
            organizations::revision,
            organizations::holdings_revision,
            Option::<HoldingColumns>::as_select(),
            Option::<CheckColumns>::as_select(),
        ));
    let rows: Vec<Row> = query.load(&mut conn).await?;
    let Some((EnumColumn(phase), revision, filled, ..)) = rows.as_slice().first() else { return Ok(None) };
    let (phase, revision, is_filled) = (*phase, *revision, filled == revision);
    let holdings = rows.into_iter().filter_map(|(.., holding, member)| Some(to_holding(holding?, member?)));
    let subject = if is_filled { FoundSubject::Address(holdings.collect()) } else { FoundSubject::UnfilledAddress };
    Ok(Some(CheckFacts { phase, revision, subject }))
}

fn to_holding(columns: HoldingColumns, member: CheckColumns) -> Holding<CheckSubject> {
    Holding { member: member.into(), begins: columns.begins_at, is_exact: columns.is_exact }
}
