//! Reading with one statement, in one round trip.

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use futures::join;
use rollcall_domain::OrganizationId;

use super::{
    Db, SystemConn, TxBody, interrupt::StatementConn, limits::silent, scope::set_organization,
    transaction::report_lost_connection,
};
use crate::{Error, Result};

impl Db {
    /// Runs one statement that only reads, outside of a transaction. It sees no row of an organization. The read ends when
    /// it is dropped.
    pub(crate) async fn statement<T, F>(&self, body: F) -> Result<T>
    where
        for<'t> F: TxBody<&'t mut SystemConn, Result<T>, Fut: Send> + Send,
    {
        let mut conn = StatementConn::new(self.connection().await?, self.tls.clone());
        let limit = self.limits.statement;
        let answering = async {
            match body(&mut conn).await {
                Ok(value) => Ok(value),
                Err(error) => Err(report_lost_connection(&mut conn, error).await),
            }
        };
        let answered = tokio::time::timeout(limit, answering).await;
        let answered = answered.map_err(|_| silent(limit))?;
        conn.release();
        answered
    }

    /// Runs one prepared statement that only reads rows of an organization. Its transaction costs no round trip: its
    /// beginning, the statement and its end are sent together. The read ends when it is dropped.
    ///
    /// `body` returns `None` if it sees no organization. The first time that a connection prepares the statement, the
    /// transaction ends before the statement begins, and so it sees none. Therefore it is then asked once more, step by
    /// step.
    pub(crate) async fn statement_of<T, F>(&self, organization: &OrganizationId, body: F) -> Result<Option<T>>
    where
        for<'t> F: TxBody<&'t AsyncPgConnection, Result<Option<T>>, Fut: Send> + Clone + Send,
    {
        let mut conn = StatementConn::new(self.connection().await?, self.tls.clone());
        let limit = self.limits.statement;
        let begin = format!("BEGIN; {}", set_organization(organization.as_str()));
        let answering = async {
            match run_together(&conn, &begin, body.clone()).await {
                Ok(None) => {}
                Ok(found) => return Ok(found),
                Err(error) => return Err(report_lost_connection(&mut conn, error).await),
            }
            let asked = async {
                conn.batch_execute(&begin).await?;
                let found = body(&conn).await?;
                conn.batch_execute("COMMIT").await?;
                Ok(found)
            };
            match asked.await {
                Ok(found) => Ok(found),
                Err(error) => {
                    let error = report_lost_connection(&mut conn, error).await;
                    conn.batch_execute("ROLLBACK").await?;
                    Err(error)
                }
            }
        };
        let answered = tokio::time::timeout(limit, answering).await;
        let answered = answered.map_err(|_| silent(limit))?;
        conn.release();
        answered
    }
}

/// Sends the beginning of a transaction, a statement and the end together. An error of the statement rolls back.
async fn run_together<T, F>(conn: &AsyncPgConnection, begin: &str, body: F) -> Result<T>
where
    for<'t> F: TxBody<&'t AsyncPgConnection, Result<T>, Fut: Send> + Send,
{
    let (mut first, mut last) = (conn, conn);
    // `join!` begins its futures in this order.
    let (begun, answer, ended) = join!(first.batch_execute(begin), body(conn), last.batch_execute("COMMIT"));
    let answer = begun.map_err(Error::from).and(answer)?;
    ended?;
    Ok(answer)
}
