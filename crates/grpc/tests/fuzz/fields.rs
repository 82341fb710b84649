//! Well-formed messages with arbitrary values in any fields: names, masks, tokens, ids, numbers, times.

use proptest::{prelude::*, test_runner::TestRunner};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage as _, Value};
use rollcall_testkit::{Random, contract::Rpc, samples::SAMPLES};

use crate::{Target, config};

/// Texts that commonly cause errors.
const TEXTS: [&str; 46] = [
    "",
    " ",
    "/",
    "//",
    "%",
    "%00",
    "%FF",
    "%2F",
    "%25",
    "..",
    "-",
    "--",
    "*",
    "**",
    "0",
    "-1",
    "null",
    "true",
    "\0",
    "\u{7f}",
    "\r\n",
    "\t",
    "=1+1",
    "'",
    "\"",
    "\\",
    "`",
    "$1",
    "; DROP TABLE members",
    "é",
    "e\u{301}",
    "ß",
    "İ",
    "ﬀ",
    "日本",
    "👩‍👩‍👧",
    "\u{202e}abc",
    "\u{feff}x",
    "\u{ffff}",
    "default",
    "Default",
    "nonsense",
    "updateMode",
    "settings.seats",
    "0193f0c4-0000-7000-8000-00000000000a",
    "0193F0C400007000800000000000000A",
];

/// Names, and parts of names, of existing resources.
const PLAUSIBLE: [&str; 22] = [
    "$org",
    "$org/catalog",
    "$org/migration",
    "$org/assignments/sales",
    "$org/assignments/eng",
    "$org/assignments/default",
    "$org/members/ada",
    "$org/members/bob",
    "$org/groups/sales",
    "$org/groups/idle",
    "jobs/-",
    "jobs/mixed-settings-report",
    "jobs/settings-migration/runs/0193f0c4-0000-7000-8000-000000000000",
    "reports/x",
    "ada",
    "sales",
    "gong",
    "emea",
    "ada@carried.example",
    "display_name",
    "email_export",
    "organizations/nobody/members/x",
];

/// Generates messages of any type.
struct MessageGenerator<'a> {
    random: Random,
    organization: &'a str,
}

impl MessageGenerator<'_> {
    fn text(&mut self) -> String {
        match self.random.below(10) {
            0..4 => {
                let plausible = self.random.pick(&PLAUSIBLE);
                plausible.replace("$org", &format!("organizations/{}", self.organization))
            }
            4..8 => self.random.pick(&TEXTS).to_owned(),
            8 => {
                let (text, times) = (self.random.pick(&TEXTS), self.random.below(400));
                format!("organizations/{}/members/{}", self.organization, text.repeat(times))
            }
            _ => {
                let character = |random: &mut Random| {
                    char::from_u32(u32::try_from(random.below(0x11_0000)).unwrap()).unwrap_or('\u{fffd}')
                };
                (0..self.random.below(12)).map(|_| character(&mut self.random)).collect()
            }
        }
    }

    fn number(&mut self) -> i64 {
        let below = i64::try_from(self.random.below(100)).unwrap();
        self.random.pick(&[
            0,
            1,
            2,
            -1,
            5,
            below,
            i32::MAX.into(),
            i32::MIN.into(),
            i64::MAX,
            i64::MIN,
            253_402_300_800,
        ])
    }

    fn value(&mut self, kind: &Kind, depth: usize) -> Option<Value> {
        let number = self.number();
        Some(match kind {
            Kind::Int32 => Value::I32(i32::try_from(number).unwrap_or(i32::MAX)),
            Kind::Int64 => Value::I64(number),
            Kind::Bool => Value::Bool(self.random.chance(50)),
            Kind::String => Value::String(self.text()),
            Kind::Bytes => Value::Bytes(self.text().into_bytes().into()),
            Kind::Enum(_) => Value::EnumNumber(i32::try_from(number % 12).unwrap_or_default()),
            Kind::Message(message) if depth < 4 => {
                let mut drawn = DynamicMessage::new(message.clone());
                self.fill(&mut drawn, depth + 1, 50);
                Value::Message(drawn)
            }
            _ => return None,
        })
    }

    /// Sets some fields of a message.
    fn fill(&mut self, message: &mut DynamicMessage, depth: usize, percent: usize) {
        for field in message.descriptor().fields() {
            if self.random.chance(percent)
                && let Some(value) = self.field(&field, depth)
            {
                message.set_field(&field, value);
            }
        }
    }

    fn field(&mut self, field: &FieldDescriptor, depth: usize) -> Option<Value> {
        if field.is_map() {
            return Some(Value::Map([(MapKey::String(self.text()), Value::I32(1))].into()));
        }
        if field.is_list() {
            let length = self.random.pick(&[0, 1, 1, 2, 3, 30]);
            return Some(Value::List((0..length).filter_map(|_| self.value(&field.kind(), depth)).collect()));
        }
        self.value(&field.kind(), depth)
    }
}

#[test]
fn any_values_in_any_fields_are_answered_or_refused() {
    let target = Target::start();
    let sample = prop::sample::select(SAMPLES);
    let drawn = (sample, any::<prop::sample::Index>(), any::<u64>(), 0..3_usize);
    let played = TestRunner::new(config()).run(&drawn, |(sample, organization, seed, how)| {
        let standard = organization.get(&target.organizations);
        let request = target.runtime.block_on(standard.request(sample.request)).map_err(TestCaseError::fail)?;
        let rpc = Rpc::find(sample.rpc);
        // A valid request with a few other values, or an arbitrary request.
        let mut message = if how < 2 { rpc.request(&request) } else { DynamicMessage::new(rpc.input()) };
        let mut generator = MessageGenerator { random: Random::new(seed), organization: standard.id() };
        generator.fill(&mut message, 0, [12, 35, 60][how]);
        let bytes = prost::Message::encode_to_vec(&message);
        target.call(&rpc, bytes).map_err(|why| TestCaseError::fail(format!("{message}\n{why}")))
    });
    played.unwrap();
    target.end();
}
