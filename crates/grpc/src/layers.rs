//! What happens around every call: a place in the budgets, the caller's deadline, a span that continues the caller's trace,
//! and a task of its own.
//! When the caller is gone (cancelled, disconnected or past its deadline), the task ends, unless it has begun to write: a
//! write runs to its end.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http::{HeaderMap, Request, Response};
use opentelemetry::{
    Context as Trace,
    propagation::Extractor,
    trace::{TraceContextExt as _, TraceId},
};
use rollcall_app::run_for_caller;
use tokio::sync::oneshot;
use tonic::{Status, body::Body};
use tower::{Layer, Service};
use tracing::{Instrument as _, Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::{
    access::{self, CallRights},
    budgets::{CallBudgets, CallPlace, hold_until_sent, metered},
    deadline::Deadline,
    status::{internal, of_transport_error},
    stream_completion::StreamCompletion,
};

/// Wraps a service so that its calls have a place in the budgets, a deadline, a span and a task.
#[derive(Clone, Debug)]
pub(crate) struct CallLayer(pub(crate) CallBudgets);

impl<S> Layer<S> for CallLayer {
    type Service = CallService<S>;

    fn layer(&self, inner: S) -> CallService<S> {
        CallService { inner, budgets: self.0.clone() }
    }
}

/// A service wrapped by [`CallLayer`].
#[derive(Clone, Debug)]
pub(crate) struct CallService<S> {
    inner: S,
    budgets: CallBudgets,
}

tokio::task_local! {
    /// The trace of the caller, from the headers of the call.
    static CALLERS_TRACE: Option<TraceId>;
}

type ResponseFuture<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

impl<S> Service<Request<Body>> for CallService<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> ResponseFuture<S::Error> {
        let trace = opentelemetry::global::get_text_map_propagator(|it| it.extract(&Headers(request.headers())));
        let callers_trace = trace_id_in(&trace);
        let span = span(&request, trace);
        let place = match self.budgets.enter(request.uri().path()) {
            Ok(place) => place,
            Err(refused) => {
                let response = refused.into_status().into_http();
                record(&span, &response);
                return Box::pin(std::future::ready(Ok(response)));
            }
        };
        let rights = request.extensions_mut().remove::<CallRights>();
        let deadline = Deadline::take(request.headers_mut());
        let completion = StreamCompletion::default();
        request.extensions_mut().insert(completion.clone());
        let request = request.map(|body| match &place {
            Some(place) => completion.watch(metered(body, place.clone())),
            None => completion.watch(body),
        });
        let mut inner = self.inner.clone();
        std::mem::swap(&mut inner, &mut self.inner);
        let answering = async move {
            let response = inner.call(request).await?;
            Ok(match CallPlace::current() {
                Some(place) => response.map(|body| hold_until_sent(body, &place)),
                None => response,
            })
        };
        let work = access::scope(rights, CallPlace::scope(place, answering));
        let work = CALLERS_TRACE.scope(callers_trace, work);
        // The response's future holds the sender, and is dropped when the caller is gone.
        let (caller, gone) = oneshot::channel::<()>();
        let task = run_for_caller(work, async move { drop(gone.await) });
        let task = tokio::spawn(task.instrument(span.clone()));
        Box::pin(async move {
            let waited = deadline.wait(task).await;
            drop(caller);
            let response = match waited {
                Err(deadline_exceeded) => deadline_exceeded.into_http(),
                Ok(Ok(Some(Ok(response)))) => of_transport_error(&response).map_or(response, Status::into_http),
                Ok(Ok(Some(Err(error)))) => return Err(error),
                // Not possible: the caller is still there.
                Ok(Ok(None)) => internal().into_http(),
                // The panic hook has logged the panic with its place.
                Ok(Err(_panic)) => internal().into_http(),
            };
            record(&span, &response);
            Ok(response)
        })
    }
}

/// Records the status code of a response. The code is in the headers when the response has no body. Other responses count
/// as OK, because the trailers of a stream come later.
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
    // This fails without a subscriber that exports spans; then no trace is continued.
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

/// Returns the trace of the call, for the audit: the trace that its span is exported with, else the trace of the caller.
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::CallLimits;

    /// Calls a wrapped service with a deadline, and returns the status of the response.
    async fn call<F>(timeout: &str, inner: impl Fn() -> F + Clone + Send + 'static) -> Option<Status>
    where
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let service = tower::service_fn(move |_: Request<Body>| {
            let answer = inner();
            async move { Ok::<_, std::convert::Infallible>(answer.await) }
        });
        let request = Request::builder().header("grpc-timeout", timeout).body(Body::empty()).unwrap();
        let budgets = CallBudgets::new(CallLimits::default());
        let response = CallLayer(budgets).layer(service).call(request).await.unwrap();
        Status::from_header_map(response.headers())
    }

    #[tokio::test]
    async fn an_expired_deadline_is_deadline_exceeded_and_ends_the_work() {
        let (working, mut ended) = tokio::sync::mpsc::channel::<()>(1);
        let status = call("1m", move || {
            let working = working.clone();
            async move {
                working.closed().await;
                Response::new(Body::empty())
            }
        });
        assert_eq!(status.await.unwrap().code(), tonic::Code::DeadlineExceeded);
        // The work holds the last sender.
        tokio::time::timeout(Duration::from_secs(10), ended.recv()).await.expect("the work goes on");
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_error() {
        let status = call("10S", || async { panic!("a bug") }).await.unwrap();
        assert_eq!(status.code(), tonic::Code::Internal);
    }
}
