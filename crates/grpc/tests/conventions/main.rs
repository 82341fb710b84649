//! The conventions of the API, tested on every RPC to which they apply. The descriptors determine these RPCs, so that
//! a new RPC cannot forget a convention.

#![allow(clippy::unwrap_used)]

mod changes;
mod naming;
mod pages;
mod revisions;
mod violations;
mod walk;

use std::collections::BTreeSet;

use rollcall_testkit::{contract::Rpc, samples::SAMPLES};

#[test]
fn every_rpc_of_the_contract_has_a_sample() {
    let rpcs: BTreeSet<String> = Rpc::all().iter().map(Rpc::name).collect();
    let sampled: BTreeSet<String> = SAMPLES.iter().map(|sample| sample.rpc.to_owned()).collect();
    let differing: Vec<&String> = sampled.symmetric_difference(&rpcs).collect();
    assert!(differing.is_empty(), "add a sample of each RPC to testkit/src/samples.rs: {differing:?}");
    for sample in SAMPLES {
        let changes = Rpc::find(sample.rpc).takes("request_id");
        assert_eq!(sample.other.is_some(), changes, "{} changes something and can ask for it otherwise", sample.rpc);
    }
}
