//! Ends the work of a caller that is gone: its reads stop and their statements are cancelled. A write that has begun runs
//! to its end.

use std::{
    future::poll_fn,
    ops::{Deref, DerefMut},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _, pooled_connection::deadpool::Object};
use tokio::{runtime::Handle, time::timeout};
use tokio_postgres::NoTls;

use super::tls::DatabaseTls;

tokio::task_local! {
    /// The number of writes of a caller's work that have begun and not ended.
    static BEGUN_WRITES: Arc<AtomicUsize>;
}

/// Runs the work of a caller. When `gone` ends first, the work is dropped as soon as none of its writes has begun and not
/// ended. Then this returns `None`.
pub async fn run_for_caller<T>(work: impl Future<Output = T>, gone: impl Future<Output = ()>) -> Option<T> {
    let begun = Arc::new(AtomicUsize::new(0));
    let mut work = pin!(BEGUN_WRITES.scope(begun.clone(), work));
    let mut gone = pin!(gone);
    let mut is_gone = false;
    poll_fn(|cx| {
        is_gone = is_gone || gone.as_mut().poll(cx).is_ready();
        let is_abandoned = || is_gone && begun.load(Ordering::Relaxed) == 0;
        if is_abandoned() {
            return Poll::Ready(None);
        }
        match work.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            // A write has ended, and the work waits for something else.
            Poll::Pending if is_abandoned() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// A write that has begun. While the value exists, the write's work does not end with its caller.
#[derive(Debug)]
pub(super) struct BegunWrite(Option<Arc<AtomicUsize>>);

impl BegunWrite {
    pub(super) fn new() -> Self {
        let begun = BEGUN_WRITES.try_with(Clone::clone).ok();
        if let Some(begun) = &begun {
            begun.fetch_add(1, Ordering::Relaxed);
        }
        Self(begun)
    }
}

impl Drop for BegunWrite {
    fn drop(&mut self) {
        if let Some(begun) = &self.0 {
            begun.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// How long the database may take to cancel a statement.
const CANCEL: Duration = Duration::from_secs(2);

/// Cancels the running statement of a connection whose caller is gone, and closes the connection. The connection is not
/// used again, because the cancellation may arrive late and would then end the next statement. It keeps its place in the
/// pool until it is closed, so that the pool also limits the number of sessions that are being cancelled.
pub(super) fn interrupt(conn: Object<AsyncPgConnection>, tls: Arc<DatabaseTls>) {
    let cancel = conn.cancel_token();
    let mut closing = ClosedConn(Some(conn));
    let Ok(runtime) = Handle::try_current() else { return };
    runtime.spawn(async move {
        let cancelled = timeout(CANCEL, async {
            match tls.connector().await.ok()? {
                Some(tls) => cancel.cancel_query(tls).await.ok()?,
                None => cancel.cancel_query(NoTls).await.ok()?,
            }
            // The response to this statement follows the end of the cancelled one.
            if let Some(conn) = &mut closing.0 {
                let _ = conn.batch_execute("ROLLBACK").await;
            }
            Some(())
        });
        if !matches!(cancelled.await, Ok(Some(()))) {
            tracing::debug!("a statement could not be cancelled");
        }
    });
}

/// A pooled connection that is closed when the value is dropped.
struct ClosedConn(Option<Object<AsyncPgConnection>>);

impl Drop for ClosedConn {
    fn drop(&mut self) {
        self.0.take().map(Object::take).map(drop).unwrap_or_default();
    }
}

/// A pooled connection that runs one statement. When it is dropped before [`StatementConn::release`], the statement is
/// cancelled and the connection is closed: the response of the statement may still arrive on it.
pub(super) struct StatementConn(Option<Object<AsyncPgConnection>>, Arc<DatabaseTls>);

impl StatementConn {
    pub(super) fn new(conn: Object<AsyncPgConnection>, tls: Arc<DatabaseTls>) -> Self {
        Self(Some(conn), tls)
    }

    /// Gives the connection back to the pool.
    pub(super) fn release(mut self) {
        drop(self.0.take());
    }
}

impl Drop for StatementConn {
    fn drop(&mut self) {
        if let Some(conn) = self.0.take() {
            interrupt(conn, self.1.clone());
        }
    }
}

impl Deref for StatementConn {
    type Target = Object<AsyncPgConnection>;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref().unwrap_or_else(|| unreachable!("only drop and release take the connection"))
    }
}

impl DerefMut for StatementConn {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0.as_mut().unwrap_or_else(|| unreachable!("only drop and release take the connection"))
    }
}
