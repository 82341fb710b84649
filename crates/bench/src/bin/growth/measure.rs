//! Making the calls of a scene: in rounds, so that no call profits from the one before, each after its floor.

use std::time::Duration;

use rollcall_bench::{
    Result,
    memory::{Peak, peak_during},
    program::timed,
    ratio::Measured,
};

use crate::{
    calls::{CALLS, FULL_SYNC, GrowsWith},
    floor::GrowthFloor,
    scene::{BuiltScene, Scene},
};

/// How often a call that reads everything is made.
const ROUNDS_OF_LARGE_CALLS: u32 = 3;

/// The results of a scene, in the order of [`CALLS`].
pub(crate) struct SceneResults {
    pub(crate) scene: Scene,
    pub(crate) calls: Vec<Measured>,
}

/// Makes all calls.
pub(crate) async fn measure(built: &BuiltScene, rounds: u32) -> Result<Vec<Measured>> {
    let floor = GrowthFloor::prepare(built).await?;
    let mut measured = vec![Measured::default(); CALLS.len()];
    // The first round fills the caches, and is not counted.
    for round in 0..=rounds {
        for (call, measured) in CALLS.iter().zip(&mut measured) {
            if call.grows_with != GrowsWith::Nothing && round > ROUNDS_OF_LARGE_CALLS {
                continue;
            }
            let raw = floor.measure(call.grows_with).await?;
            let (took, peak) = if call.what == FULL_SYNC {
                full_sync(built).await?
            } else {
                let request = built.encode(call, round).await?;
                let work = timed(async { built.call(call, request).await });
                let (((), took), peak) = peak_during(built.server.memory(), work).await?;
                (took, peak)
            };
            if round > 0 {
                measured.push(took, raw, peak);
            }
        }
    }
    Ok(measured)
}

async fn full_sync(built: &BuiltScene) -> Result<(Duration, Option<Peak>)> {
    let messages = built.full_sync();
    let work = timed(async { built.sync(messages).await });
    let (((), took), peak) = peak_during(built.server.memory(), work).await?;
    Ok((took, peak))
}
