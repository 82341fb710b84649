//! JSON columns that hold a typed value.

use std::fmt::Debug;

use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::{Pg, PgValue},
    serialize::{self, Output, ToSql},
    sql_types::Jsonb,
};
use serde::{Serialize, de::DeserializeOwned};

/// A JSON column that holds a `T`. Reading any other value fails.
#[derive(AsExpression, Clone, Debug, Default, PartialEq, Eq, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
pub struct JsonColumn<T>(pub T);

impl<T: Debug + Serialize> ToSql<Jsonb, Pg> for JsonColumn<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let value = serde_json::to_value(&self.0)?;
        ToSql::<Jsonb, Pg>::to_sql(&value, &mut out.reborrow())
    }
}

impl<T: DeserializeOwned> FromSql<Jsonb, Pg> for JsonColumn<T> {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        let value: serde_json::Value = FromSql::<Jsonb, Pg>::from_sql(bytes)?;
        Ok(Self(serde_json::from_value(value)?))
    }
}
