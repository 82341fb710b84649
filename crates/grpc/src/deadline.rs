//! The caller's deadline: a call that has no response by then is answered with DEADLINE_EXCEEDED. The messages of a server
//! stream that has begun are not limited.

use std::time::Duration;

use http::HeaderMap;
use tonic::{Code, Status};

use crate::status;

/// The longest deadline that a call may have. A longer one counts as this one.
const DEADLINE_MAX: Duration = Duration::from_secs(3600);

/// The time that a call may take; `None` for any.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Duration>);

impl Deadline {
    /// Takes the deadline from the headers of a request. tonic must not see it, because it would answer an expired
    /// deadline with CANCELLED.
    pub(crate) fn take(headers: &mut HeaderMap) -> Self {
        let value = headers.remove("grpc-timeout");
        let timeout = value.and_then(|value| parse_timeout(value.to_str().ok()?));
        Self(timeout.map(|timeout| timeout.min(DEADLINE_MAX)))
    }

    /// Waits for the result of a call.
    ///
    /// # Errors
    /// `DEADLINE_EXCEEDED` when the deadline passes first.
    pub(crate) async fn wait<T>(self, call: impl Future<Output = T>) -> Result<T, Status> {
        let Some(timeout) = self.0 else { return Ok(call.await) };
        let text = "the deadline passed before there was an answer; a change may still be made";
        tokio::time::timeout(timeout, call).await.map_err(|_| status::with_info(Code::DeadlineExceeded, text))
    }
}

/// Parses a `grpc-timeout` header: up to eight digits and a unit.
fn parse_timeout(value: &str) -> Option<Duration> {
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    let amount: u64 = (digits.len() <= 8).then(|| digits.parse().ok())??;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_parsed_as_the_protocol_writes_them() {
        let cases = [
            ("1H", Some(3_600_000)),
            ("2M", Some(120_000)),
            ("3S", Some(3_000)),
            ("4m", Some(4)),
            ("5000u", Some(5)),
            ("6000000n", Some(6)),
            ("123456789S", None),
            ("S", None),
            ("", None),
            ("5x", None),
            ("-1S", None),
        ];
        for (value, expected) in cases {
            assert_eq!(parse_timeout(value).map(|d| d.as_millis()), expected, "{value}");
        }
    }
}
