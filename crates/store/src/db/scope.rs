//! Whose rows a transaction sees. Row-level security compares a setting with the organization of each row (ADR 32).

use diesel::{
    QueryableByName,
    sql_types::{Bool, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};
use postgres_protocol::escape::{escape_identifier, escape_literal};

use tracing::Instrument as _;

use super::{
    Db, SystemConn, TxBody, TxError,
    limits::{BEGIN_READ_ONLY, within},
    transaction::{end, roll_back_after},
    tx::TransactionConn,
};
use crate::{Error, Result};

/// Returns the statement after which the rest of the transaction sees the rows of one organization. It follows `BEGIN` in
/// the same message, so it costs no round trip. (It is no `set_config`, which would not reach the workers of a Citus.)
pub(super) fn set_organization(organization: &str) -> String {
    // The ids of organizations have no character that needs it.
    format!("SET LOCAL rollcall.organization = {}", escape_literal(organization))
}

/// Lets the rest of a transaction see the rows of one organization, and of no other.
pub(crate) async fn enter_organization(conn: &mut AsyncPgConnection, organization: &str) -> Result<()> {
    Ok(conn.batch_execute(&set_organization(organization)).await?)
}

/// Returns the statement after which the rest of the transaction has the role of the jobs.
pub(super) fn set_role(role: &str) -> String {
    format!("SET LOCAL ROLE {}", escape_identifier(role))
}

/// Which rows the login role of a connection sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum VisibleRows {
    /// All: the role is a superuser, owns the tables, or has inherited a policy that shows all rows.
    All,
    /// Those of the organization that the transaction has set. The named role sees those of all organizations.
    OfOrganization {
        /// The role of the jobs, if the database has one.
        jobs_role: Option<String>,
    },
}

const VISIBLE: &str = "SELECT
    NOT row_security_active('organizations') OR EXISTS (
        SELECT FROM pg_policy AS p, unnest(p.polroles) AS r
        WHERE p.polrelid = 'organizations'::regclass AND p.polname IN ('owner', 'all_organizations')
            AND pg_has_role(r, 'USAGE')
    ) AS sees_all,
    (
        SELECT pg_get_userbyid(p.polroles[1])::text FROM pg_policy AS p
        WHERE p.polrelid = 'organizations'::regclass AND p.polname = 'all_organizations'
    ) AS jobs_role";

#[derive(QueryableByName)]
struct VisibleRow {
    #[diesel(sql_type = Bool)]
    sees_all: bool,
    #[diesel(sql_type = Nullable<Text>)]
    jobs_role: Option<String>,
}

/// Reads which rows the login role sees.
pub(super) async fn find_visible(conn: &mut AsyncPgConnection) -> Result<VisibleRows> {
    let row: VisibleRow = diesel::sql_query(VISIBLE).get_result(conn).await?;
    let jobs_role = row.jobs_role;
    Ok(if row.sees_all { VisibleRows::All } else { VisibleRows::OfOrganization { jobs_role } })
}

/// The error when the login role may not see the rows of all organizations.
pub(super) fn not_a_member(refused: Option<&diesel::result::Error>) -> Error {
    let cause = refused.map(|refused| format!(": {refused}")).unwrap_or_default();
    Error::Internal(
        format!(
            "the database role may not read the rows of all organizations{cause}; create the role of the jobs, grant it \
             to the role of the service, and run `rollcall migrate`, see \"Database roles\" in docs/operations.md"
        )
        .into(),
    )
}

impl Db {
    /// Reads the rows of all organizations in one transaction, with the role of the jobs: for jobs and for lists of
    /// operators. Everything else takes a [`ReadTx`](super::ReadTx) or a [`WriteTx`](super::WriteTx). The read ends when it is
    /// dropped.
    ///
    /// # Errors
    /// The error of `body`.
    pub async fn read_all<T, E, F>(&self, name: &'static str, body: F) -> std::result::Result<T, E>
    where
        E: TxError,
        for<'t> F: TxBody<&'t mut SystemConn, std::result::Result<T, E>, Fut: Send> + Send,
    {
        let span = tracing::debug_span!("transaction", otel.name = name);
        let running = async {
            let mut conn = self.begin_across().await?;
            let answer = body(&mut conn).await;
            end(&mut conn, answer).await
        };
        within(self.limits.read, running).instrument(span).await
    }

    /// Begins a transaction that reads the rows of all organizations.
    async fn begin_across(&self) -> Result<TransactionConn> {
        if let Some(role) = self.jobs_role.get() {
            return self.begin(&format!("{BEGIN_READ_ONLY}; {}", set_role(role))).await;
        }
        let mut conn = self.begin(BEGIN_READ_ONLY).await?;
        let set = match find_visible(&mut conn).await {
            Ok(VisibleRows::All) => return Ok(conn),
            Ok(VisibleRows::OfOrganization { jobs_role: None }) => Err(not_a_member(None)),
            Ok(VisibleRows::OfOrganization { jobs_role: Some(role) }) => {
                let set = conn.batch_execute(&set_role(&role)).await;
                set.map(|()| role).map_err(|refused| not_a_member(Some(&refused)))
            }
            Err(error) => Err(error),
        };
        match set {
            Ok(role) => {
                // Another read may have set it meanwhile.
                let _ = self.jobs_role.set(role);
                Ok(conn)
            }
            Err(error) => Err(roll_back_after(&mut conn, error).await),
        }
    }

    /// Reads which rows the login role sees.
    pub(crate) async fn visible_rows(&self) -> Result<VisibleRows> {
        self.read_system("visible_rows", async |conn: &mut SystemConn| find_visible(conn).await).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted() {
        assert_eq!(set_organization("acme"), "SET LOCAL rollcall.organization = 'acme'");
        assert_eq!(set_organization("a'; DROP TABLE x"), "SET LOCAL rollcall.organization = 'a''; DROP TABLE x'");
        assert_eq!(set_organization(r"a\' x"), r"SET LOCAL rollcall.organization =  E'a\\'' x'");
        assert_eq!(set_role(r#"a" x"#), r#"SET LOCAL ROLE "a"" x""#);
    }
}
