//! What the programs share: the command line, running until the end or an interrupt, and the clock.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use crate::{Error, Result};

/// Runs a benchmark until its end or an interrupt. Prints its error with the name of the program.
pub fn run(name: &str, benchmark: impl Future<Output = Result>) -> ExitCode {
    if cfg!(debug_assertions) {
        eprintln!("{name}: this is not a release build: its figures mean nothing");
    }
    let until_end = async {
        tokio::select! {
            done = benchmark => done,
            signal = tokio::signal::ctrl_c() => {
                signal?;
                Err("interrupted".into())
            }
        }
    };
    let done = tokio::runtime::Runtime::new().map_err(Error::from).and_then(|runtime| runtime.block_on(until_end));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {}", describe(&error));
            ExitCode::FAILURE
        }
    }
}

/// Parses the factor of `--scale`.
///
/// # Errors
/// When the text is not a number from 0.001 to 10.
pub fn parse_scale(text: &str) -> std::result::Result<f64, String> {
    let factor = text.parse().ok().filter(|factor| (0.001..=10.0).contains(factor));
    factor.ok_or_else(|| "give a number from 0.001 to 10".to_owned())
}

/// Returns what `work` returns, and how long it took.
///
/// # Errors
/// The error of `work`.
pub async fn timed<T>(work: impl Future<Output = Result<T>>) -> Result<(T, Duration)> {
    let start = Instant::now();
    let answer = work.await?;
    Ok((answer, start.elapsed()))
}

/// Returns an error with all its causes, as one line.
fn describe(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_has_limits() {
        assert!(parse_scale("0.01").is_ok() && parse_scale("0").is_err() && parse_scale("much").is_err());
    }
}
