//! Audit events contain the trace of the caller (W3C Trace Context).

use opentelemetry::global;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use rollcall_proto::v1::{CreateOrganizationRequest, Organization};
use rollcall_testkit::TestServer;
use serde_json::json;
use tonic::Request;

use super::list;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn create(server: &TestServer, id: &str, traceparent: Option<String>) -> String {
    let organization = Some(Organization { display_name: id.to_owned(), ..Default::default() });
    let request = CreateOrganizationRequest { organization_id: id.to_owned(), organization, ..Default::default() };
    let mut request = Request::new(request);
    if let Some(traceparent) = traceparent {
        request.metadata_mut().insert("traceparent", traceparent.parse().unwrap());
    }
    server.organizations().create_organization(request).await.unwrap();
    let events = list(server, &json!({ "parent": format!("organizations/{id}") })).await;
    events[0]["trace_id"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_has_the_callers_trace() {
    global::set_text_map_propagator(TraceContextPropagator::new());
    let server = TestServer::start().await;
    assert_eq!(create(&server, "traced", Some(format!("00-{TRACE}-0123456789abcdef-01"))).await, TRACE);
    assert_eq!(create(&server, "unsampled", Some(format!("00-{TRACE}-0123456789abcdef-00"))).await, TRACE);
    assert_eq!(create(&server, "alone", None).await, "");
    assert_eq!(create(&server, "garbled", Some("00-nonsense".to_owned())).await, "");
}
