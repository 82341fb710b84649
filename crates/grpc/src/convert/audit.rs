//! Audit events. The audit keeps each change completely; a response contains as much of it as fits into a message.

use prost_types::{ListValue, Struct, Value, value::Kind};
use rollcall_app::audit::StoredEvent;
use rollcall_domain::{OrganizationId, names};
use rollcall_proto::v1;
use serde_json::Value as Json;

use super::to_timestamp;
use crate::tokens;

/// How many entries of a list or a map a response contains; `count` is the number of all.
const ENTRIES_MAX: usize = 100;

/// How many bytes `before` and `after` may each have, approximately.
const STRUCT_BYTES: usize = 256 << 10;

/// How many bytes an entry has beside its text.
const ENTRY_BYTES: usize = 16;

pub(crate) fn to_audit_event(organization: &OrganizationId, event: &StoredEvent) -> v1::AuditEvent {
    v1::AuditEvent {
        name: names::audit_event(organization, event.revision),
        revision: tokens::revision(organization, event.revision),
        time: Some(to_timestamp(event.time)),
        actor: event.actor.clone(),
        method: event.method.clone(),
        resource: names::audited_resource(organization, &event.resource),
        before: event.before.as_ref().map(to_struct),
        after: event.after.as_ref().map(to_struct),
        member_count: event.members.cast_signed(),
        assignment_changes: event.assignment_changes.cast_signed(),
        flips_to_export: event.flips_to_export.cast_signed(),
        flips_to_do_not_export: event.flips_to_do_not_export.cast_signed(),
        settings_changes: event.settings_changes.cast_signed(),
        request_id: event.request_id.map(|id| id.to_string()).unwrap_or_default(),
        trace_id: event.trace_id.clone().unwrap_or_default(),
    }
}

fn to_struct(json: &Json) -> Struct {
    match to_value(json, &mut STRUCT_BYTES.clone()) {
        Value { kind: Some(Kind::StructValue(fields)) } => fields,
        value => to_fields([("value", value)]),
    }
}

/// Converts a value, and subtracts its size from `room`.
fn to_value(json: &Json, room: &mut usize) -> Value {
    let kind = match json {
        Json::Null => Kind::NullValue(0),
        Json::Bool(value) => Kind::BoolValue(*value),
        Json::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Json::String(text) => {
            *room = room.saturating_sub(text.len());
            Kind::StringValue(text.clone())
        }
        Json::Array(entries) => {
            let values = fitting(entries.iter(), room, to_value);
            let kept = values.len();
            truncated(Kind::ListValue(ListValue { values }), kept, entries.len())
        }
        Json::Object(entries) => {
            let fields = fitting(entries.iter(), room, |(key, value), room| {
                *room = room.saturating_sub(key.len());
                (key.clone(), to_value(value, room))
            });
            let kept = fields.len();
            truncated(Kind::StructValue(Struct { fields: fields.into_iter().collect() }), kept, entries.len())
        }
    };
    Value { kind: Some(kind) }
}

/// Returns the first entries, as many as `room` allows.
fn fitting<T, V>(entries: impl Iterator<Item = T>, room: &mut usize, to: impl Fn(T, &mut usize) -> V) -> Vec<V> {
    let mut kept = Vec::new();
    for entry in entries.take(ENTRIES_MAX) {
        if *room == 0 {
            break;
        }
        *room = room.saturating_sub(ENTRY_BYTES);
        kept.push(to(entry, room));
    }
    kept
}

/// Returns the entries. If some are missing, they are in `first`, and `count` is the number of all.
fn truncated(first: Kind, kept: usize, all: usize) -> Kind {
    if kept == all {
        return first;
    }
    #[allow(clippy::cast_precision_loss, reason = "nobody has 2^53 entries")]
    let count = Value { kind: Some(Kind::NumberValue(all as f64)) };
    Kind::StructValue(to_fields([("first", Value { kind: Some(first) }), ("count", count)]))
}

fn to_fields<const N: usize>(fields: [(&str, Value); N]) -> Struct {
    Struct { fields: fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use prost::Message as _;

    use super::*;

    fn number(value: f64) -> Value {
        Value { kind: Some(Kind::NumberValue(value)) }
    }

    fn text(value: &str) -> Value {
        Value { kind: Some(Kind::StringValue(value.to_owned())) }
    }

    #[test]
    fn every_kind_of_value_is_converted() {
        let shown = to_struct(&json!({ "a": null, "b": true, "c": 1.5, "d": "x", "e": [1, "y"], "f": { "g": 2 } }));
        let list = ListValue { values: vec![number(1.0), text("y")] };
        let expected = to_fields([
            ("a", Value { kind: Some(Kind::NullValue(0)) }),
            ("b", Value { kind: Some(Kind::BoolValue(true)) }),
            ("c", number(1.5)),
            ("d", text("x")),
            ("e", Value { kind: Some(Kind::ListValue(list)) }),
            ("f", Value { kind: Some(Kind::StructValue(to_fields([("g", number(2.0))]))) }),
        ]);
        assert_eq!(shown, expected);
    }

    #[test]
    fn long_lists_and_maps_are_cut_and_counted() {
        let list: Vec<usize> = (0..101).collect();
        let map: serde_json::Map<String, Json> = (0..101).map(|i| (format!("k{i:03}"), json!(i))).collect();
        let shown = to_struct(&json!({ "list": list, "map": map, "whole": &list[..100] }));
        let cut = |field: &str| match &shown.fields[field].kind {
            Some(Kind::StructValue(cut)) => cut.fields.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(cut("list")["count"], number(101.0));
        assert!(matches!(&cut("list")["first"].kind, Some(Kind::ListValue(first)) if first.values.len() == 100));
        assert_eq!(cut("map")["count"], number(101.0));
        assert!(matches!(&cut("map")["first"].kind, Some(Kind::StructValue(first)) if first.fields.len() == 100));
        assert!(matches!(&shown.fields["whole"].kind, Some(Kind::ListValue(whole)) if whole.values.len() == 100));
    }

    #[test]
    fn the_size_of_a_converted_value_is_limited() {
        let wide: Vec<Vec<String>> = vec![vec!["ä".repeat(200); 100]; 100];
        let shown = to_struct(&json!({ "wide": [wide.clone(), wide.clone()], "more": wide }));
        assert!(shown.encoded_len() < STRUCT_BYTES * 2, "{}", shown.encoded_len());
        let empty = vec![Json::Null; 100];
        let nothing = vec![vec![empty; 100]; 100];
        assert!(to_struct(&json!({ "nothing": nothing })).encoded_len() < STRUCT_BYTES * 2);
    }
}
