//! Listening for runs that any process has requested: a notice causes a tick (ADR 29). Without notices, nothing depends
//! on them: the engine then ticks once a second.

use std::{
    convert::Infallible,
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

use rollcall_store::{Result, jobs::RunNotices};
use tokio::time::sleep;

use super::tick::EngineState;

/// How long the engine waits before it listens again.
const PAUSE: Duration = Duration::from_secs(5);

pub(super) async fn listen_until_stopped(state: Arc<EngineState>) {
    let listening = async {
        loop {
            let Err(error) = listen(&state).await;
            tracing::debug!(%error, "the job engine gets no notices of requested runs; it reads its runs once a second");
            state.is_listening.store(false, SeqCst);
            state.wake.notify_one();
            sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = state.stop.cancelled() => {}
        () = listening => {}
    }
}

async fn listen(state: &EngineState) -> Result<Infallible> {
    let mut notices = RunNotices::open(state.app.db()).await?;
    state.is_listening.store(true, SeqCst);
    loop {
        // Also the first time: a run may have been requested while nobody listened.
        state.wake.notify_one();
        notices.next().await?;
    }
}
