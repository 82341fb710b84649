//! The files of a report, as one column.

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
    /// Its name in the report's folder.
    pub file: String,
    /// Rows, the header aside; 0 for one that is no table.
    pub rows: i64,
    /// Its size.
    pub bytes: i64,
    /// Its SHA-256 in hex.
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
