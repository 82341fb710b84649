//! Listening for the signals that processes send after their writes. A signal only wakes: the poll finds every write.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use rollcall_store::{Db, announcements};
use tokio::{select, sync::Notify, time::sleep};

use crate::engine::DecisionEngine;

/// How long to wait before a lost connection is replaced.
const PAUSE: Duration = Duration::from_secs(1);

/// Listens until the engine is dropped.
pub(crate) async fn run(engine: Weak<DecisionEngine>, db: Db, ended: Arc<Notify>) {
    let heard = |organization, revision| {
        if let Some(engine) = engine.upgrade() {
            engine.note_signal(&organization, revision);
        }
    };
    let listening = async {
        loop {
            if let Err(error) = announcements::listen(&db, heard).await {
                tracing::debug!(%error, "not listening");
            }
            sleep(PAUSE).await;
        }
    };
    select! {
        () = listening => {}
        () = ended.notified() => {}
    }
}
