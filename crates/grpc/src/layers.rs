//! What happens around every call: the caller's deadline, a span that continues the caller's
//! trace, and a task of its own, so that a cancelled call never leaves database work half-way.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use crate::whole::Whole;
use http::{HeaderMap, Request, Response};
use opentelemetry::{
    Context as Trace,
    propagation::Extractor,
    trace::{TraceContextExt as _, TraceId},
};
use tonic::{Code, Status, body::Body};
use tower::{Layer, Service};
use tracing::{Instrument as _, Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The longest deadline that is taken at its word; the protocol allows 27,000 years.
const DEADLINE_MAX: Duration = Duration::from_secs(3600);

/// Wraps a service in all of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CallLayer;

impl<S> Layer<S> for CallLayer {
    type Service = Call<S>;

    fn layer(&self, inner: S) -> Call<S> {
        Call { inner }
    }
}

/// A service whose calls have a deadline, a span and a task.
#[derive(Clone, Debug)]
pub(crate) struct Call<S> {
    inner: S,
}

tokio::task_local! {
    /// The trace that the caller says the call is part of.
    static CALLERS_TRACE: Option<TraceId>;
}

type Answer<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

impl<S> Service<Request<Body>> for Call<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Answer<S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Answer<S::Error> {
        let trace = opentelemetry::global::get_text_map_propagator(|it| it.extract(&Headers(request.headers())));
        let callers_trace = trace_id_in(&trace);
        let span = span(&request, trace);
        // tonic would answer an expired deadline with CANCELLED, so it must not see it.
        let deadline =
            request.headers_mut().remove("grpc-timeout").and_then(|value| parse_timeout(value.to_str().ok()?));
        let whole = Whole::default();
        request.extensions_mut().insert(whole.clone());
        let request = request.map(|body| whole.watch(body));
        let mut inner = self.inner.clone();
        std::mem::swap(&mut inner, &mut self.inner);
        let work = CALLERS_TRACE.scope(callers_trace, async move { inner.call(request).await });
        let task = tokio::spawn(work.instrument(span.clone()));
        Box::pin(async move {
            let joined = match deadline {
                None => task.await,
                Some(limit) => match tokio::time::timeout(limit.min(DEADLINE_MAX), task).await {
                    Ok(joined) => joined,
                    Err(_) => {
                        let text = "the deadline passed before there was an answer; a change may still be made";
                        return Ok(answered(&span, crate::status::with_info(Code::DeadlineExceeded, text)));
                    }
                },
            };
            match joined {
                Ok(Ok(response)) => Ok(match crate::status::of_the_transport(&response) {
                    Some(status) => answered(&span, status),
                    None => {
                        record(&span, &response);
                        response
                    }
                }),
                Ok(Err(error)) => Err(error),
                // A panic has been logged by its hook, with the place.
                Err(_) => Ok(answered(&span, crate::status::internal())),
            }
        })
    }
}

fn answered(span: &Span, status: Status) -> Response<Body> {
    let response = status.into_http();
    record(span, &response);
    response
}

/// An error's code is in the headers when there is no body; a call that answered is OK, or ends
/// its stream with trailers that are not waited for.
fn record(span: &Span, response: &Response<Body>) {
    let code = response.headers().get("grpc-status").and_then(|code| code.to_str().ok()).unwrap_or("0");
    span.record("rpc.grpc.status_code", code);
}

fn span(request: &Request<Body>, trace: Trace) -> Span {
    let path = request.uri().path().trim_start_matches('/');
    let (service, method) = path.split_once('/').unwrap_or((path, ""));
    let span = tracing::info_span!(
        "rpc",
        otel.name = path,
        otel.kind = "server",
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = method,
        rpc.grpc.status_code = Empty,
    );
    // Without a subscriber that exports there is nothing to continue.
    let _ = span.set_parent(trace);
    span
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

/// The trace that the call is part of, for the audit: the one that its span is exported with, else the caller's.
pub(crate) fn trace_id() -> Option<String> {
    let exported = trace_id_in(&Span::current().context());
    let found = exported.or_else(|| CALLERS_TRACE.try_get().ok().flatten());
    found.map(|trace| trace.to_string())
}

fn trace_id_in(context: &Trace) -> Option<TraceId> {
    let span = context.span();
    let found = span.span_context();
    found.is_valid().then(|| found.trace_id())
}

/// Reads a `grpc-timeout`: up to eight digits and a unit.
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
    fn timeouts_are_read_as_the_protocol_writes_them() {
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

    /// Calls a layered service with a deadline, and answers the status.
    async fn call<F>(timeout: &str, inner: impl Fn() -> F + Clone + Send + 'static) -> Option<Status>
    where
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let service = tower::service_fn(move |_: Request<Body>| {
            let answer = inner();
            async move { Ok::<_, std::convert::Infallible>(answer.await) }
        });
        let request = Request::builder().header("grpc-timeout", timeout).body(Body::empty()).unwrap();
        let response = CallLayer.layer(service).call(request).await.unwrap();
        Status::from_header_map(response.headers())
    }

    #[tokio::test]
    async fn an_expired_deadline_is_deadline_exceeded_and_the_work_goes_on() {
        let (ended, end) = std::sync::mpsc::channel();
        let (release, gate) = tokio::sync::watch::channel(false);
        let status = call("1m", move || {
            let (ended, mut gate) = (ended.clone(), gate.clone());
            async move {
                let _ = gate.wait_for(|open| *open).await;
                let _ = ended.send(());
                Response::new(Body::empty())
            }
        });
        assert_eq!(status.await.unwrap().code(), tonic::Code::DeadlineExceeded);
        release.send(true).unwrap();
        tokio::task::spawn_blocking(move || end.recv_timeout(Duration::from_secs(10))).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_error() {
        let status = call("10S", || async { panic!("a bug") }).await.unwrap();
        assert_eq!(status.code(), tonic::Code::Internal);
    }
}
