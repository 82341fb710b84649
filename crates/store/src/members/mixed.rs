//! The rows of the mixed-settings CSV (product.md 8): the mixed assignments of an organization, and their members.

use diesel::{
    QueryResult, QueryableByName,
    query_builder::{BoxedSqlQuery, SqlQuery},
    sql_types::{Array, BigInt, Integer, Text},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    AssignmentId, Email, MemberId, UpdateMode,
    email_export::{MemberExport, Summary},
};

use crate::{
    Error, ReadTx, Result,
    enum_columns::{EnumColumn, ExportColumns},
    schema::{assignments, members},
};

/// How many members are read at a time. Fewer are read by one statement, more by a cursor.
const PAGE: usize = 2_000;
const MEMBERS_SQL: &str = include_str!("../sql/list_reported_members.sql");

/// A mixed assignment as the report shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedAssignment {
    /// The assignment.
    pub id: AssignmentId,
    /// The display name.
    pub name: String,
    /// The rank.
    pub rank: u32,
    /// The update mode.
    pub update_mode: UpdateMode,
    /// What the members have.
    pub summary: Summary,
}

#[derive(QueryableByName)]
#[diesel(table_name = assignments)]
struct ReportedAssignmentRow {
    id: String,
    display_name: String,
    rank: i32,
    update_mode: EnumColumn<UpdateMode>,
    #[diesel(sql_type = Integer)]
    exporting: i32,
    #[diesel(sql_type = Integer)]
    not_exporting: i32,
    #[diesel(sql_type = Integer)]
    inactive: i32,
}

impl From<ReportedAssignmentRow> for ReportedAssignment {
    fn from(row: ReportedAssignmentRow) -> Self {
        Self {
            id: AssignmentId::trusted(row.id),
            name: row.display_name,
            rank: row.rank.unsigned_abs(),
            update_mode: row.update_mode.0,
            summary: Summary {
                exporting: row.exporting.unsigned_abs(),
                not_exporting: row.not_exporting.unsigned_abs(),
                inactive: row.inactive.unsigned_abs(),
            },
        }
    }
}

/// A member of a mixed assignment as the report shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedMember {
    /// The member's id at the identity provider.
    pub id: MemberId,
    /// The member's address.
    pub email: Email,
    /// Whether the member is active.
    pub active: bool,
    /// The email export setting; `None` in phase LEGACY.
    pub export: Option<MemberExport>,
}

#[derive(QueryableByName)]
#[diesel(table_name = members)]
struct ReportedMemberRow {
    /// The place of the member's assignment in the array that was bound, from 1.
    #[diesel(sql_type = BigInt)]
    place: i64,
    id: String,
    email: String,
    active: bool,
    #[diesel(embed)]
    export: ExportColumns,
}

impl From<ReportedMemberRow> for ReportedMember {
    fn from(row: ReportedMemberRow) -> Self {
        Self {
            id: MemberId::trusted(row.id),
            email: Email::trusted(row.email),
            active: row.active,
            export: row.export.into_export(),
        }
    }
}

/// Reads the mixed assignments of an organization, by rank. In phase LEGACY no member has a setting, so no assignment
/// is mixed.
///
/// # Errors
/// [`Error::Unavailable`] when the database cannot be reached.
pub async fn list_reported_assignments(tx: &mut ReadTx) -> Result<Vec<ReportedAssignment>> {
    let (conn, organization) = tx.parts();
    let sql = include_str!("../sql/list_reported_assignments.sql");
    let rows = diesel::sql_query(sql).bind::<Text, _>(organization).load(conn).await;
    let rows: Vec<ReportedAssignmentRow> = rows.map_err(Error::of_statement("list_reported_assignments"))?;
    Ok(rows.into_iter().map(ReportedAssignment::from).collect())
}

/// The members of mixed assignments, by the assignment's rank, then by email and id.
///
/// A cursor runs the statement once, and neither side holds all members. (A plain stream of rows would do the same, but
/// a slow reader would run into `statement_timeout`.)
pub struct ReportedMembers<'a> {
    tx: &'a mut ReadTx,
    assignments: &'a [ReportedAssignment],
    next: NextPage,
}

/// How the next page is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NextPage {
    /// One statement reads all members.
    All,
    /// The cursor is opened, then read.
    OpenCursor,
    /// The open cursor is read.
    Fetch,
    /// Every member was read.
    None,
}

impl<'a> ReportedMembers<'a> {
    /// Begins with the first member of the first assignment. The assignments must come from the same read snapshot.
    #[must_use]
    pub fn new(tx: &'a mut ReadTx, assignments: &'a [ReportedAssignment]) -> Self {
        let count = |assignment: &ReportedAssignment| {
            let Summary { exporting, not_exporting, inactive } = assignment.summary;
            exporting as usize + not_exporting as usize + inactive as usize
        };
        let next = match assignments.iter().map(count).sum::<usize>() {
            0 => NextPage::None,
            1..=PAGE => NextPage::All,
            _ => NextPage::OpenCursor,
        };
        Self { tx, assignments, next }
    }

    /// Reads the next members, each with its assignment. Returns an empty page after the last member.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached.
    pub async fn next_page(&mut self) -> Result<Vec<(&'a ReportedAssignment, ReportedMember)>> {
        if self.next == NextPage::None {
            return Ok(Vec::new());
        }
        let rows = self.next_rows().await.map_err(Error::of_statement("list_reported_members"))?;
        let is_last = self.next == NextPage::All || rows.len() < PAGE;
        self.next = if is_last { NextPage::None } else { NextPage::Fetch };
        let assignments = self.assignments;
        let with_assignment = |row: ReportedMemberRow| {
            let found = usize::try_from(row.place - 1).ok().and_then(|place| assignments.get(place));
            let assignment = found.ok_or_else(|| Error::corrupt("a reported member's assignment is not mixed"))?;
            Ok((assignment, row.into()))
        };
        rows.into_iter().map(with_assignment).collect()
    }

    async fn next_rows(&mut self) -> QueryResult<Vec<ReportedMemberRow>> {
        if self.next == NextPage::All {
            return self.statement(MEMBERS_SQL).load(&mut self.tx.conn).await;
        }
        if self.next == NextPage::OpenCursor {
            let declare = format!("DECLARE reported_members NO SCROLL CURSOR FOR {MEMBERS_SQL}");
            self.statement(declare).execute(&mut self.tx.conn).await?;
        }
        diesel::sql_query(format!("FETCH {PAGE} FROM reported_members")).load(&mut self.tx.conn).await
    }

    fn statement(&self, sql: impl Into<String>) -> BoxedSqlQuery<'static, diesel::pg::Pg, SqlQuery> {
        let ids: Vec<String> = self.assignments.iter().map(|assignment| assignment.id.to_string()).collect();
        let organization = self.tx.organization.id.as_str().to_owned();
        diesel::sql_query(sql).into_boxed().bind::<Text, _>(organization).bind::<Array<Text>, _>(ids)
    }
}
