//! The conventions of the API, tried on every RPC that they apply to: which ones do is read from
//! the descriptors, so that a new RPC cannot forget one.

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
    assert_eq!(sampled, rpcs);
    for sample in SAMPLES {
        let changes = Rpc::find(sample.rpc).takes("request_id");
        assert_eq!(sample.other.is_some(), changes, "{} changes something and can ask for it otherwise", sample.rpc);
    }
}
