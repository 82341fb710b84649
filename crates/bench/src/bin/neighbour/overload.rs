//! Checks at more than the rate that the server can answer: how many it still answers, and how fast it refuses the others.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use futures::future::join_all;
use rollcall_bench::Result;
use tokio::sync::Mutex;
use tonic::Code;

use crate::load::{Quiet, Times};

/// How many callers the server can serve at its highest rate.
const CALLERS: usize = 64;

/// What a number of callers got, each of which calls again as soon as it has an answer.
struct Rate {
    answered: f64,
    refused: f64,
    refusals: Times,
    errors: usize,
}

/// Measures the rate of answers with some callers, and with ten times as many.
pub(crate) async fn measure(quiet: &Quiet, length: Duration) -> Result<String> {
    let peak = rate(quiet, CALLERS, length).await;
    let overload = rate(quiet, 10 * CALLERS, length).await;
    let mut text = String::from(
        "| callers of checks | answered in a second | refused in a second | p50 and p99 of refusals | other errors |\n\
         |---|---|---|---|---|\n",
    );
    for (callers, rate) in [(CALLERS, &peak), (10 * CALLERS, &overload)] {
        let (median, worst) = (rate.refusals.percentile(50), rate.refusals.percentile(99));
        text += &format!(
            "| {callers} | {:.0} | {:.0} | {median:.2?}, {worst:.2?} | {} |\n",
            rate.answered, rate.refused, rate.errors
        );
    }
    Ok(text + &format!("\nGoodput at ten times the callers: {:.2} of the peak.\n", overload.answered / peak.answered))
}

async fn rate(quiet: &Quiet, callers: usize, length: Duration) -> Rate {
    let (answered, errors, refusals) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Vec::new()));
    let begin = Instant::now();
    let call_again = async |caller: usize| {
        let mut number = caller;
        while begin.elapsed() < length {
            let called = Instant::now();
            match quiet.check(number).await {
                Ok(()) => drop(answered.fetch_add(1, Ordering::Relaxed)),
                Err(status) if status.code() == Code::ResourceExhausted => {
                    refusals.lock().await.push(called.elapsed());
                    // The advice of the server is one second. These callers are less patient.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(_) => drop(errors.fetch_add(1, Ordering::Relaxed)),
            }
            number += callers;
        }
    };
    join_all((0..callers).map(call_again)).await;
    let seconds = begin.elapsed().as_secs_f64();
    let refusals = refusals.into_inner();
    let per_second = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / seconds;
    Rate {
        answered: per_second(answered.load(Ordering::Relaxed)),
        refused: per_second(refusals.len()),
        refusals: Times::of(refusals),
        errors: errors.load(Ordering::Relaxed),
    }
}
