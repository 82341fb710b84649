//! `docs/service-config.json`, the recommended timeouts and retries of clients: the file is a valid gRPC service
//! config, names every RPC of the contract once, and retries only RPCs that are safe to repeat.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use rollcall_testkit::contract::Rpc;
use serde_json::{Map, Value};

const FILE: &str = include_str!("../../../docs/service-config.json");

/// The prefixes of the names of methods that change nothing.
const READS: [&str; 8] = ["BatchCheck", "Check", "Explain", "Get", "Lint", "List", "LookUp", "Plan"];

fn config() -> Value {
    serde_json::from_str(FILE).unwrap()
}

fn method_configs(config: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    config["methodConfig"].as_array().unwrap().iter().map(|method| method.as_object().unwrap())
}

/// Returns the RPCs of an entry.
fn rpcs(entry: &Map<String, Value>) -> Vec<Rpc> {
    let names = entry["name"].as_array().unwrap().iter();
    let name = |name: &Value| {
        only(name.as_object().unwrap(), &["service", "method"]);
        let service = name["service"].as_str().unwrap().strip_prefix("rollcall.v1.").unwrap();
        Rpc::find(&format!("{service}/{}", name["method"].as_str().unwrap()))
    };
    names.map(name).collect()
}

fn only(object: &Map<String, Value>, keys: &[&str]) {
    for key in object.keys() {
        assert!(keys.contains(&key.as_str()), "gRPC's service config has no {key} here");
    }
}

/// Parses a duration in the JSON format of gRPC, in seconds.
fn seconds(value: &Value) -> f64 {
    let seconds: f64 = value.as_str().unwrap().strip_suffix('s').unwrap().parse().unwrap();
    assert!(seconds > 0.0, "{value}");
    seconds
}

#[test]
fn every_rpc_has_one_entry() {
    let config = config();
    let named: Vec<String> = method_configs(&config).flat_map(rpcs).map(|rpc| rpc.name()).collect();
    let distinct: BTreeSet<String> = named.iter().cloned().collect();
    assert_eq!(distinct.len(), named.len(), "an RPC has two entries");
    let rpcs: BTreeSet<String> = Rpc::all().iter().map(Rpc::name).collect();
    let differing: Vec<&String> = distinct.symmetric_difference(&rpcs).collect();
    assert!(differing.is_empty(), "add each RPC to the entry of its kind in docs/service-config.json: {differing:?}");
}

/// Clients ignore unknown keys, and reject the whole file for other errors.
#[test]
fn it_is_a_valid_grpc_service_config() {
    let config = config();
    only(config.as_object().unwrap(), &["methodConfig", "retryThrottling"]);
    only(config["retryThrottling"].as_object().unwrap(), &["maxTokens", "tokenRatio"]);
    assert!((1..=1000).contains(&config["retryThrottling"]["maxTokens"].as_i64().unwrap()));
    assert!(config["retryThrottling"]["tokenRatio"].as_f64().unwrap() > 0.0);
    for entry in method_configs(&config) {
        only(entry, &["name", "timeout", "retryPolicy"]);
        let Some(policy) = entry.get("retryPolicy") else { continue };
        // The C++ core, and therefore Python, shortens a timeout by up to two seconds:
        // https://github.com/grpc/grpc/issues/34547
        assert!(seconds(&entry["timeout"]) >= 3.0, "some clients would shorten the timeout too much");
        let keys = ["maxAttempts", "initialBackoff", "maxBackoff", "backoffMultiplier", "retryableStatusCodes"];
        only(policy.as_object().unwrap(), &keys);
        assert!((2..=5).contains(&policy["maxAttempts"].as_i64().unwrap()), "gRPC makes five attempts at the most");
        assert!(seconds(&policy["initialBackoff"]) <= seconds(&policy["maxBackoff"]));
        assert!(seconds(&policy["maxBackoff"]) < seconds(&entry["timeout"]), "the timeout is that of all attempts");
        assert!(policy["backoffMultiplier"].as_f64().unwrap() >= 1.0);
        assert_eq!(policy["retryableStatusCodes"], serde_json::json!(["UNAVAILABLE"]));
    }
}

/// A server stream may take any time, and its reader must restart it.
#[test]
fn all_but_server_streams_have_a_timeout_and_retries() {
    for entry in method_configs(&config()) {
        for rpc in rpcs(entry) {
            let bounded = !rpc.method().is_server_streaming();
            assert_eq!(entry.contains_key("timeout"), bounded, "{}", rpc.name());
            assert_eq!(entry.contains_key("retryPolicy"), bounded, "{}", rpc.name());
        }
    }
}

#[test]
fn every_retried_rpc_is_a_read_or_takes_a_request_id() {
    for entry in method_configs(&config()).filter(|entry| entry.contains_key("retryPolicy")) {
        for rpc in rpcs(entry) {
            let read = READS.iter().any(|verb| rpc.method().name().starts_with(verb));
            assert!(read || rpc.takes("request_id"), "{} is not safe to repeat", rpc.name());
        }
    }
}
