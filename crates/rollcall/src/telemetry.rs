//! Logs to stderr, as text or JSON, and traces to an OTLP collector, if one is configured.
//!
//! Spans wait in a bounded queue, and a separate thread sends them. A slow or missing collector loses spans, but never
//! delays calls.

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

const SCHEDULER_TARGET: &str = "tokio_cron_scheduler";
/// A batch of spans is lost if the collector does not accept it in this time.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// The timeout of the last batch, which delays the end of the process.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

type BoxedLayer<S> = Box<dyn Layer<S> + Send + Sync>;

/// Logging and tracing of the process.
pub(crate) struct Telemetry {
    tracer_provider: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Starts logging and tracing for the whole process. Must be called inside the runtime, because the exporter
    /// connects.
    ///
    /// # Errors
    /// The log filter or the endpoint is not valid.
    pub(crate) fn start(config: &Config, log_default: &str) -> Result<Self> {
        global::set_text_map_propagator(TraceContextPropagator::new());
        let tracer_provider = config.otlp_endpoint.as_ref().map(tracer_provider).transpose()?;
        let traces = tracer_provider.as_ref().map(|provider| {
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("rollcall"))
                // Only spans of Rollcall: otherwise each call of the exporter would create new spans.
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

    /// Sends the waiting spans, for at most `FLUSH_TIMEOUT`.
    pub(crate) async fn stop(self) {
        let Some(provider) = self.tracer_provider else { return };
        let flushed = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH_TIMEOUT)).await;
        if let Ok(Err(error)) = flushed {
            tracing::warn!(%error, "the last spans were not sent to the collector");
        }
    }
}

/// Parses the filter. The scheduler library logs only warnings, unless the filter names it.
fn log_filter(text: &str) -> Result<EnvFilter> {
    let quiet = if text.contains(SCHEDULER_TARGET) { String::new() } else { format!(",{SCHEDULER_TARGET}=warn") };
    EnvFilter::builder().parse(format!("{text}{quiet}")).map_err(Error::doing("cannot read the log filter"))
}

fn tracer_provider(endpoint: &Url) -> Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint.as_str())
        .with_timeout(EXPORT_TIMEOUT)
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

/// A JSON line with the trace and span ids at the end, if the event belongs to a trace.
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
