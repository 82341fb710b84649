//! Notices between processes that a run was requested. An engine without work sleeps until it gets one, or until it knows
//! of a run that is due (ADR 29).

use std::{pin::pin, time::Duration};

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures::StreamExt as _;

use crate::{Db, Error, Result, SystemConn, db::within};

/// How long the first notice may take, which the listener sends to itself.
const FIRST_NOTICE: Duration = Duration::from_secs(5);

/// A connection that receives the notices.
pub struct RunNotices(AsyncPgConnection);

impl RunNotices {
    /// Begins to listen, and checks that notices arrive: a proxy that gives each transaction another session loses them.
    pub async fn open(db: &Db) -> Result<Self> {
        let mut notices = Self(db.own_connection().await?);
        diesel::sql_query("LISTEN rollcall_job_runs").execute(&mut notices.0).await?;
        db.system("notify_engines", async |conn: &mut SystemConn| notify_engines(conn).await).await?;
        within(FIRST_NOTICE, notices.next()).await?;
        Ok(notices)
    }

    /// Waits for the next notice.
    pub async fn next(&mut self) -> Result<()> {
        match pin!(self.0.notifications_stream()).next().await {
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(Error::Unavailable(error.into())),
            None => Err(Error::Unavailable("the connection for notices is closed".into())),
        }
    }
}

/// Tells the engines of all processes, when the transaction commits, to look for a run.
pub(super) async fn notify_engines(conn: &mut AsyncPgConnection) -> Result<()> {
    diesel::sql_query("NOTIFY rollcall_job_runs").execute(conn).await?;
    Ok(())
}
