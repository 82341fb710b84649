//! The rows of the mixed-settings CSV: which assignments of an organization are mixed, and their members in order,
//! however many, of one statement.

use diesel::{
    QueryableByName,
    query_builder::{BoxedSqlQuery, SqlQuery},
    sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::Timestamp;

use crate::{Error, ReadTx, Result};

/// How many members are read at a time. A cursor is opened for more only.
const PAGE: i64 = 2_000;
const ROWS: &str = include_str!("../sql/list_mixed_members.sql");

/// A mixed assignment, as the report shows it.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct MixedAssignment {
    /// Its id.
    #[diesel(sql_type = Text)]
    pub id: String,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Its rank.
    #[diesel(sql_type = Integer)]
    pub rank: i32,
    /// Its update mode.
    #[diesel(sql_type = Text)]
    pub update_mode: String,
    /// Active members with EXPORT.
    #[diesel(sql_type = Integer)]
    pub exporting: i32,
    /// Active members with `DO_NOT_EXPORT`.
    #[diesel(sql_type = Integer)]
    pub not_exporting: i32,
    /// All members, inactive ones included.
    #[diesel(sql_type = BigInt)]
    pub members: i64,
}

/// A member of a mixed assignment.
#[derive(Clone, Debug, QueryableByName)]
pub struct MixedMember {
    /// Which of the assignments, from 1.
    #[diesel(sql_type = BigInt)]
    pub place: i64,
    /// The external id.
    #[diesel(sql_type = Text)]
    pub member: String,
    /// In lower case.
    #[diesel(sql_type = Text)]
    pub email: String,
    /// Whether the member is active.
    #[diesel(sql_type = Bool)]
    pub active: bool,
    /// The setting.
    #[diesel(sql_type = Nullable<Text>)]
    pub email_export: Option<String>,
    /// The start of the period of EXPORT; absent for "always".
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub email_export_since: Option<Timestamp>,
    /// Where the setting came from.
    #[diesel(sql_type = Nullable<Text>)]
    pub email_export_source: Option<String>,
}

/// Reads the mixed assignments of an organization, by rank. A migrated one has some, one in phase LEGACY none.
///
/// # Errors
/// A database that fails.
pub async fn list_mixed(tx: &mut ReadTx) -> Result<Vec<MixedAssignment>> {
    let (conn, organization) = tx.parts();
    let sql = include_str!("../sql/list_mixed_of_report.sql");
    Ok(diesel::sql_query(sql).bind::<Text, _>(organization).load(conn).await?)
}

/// The members of mixed assignments, by the assignment's rank, email and id. Few are read at once. Many come from a
/// cursor: the statement runs once, the database waits for whoever reads, and neither side holds them all. (A plain
/// stream of rows would do that, too, but a slow reader would run into `statement_timeout`.)
pub struct MixedMembers<'a> {
    tx: &'a mut ReadTx,
    assignments: &'a [MixedAssignment],
    left: i64,
    cursor: bool,
}

impl<'a> MixedMembers<'a> {
    /// Begins with the first member of the first assignment. They must be of the same snapshot.
    #[must_use]
    pub fn of(tx: &'a mut ReadTx, assignments: &'a [MixedAssignment]) -> Self {
        let left = assignments.iter().map(|assignment| assignment.members).sum();
        Self { tx, assignments, left, cursor: false }
    }

    /// The next members, each with its assignment; none at the end.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn next(&mut self) -> Result<Vec<(&'a MixedAssignment, MixedMember)>> {
        if self.left <= 0 {
            return Ok(Vec::new());
        }
        let rows = if self.cursor || self.left > PAGE { self.fetch().await? } else { self.load().await? };
        // A short page is the last one, whatever was counted.
        self.left = if (rows.len() as i64) < PAGE { 0 } else { self.left - PAGE };
        let assignments = self.assignments;
        let with_assignment = |row: MixedMember| {
            let assignment = usize::try_from(row.place - 1).ok().and_then(|place| assignments.get(place));
            Ok((assignment.ok_or_else(|| Error::corrupt("a member of an assignment that was not asked for"))?, row))
        };
        rows.into_iter().map(with_assignment).collect()
    }

    async fn load(&mut self) -> Result<Vec<MixedMember>> {
        Ok(self.statement(ROWS).load(&mut self.tx.conn).await?)
    }

    async fn fetch(&mut self) -> Result<Vec<MixedMember>> {
        if !self.cursor {
            let declare = format!("DECLARE mixed_members NO SCROLL CURSOR FOR {ROWS}");
            self.statement(declare).execute(&mut self.tx.conn).await?;
            self.cursor = true;
        }
        Ok(diesel::sql_query(format!("FETCH {PAGE} FROM mixed_members")).load(&mut self.tx.conn).await?)
    }

    fn statement(&self, sql: impl Into<String>) -> BoxedSqlQuery<'static, diesel::pg::Pg, SqlQuery> {
        let ids: Vec<String> = self.assignments.iter().map(|assignment| assignment.id.clone()).collect();
        let organization = self.tx.organization.id.as_str().to_owned();
        diesel::sql_query(sql).into_boxed().bind::<Text, _>(organization).bind::<Array<Text>, _>(ids)
    }
}
