//! Statements from the files in `sql/`, and the values that they bind.

use diesel::{
    pg::Pg,
    serialize::{self, Output, ToSql},
    sql_types::{
        Array, BigInt, Bool, Integer, Jsonb, Nullable, SqlType, Text, Timestamptz, Uuid as SqlUuid, is_nullable,
    },
};
use rollcall_domain::Timestamp;
use uuid::Uuid;

/// A Rust type that a statement can bind, with its SQL type.
pub(crate) trait SqlValue {
    type Sql: 'static;
}

macro_rules! sql_values {
    ($($rust:ty => $sql:ty),+) => { $(impl SqlValue for $rust { type Sql = $sql; })+ };
}

sql_values! {
    &str => Text, &String => Text, bool => Bool, i32 => Integer, i64 => BigInt, Timestamp => Timestamptz,
    Uuid => SqlUuid, serde_json::Value => Jsonb
}

impl<V: SqlValue<Sql: SqlType<IsNull = is_nullable::NotNull>>> SqlValue for Option<V> {
    type Sql = Nullable<V::Sql>;
}

impl<V: SqlValue> SqlValue for Vec<V> {
    type Sql = Array<V::Sql>;
}

impl<V: SqlValue> SqlValue for &[V] {
    type Sql = Array<V::Sql>;
}

/// A bound value. Its type decides the SQL type, so that a call does not repeat it.
#[derive(Debug)]
pub(crate) struct Bound<V>(pub(crate) V);

impl<V: SqlValue + ToSql<V::Sql, Pg> + std::fmt::Debug> ToSql<V::Sql, Pg> for Bound<V> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

impl<V: SqlValue> SqlValue for &Vec<V> {
    type Sql = Array<V::Sql>;
}

/// Returns the statement of the file `sql/<name>.sql` with the given values. For `Prepared("name")` see
/// [`super::Prepared`].
macro_rules! statement {
    (Prepared($name:literal) $(, $value:expr)* $(,)?) => {
        crate::db::Prepared(crate::db::statement!($name $(, $value)*))
    };
    ($name:literal $(, $value:expr)* $(,)?) => {
        diesel::sql_query(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/sql/", $name, ".sql")))
            $(.bind::<_, _>(crate::db::Bound($value)))*
    };
}

/// Runs the statement of a file in a transaction of an organization, and returns the future of the result. `$1` is the
/// organization; the given values follow in order.
macro_rules! run_statement {
    ($method:ident, $tx:expr, Prepared($name:literal) $(, $value:expr)* $(,)?) => {{
        let (conn, organization) = $tx.parts();
        diesel_async::RunQueryDsl::$method(crate::db::statement!(Prepared($name), organization $(, $value)*), conn)
    }};
    ($method:ident, $tx:expr, $name:literal $(, $value:expr)* $(,)?) => {{
        let (conn, organization) = $tx.parts();
        diesel_async::RunQueryDsl::$method(crate::db::statement!($name, organization $(, $value)*), conn)
    }};
}

/// Loads the rows of a statement: see [`run_statement`]. An error names the statement.
macro_rules! load {
    ($tx:expr, $($statement:tt)+) => {
        async {
            let name = crate::db::statement_name!($($statement)+);
            crate::db::run_statement!(load, $tx, $($statement)+).await.map_err(crate::Error::of_statement(name))
        }
    };
}

/// Executes a statement without rows: see [`run_statement`]. An error names the statement.
macro_rules! execute {
    ($tx:expr, $($statement:tt)+) => {
        async {
            let name = crate::db::statement_name!($($statement)+);
            let executed = crate::db::run_statement!(execute, $tx, $($statement)+).await;
            executed.map(drop).map_err(crate::Error::of_statement(name))
        }
    };
}

/// Returns the name of the statement that [`run_statement`] runs.
macro_rules! statement_name {
    (Prepared($name:literal) $($values:tt)*) => {
        $name
    };
    ($name:literal $($values:tt)*) => {
        $name
    };
}

pub(crate) use {execute, load, run_statement, statement, statement_name};
