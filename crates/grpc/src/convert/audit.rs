//! Audit events. The audit keeps each change completely; a response contains as much of it as fits into a message.

use prost_types::{ListValue, Struct, Value, value::Kind};
use rollcall_app::audit::{ShownDocument, ShownValue, StoredEvent, TouchedMember};
use rollcall_domain::{OrganizationId, names};
use rollcall_proto::v1;

use super::{enums::to_optional_email_export, explain::to_cause, to_timestamp};
use crate::tokens;

pub(crate) fn to_audit_event(organization: &OrganizationId, event: &StoredEvent) -> v1::AuditEvent {
    let StoredEvent { head, before, after } = event;
    v1::AuditEvent {
        name: names::audit_event(organization, head.revision),
        revision: tokens::revision(organization, head.revision),
        time: Some(to_timestamp(head.time)),
        actor: head.actor.clone(),
        method: head.method.clone(),
        resource: names::audited_resource(organization, &head.resource),
        before: before.as_ref().map(to_struct),
        after: after.as_ref().map(to_struct),
        member_count: head.members.cast_signed(),
        assignment_changes: head.assignment_changes.cast_signed(),
        flips_to_export: head.flips_to_export.cast_signed(),
        flips_to_do_not_export: head.flips_to_do_not_export.cast_signed(),
        settings_changes: head.settings_changes.cast_signed(),
        request_id: head.request_id.map(|id| id.to_string()).unwrap_or_default(),
        trace_id: head.trace_id.clone().unwrap_or_default(),
    }
}

pub(crate) fn to_audit_event_member(organization: &OrganizationId, touched: &TouchedMember) -> v1::AuditEventMember {
    let member = names::member(organization, &touched.member);
    let Some(change) = &touched.change else {
        return v1::AuditEventMember { member, touch: v1::MemberTouch::Other.into(), ..Default::default() };
    };
    let before = change.assignment_before.as_ref();
    let touch = if before.is_none() { v1::MemberTouch::Created } else { v1::MemberTouch::Changed };
    v1::AuditEventMember {
        member,
        touch: touch.into(),
        assignment_before: before.map(|id| names::assignment(organization, id)).unwrap_or_default(),
        assignment_after: names::assignment(organization, &change.assignment_after),
        email_export_before: to_optional_email_export(change.export_before),
        email_export_after: to_optional_email_export(change.export_after),
        settings_changed: change.settings_changed,
        cause: to_cause(change.cause),
    }
}

fn to_struct(document: &ShownDocument) -> Struct {
    match to_value(&document.value) {
        Value { kind: Some(Kind::StructValue(fields)) } => fields,
        value => to_fields([("value", value)]),
    }
}

fn to_value(value: &ShownValue) -> Value {
    let kind = match value {
        ShownValue::Null => Kind::NullValue(0),
        ShownValue::Bool(value) => Kind::BoolValue(*value),
        ShownValue::Number(number) => Kind::NumberValue(*number),
        ShownValue::Text(text) => Kind::StringValue(text.clone()),
        ShownValue::List { first, count } => {
            let values = first.iter().map(to_value).collect();
            truncated(Kind::ListValue(ListValue { values }), first.len(), *count)
        }
        ShownValue::Map { first, count } => {
            let fields = first.iter().map(|(key, value)| (key.clone(), to_value(value))).collect();
            truncated(Kind::StructValue(Struct { fields }), first.len(), *count)
        }
    };
    Value { kind: Some(kind) }
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
    use prost::Message as _;
    use rollcall_app::audit::SHOWN_BYTES;
    use serde_json::{Value as Json, json};

    use super::*;

    fn shown(document: &Json) -> Struct {
        to_struct(&ShownDocument::read(document.to_string().as_bytes()).unwrap())
    }

    fn number(value: f64) -> Value {
        Value { kind: Some(Kind::NumberValue(value)) }
    }

    fn text(value: &str) -> Value {
        Value { kind: Some(Kind::StringValue(value.to_owned())) }
    }

    #[test]
    fn every_kind_of_value_is_converted() {
        let fields = shown(&json!({ "a": null, "b": true, "c": 1.5, "d": "x", "e": [1, "y"], "f": { "g": 2 } }));
        let list = ListValue { values: vec![number(1.0), text("y")] };
        let expected = to_fields([
            ("a", Value { kind: Some(Kind::NullValue(0)) }),
            ("b", Value { kind: Some(Kind::BoolValue(true)) }),
            ("c", number(1.5)),
            ("d", text("x")),
            ("e", Value { kind: Some(Kind::ListValue(list)) }),
            ("f", Value { kind: Some(Kind::StructValue(to_fields([("g", number(2.0))]))) }),
        ]);
        assert_eq!(fields, expected);
    }

    #[test]
    fn long_lists_and_maps_are_cut_and_counted() {
        let list: Vec<usize> = (0..101).collect();
        let map: serde_json::Map<String, Json> = (0..101).map(|i| (format!("k{i:03}"), json!(i))).collect();
        let fields = shown(&json!({ "list": list, "map": map, "whole": &list[..100] }));
        let cut = |field: &str| match &fields.fields[field].kind {
            Some(Kind::StructValue(cut)) => cut.fields.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(cut("list")["count"], number(101.0));
        assert!(matches!(&cut("list")["first"].kind, Some(Kind::ListValue(first)) if first.values.len() == 100));
        assert_eq!(cut("map")["count"], number(101.0));
        assert!(matches!(&cut("map")["first"].kind, Some(Kind::StructValue(first)) if first.fields.len() == 100));
        assert!(matches!(&fields.fields["whole"].kind, Some(Kind::ListValue(whole)) if whole.values.len() == 100));
    }

    #[test]
    fn the_size_of_a_converted_value_is_limited() {
        let wide: Vec<Vec<String>> = vec![vec!["ä".repeat(200); 100]; 100];
        let fields = shown(&json!({ "wide": [wide.clone(), wide.clone()], "more": wide }));
        assert!(fields.encoded_len() < SHOWN_BYTES * 2, "{}", fields.encoded_len());
        let empty = vec![Json::Null; 100];
        let nothing = vec![vec![empty; 100]; 100];
        assert!(shown(&json!({ "nothing": nothing })).encoded_len() < SHOWN_BYTES * 2);
    }
}
