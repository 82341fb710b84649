//! Logs to stderr, as text or JSON; traces to an OTLP collector where one is configured.
//!
//! Spans are collected in a bounded queue and sent from a thread of their own: a collector that is slow or gone costs
//! spans, never calls.

use std::{
    fmt,
    io::{self, IsTerminal as _},
    time::Duration,
};

use opentelemetry::{
    global,
    trace::{TraceContextExt as _, TracerProvider as _},
};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{Resource, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing::{Event, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::Targets,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{Format, Json, JsonFields, Writer},
    },
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};
use url::Url;

use crate::{
    config::{Config, LogFormat},
    error::{Error, Result},
};

const TICKER: &str = "tokio_cron_scheduler";
/// A collector that does not take a batch in this time loses it.
const EXPORT_WITHIN: Duration = Duration::from_secs(5);
/// The last batch gets less: somebody waits for the end.
const FLUSH_WITHIN: Duration = Duration::from_secs(3);

type BoxedLayer<S> = Box<dyn Layer<S> + Send + Sync>;

/// Logging and tracing, as long as this value lives.
pub(crate) struct Telemetry {
    tracer_provider: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Starts both for the whole process. Must be called in the runtime, where the exporter's connection lives.
    ///
    /// # Errors
    /// A filter or an endpoint that cannot be used.
    pub(crate) fn start(config: &Config, log_default: &str) -> Result<Self> {
        global::set_text_map_propagator(TraceContextPropagator::new());
        let tracer_provider = config.otlp_endpoint.as_ref().map(tracer_provider).transpose()?;
        let traces = tracer_provider.as_ref().map(|provider| {
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("rollcall"))
                // Ours only: the exporter's own calls would make new spans for ever.
                .with_filter(Targets::new().with_target("rollcall", LevelFilter::INFO))
        });
        let filter = log_filter(config.log.as_deref().unwrap_or(log_default))?;
        Registry::default()
            .with(log_layer(config.log_format()).with_filter(filter))
            .with(traces)
            .try_init()
            .map_err(Error::doing("cannot start logging"))?;
        Ok(Self { tracer_provider })
    }

    /// Sends the spans that wait, if somebody takes them soon.
    pub(crate) async fn stop(self) {
        let Some(provider) = self.tracer_provider else { return };
        let flushed = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH_WITHIN)).await;
        if let Ok(Err(error)) = flushed {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// What was asked for. The ticker says more than anybody wants to know, unless somebody asks for it by name.
fn log_filter(text: &str) -> Result<EnvFilter> {
    let quiet = if text.contains(TICKER) { String::new() } else { format!(",{TICKER}=warn") };
    EnvFilter::builder().parse(format!("{text}{quiet}")).map_err(Error::doing("cannot read the log filter"))
}

fn tracer_provider(endpoint: &Url) -> Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint.as_str())
        .with_timeout(EXPORT_WITHIN)
        .build()
        .map_err(Error::doing("--otlp-endpoint (OTEL_EXPORTER_OTLP_ENDPOINT) cannot be used"))?;
    let resource = Resource::builder()
        .with_service_name("rollcall")
        .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build())
}

fn log_layer<S>(format: LogFormat) -> BoxedLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    match format {
        LogFormat::Text => layer.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => {
            let format = Format::default().json().flatten_event(true).with_current_span(false);
            layer.event_format(JsonWithTrace(format)).fmt_fields(JsonFields::new()).boxed()
        }
    }
}

/// A JSON line that ends with the trace it belongs to, where there is one.
struct JsonWithTrace(Format<Json>);

impl<S, N> FormatEvent<S, N> for JsonWithTrace
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        let trace = opentelemetry::Context::current().span().span_context().clone();
        match line.trim_end().strip_suffix('}') {
            Some(open) if trace.is_valid() => {
                writeln!(writer, r#"{open},"trace_id":"{}","span_id":"{}"}}"#, trace.trace_id(), trace.span_id())
            }
            _ => writer.write_str(&line),
        }
    }
}
