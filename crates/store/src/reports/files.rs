//! The files of a report, which are stored in one JSON column.

use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::{Pg, PgValue},
    serialize::{self, Output, ToSql},
    sql_types::Jsonb,
};
use serde::{Deserialize, Serialize};

/// A file of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportFile {
    /// The file's name in the report's folder.
    pub file: String,
    /// The number of rows, without the header; 0 for a file that is not a table.
    pub rows: i64,
    /// The size in bytes.
    pub bytes: i64,
    /// The SHA-256, in hexadecimal.
    pub sha256: String,
}

/// Every file of a report, the data file first.
#[derive(AsExpression, Clone, Debug, PartialEq, Eq, FromSqlRow, Serialize, Deserialize)]
#[diesel(sql_type = Jsonb)]
pub struct ReportFiles(pub Vec<ReportFile>);

impl ToSql<Jsonb, Pg> for ReportFiles {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let value = serde_json::to_value(self)?;
        ToSql::<Jsonb, Pg>::to_sql(&value, &mut out.reborrow())
    }
}

impl FromSql<Jsonb, Pg> for ReportFiles {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        let value: serde_json::Value = FromSql::<Jsonb, Pg>::from_sql(bytes)?;
        Ok(serde_json::from_value(value)?)
    }
}
