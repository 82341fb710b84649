//! Invalid and damaged messages to every RPC.

use proptest::{prelude::*, test_runner::TestRunner};
use rollcall_testkit::{contract::Rpc, samples::SAMPLES};

use crate::{Target, config};

/// A mutation of the bytes of a valid request.
#[derive(Clone, Debug)]
enum Damage {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
    Twice,
}

fn damage() -> impl Strategy<Value = Damage> {
    let anywhere = any::<prop::sample::Index>;
    prop_oneof![
        3 => (anywhere(), 1..=255_u8).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        2 => anywhere().prop_map(Damage::Cut),
        2 => (anywhere(), prop::collection::vec(any::<u8>(), 1..8)).prop_map(|(at, new)| Damage::Insert(at, new)),
        1 => Just(Damage::Twice),
    ]
}

impl Damage {
    fn done_to(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Flip(at, bits) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] ^= bits;
            }
            Self::Cut(at) => bytes.truncate(at.index(bytes.len() + 1)),
            Self::Insert(at, new) => {
                let at = at.index(bytes.len() + 1);
                bytes.splice(at..at, new.iter().copied());
            }
            Self::Twice => bytes.extend_from_within(..),
            Self::Flip(..) => {}
        }
    }
}

#[test]
fn every_rpc_refuses_bytes_that_are_not_a_message() {
    let target = Target::start();
    let rpcs = Rpc::all();
    let garbage = prop::collection::vec(any::<u8>(), 0..60);
    let garbage = (prop::sample::select(rpcs.clone()), garbage);
    for rpc in &rpcs {
        // A tag without a field, a length without bytes, an unterminated varint, a group that was not opened.
        for bytes in [&[0][..], &[0x0a, 0x7f], &[0xff; 11], &[0x0c], &[0x0a, 0x02, 0xff, 0xfe], &[]] {
            target.call(rpc, bytes.to_vec()).unwrap();
        }
    }
    let played =
        TestRunner::new(config()).run(&garbage, |(rpc, bytes)| target.call(&rpc, bytes).map_err(TestCaseError::fail));
    played.unwrap();
    target.end();
}

#[test]
fn a_damaged_request_is_answered_or_refused() {
    let target = Target::start();
    let sample = prop::sample::select(SAMPLES);
    let damaged = (sample, any::<prop::sample::Index>(), prop::collection::vec(damage(), 1..4));
    let played = TestRunner::new(config()).run(&damaged, |(sample, organization, damages)| {
        let standard = organization.get(&target.organizations);
        let request = target.runtime.block_on(standard.request(sample.request)).map_err(TestCaseError::fail)?;
        let rpc = Rpc::find(sample.rpc);
        let mut bytes = prost::Message::encode_to_vec(&rpc.request(&request));
        damages.iter().for_each(|damage| damage.done_to(&mut bytes));
        target.call(&rpc, bytes).map_err(TestCaseError::fail)
    });
    played.unwrap();
    target.end();
}

/// Postgres accepts no NUL in a text, and most texts of a request reach it.
#[test]
fn a_nul_in_any_place_of_a_request_is_answered_or_refused() {
    let target = Target::start();
    for sample in SAMPLES {
        let standard = &target.organizations[0];
        let request = target.runtime.block_on(standard.request(sample.request)).unwrap();
        let rpc = Rpc::find(sample.rpc);
        let bytes = prost::Message::encode_to_vec(&rpc.request(&request));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] = 0;
            target.call(&rpc, damaged).unwrap();
        }
    }
    target.end();
}
