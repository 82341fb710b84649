//! Columns that a row of this crate reads as a type of the domain: ids and numbers.

use diesel::{
    QueryableByName,
    deserialize::{self, FromSql, FromSqlRow},
    pg::{Pg, PgValue},
    sql_types::{Integer, Text},
};
use rollcall_domain::{AssignmentId, GroupId, OrganizationId, email_export::Summary};

/// A text column that holds a valid id.
#[derive(Debug, FromSqlRow)]
pub struct IdColumn(String);

impl FromSql<Text, Pg> for IdColumn {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <String as FromSql<Text, Pg>>::from_sql(value).map(Self)
    }
}

/// A row that is only an id.
#[derive(QueryableByName)]
pub(crate) struct IdRow {
    #[diesel(sql_type = Text)]
    pub(crate) id: String,
}

/// An integer column that is never negative.
#[derive(Debug, FromSqlRow)]
pub struct CountColumn(i32);

impl FromSql<Integer, Pg> for CountColumn {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        <i32 as FromSql<Integer, Pg>>::from_sql(value).map(Self)
    }
}

impl From<CountColumn> for u32 {
    fn from(column: CountColumn) -> Self {
        column.0.unsigned_abs()
    }
}

macro_rules! read_ids {
    ($($id:ty),+) => {
        $(impl From<IdColumn> for $id {
            fn from(column: IdColumn) -> Self {
                Self::trusted(column.0)
            }
        })+
    };
}

read_ids!(AssignmentId, GroupId, OrganizationId);

/// The columns that count the members of an assignment by their email export.
#[derive(QueryableByName)]
pub(crate) struct SummaryColumns {
    #[diesel(sql_type = Integer)]
    exporting: i32,
    #[diesel(sql_type = Integer)]
    not_exporting: i32,
    #[diesel(sql_type = Integer)]
    inactive: i32,
}

impl From<SummaryColumns> for Summary {
    fn from(columns: SummaryColumns) -> Self {
        Self {
            exporting: columns.exporting.unsigned_abs(),
            not_exporting: columns.not_exporting.unsigned_abs(),
            inactive: columns.inactive.unsigned_abs(),
        }
    }
}
