//! The audit: one event for every change, filters by member, assignment and time, and pages.

#![allow(clippy::unwrap_used)]

mod changes;
mod found;
mod members;
mod pages;
mod traces;
mod writers;

use rollcall_testkit::{TestServer, contract::Rpc};
use serde_json::{Value, json};

/// Returns all events of a request, newest first, from all pages.
pub(crate) async fn list(server: &TestServer, request: &Value) -> Vec<Value> {
    let (mut request, mut events) = (request.clone(), Vec::new());
    loop {
        let (page, next) = page(server, &request).await;
        events.extend(page);
        let Some(token) = next else { return events };
        request["page_token"] = json!(token);
    }
}

/// Returns one page with the token of the next page.
pub(crate) async fn page(server: &TestServer, request: &Value) -> (Vec<Value>, Option<String>) {
    let answer = Rpc::find("AuditService/ListAuditEvents").call(&server.channel(), request).await.unwrap();
    let events = answer["audit_events"].as_array().cloned().unwrap_or_default();
    (events, answer["next_page_token"].as_str().map(str::to_owned))
}

/// Returns the revision of an event as a number.
pub(crate) fn number(event: &Value) -> i64 {
    event["name"].as_str().unwrap().rsplit_once('/').unwrap().1.parse().unwrap()
}

/// Returns the numbers of the events of a request, oldest first.
pub(crate) async fn numbers(server: &TestServer, request: &Value) -> Vec<i64> {
    let mut numbers: Vec<i64> = list(server, request).await.iter().map(number).collect();
    assert!(numbers.is_sorted_by(|a, b| a > b), "newest first, each once: {numbers:?}");
    numbers.reverse();
    numbers
}
