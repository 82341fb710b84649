//! Resource names (AIP-122): malformed names, names of another organization, and names of missing resources.

use std::collections::BTreeSet;

use prost_reflect::{Kind, MessageDescriptor};
use rollcall_testkit::contract::Rpc;
use tonic::Code;

use crate::walk::{OTHER, PreparedCall, Walk, names, path, with};

/// String fields that are not resource names.
const TEXTS: [&str; 10] = [
    "organization_id",
    "assignment_id",
    "page_token",
    "at_least_revision",
    "request_id",
    "etag",
    "reason",
    "email",
    "file",
    "filter",
];

/// Optional names.
const OPTIONAL: [(&str, &str); 3] = [
    ("MemberService/ListMembers", "/assignment"),
    ("AuditService/ListAuditEvents", "/member"),
    ("AuditService/ListAuditEvents", "/assignment"),
];

/// Names of resources that may be missing: an unknown member is an answer, a deleted resource has an audit, and an
/// order is refused for its own reason.
const NEED_NOT_EXIST: [(&str, &str); 4] = [
    ("EmailExportService/CheckEmailExport", "/member"),
    ("AuditService/ListAuditEvents", "/member"),
    ("AuditService/ListAuditEvents", "/assignment"),
    ("AssignmentService/ReorderAssignments", "/assignments"),
];

#[test]
fn every_field_that_names_a_resource_is_in_a_sample() {
    for rpc in Rpc::all() {
        let samples = Walk::samples(|other| other.name() == rpc.name());
        let requests =
            samples.iter().map(|sample| serde_json::from_str(&sample.request.replace('$', "organizations/")));
        let sampled: BTreeSet<String> =
            requests.flat_map(|request| names(&request.unwrap())).map(|(pointer, _)| field_of(&pointer)).collect();
        for field in name_fields(&rpc.input()) {
            assert!(
                sampled.contains(&field),
                "{}: no sample has a name in {field}; add one to testkit/src/samples.rs, or the field to TEXTS if it is no name",
                rpc.name()
            );
        }
    }
}

/// Returns the field of a pointer: `/assignment/groups/0` is in the field `/assignment/groups`.
fn field_of(pointer: &str) -> String {
    let parts = pointer.split('/').filter(|part| part.parse::<usize>().is_err());
    parts.collect::<Vec<_>>().join("/")
}

/// Returns the pointers of the names in a request: its own names, and the name and the groups of its resource.
fn name_fields(input: &MessageDescriptor) -> Vec<String> {
    let mut found = Vec::new();
    for field in input.fields() {
        match field.kind() {
            Kind::String if !TEXTS.contains(&field.name()) => found.push(format!("/{}", field.name())),
            Kind::Message(resource) if !field.is_list() && resource.get_field_by_name("etag").is_some() => {
                let created = input.name().starts_with("Create");
                let inner = ["name", "groups"].into_iter().filter(|name| !(created && *name == "name"));
                // The groups of a member come from the identity provider.
                let inner = inner.filter(|name| !(resource.name() == "Member" && *name == "groups"));
                let inner = inner.filter(|name| resource.get_field_by_name(name).is_some());
                found.extend(inner.map(|name| format!("/{}/{name}", field.name())));
            }
            _ => {}
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_name_is_a_violation_of_its_field() {
    let mut walk = Walk::start().await;
    for sample in Walk::samples(|_| true) {
        let Some(prepared) = walk.prepare(sample).await else { continue };
        for (pointer, name) in names(&prepared.request) {
            let garbage = [
                ("empty", String::new()),
                ("a word", "nonsense".to_owned()),
                ("too long", format!("{name}/more")),
                ("cut", name.rsplit_once('/').unwrap().0.to_owned() + "/"),
                ("of another kind", format!("nonsense/{name}")),
                ("no UTF-8", name.rsplit_once('/').unwrap().0.to_owned() + "/%FF"),
                ("a slash", "/".repeat(9)),
            ];
            for (what, bad) in garbage {
                if bad.is_empty() && OPTIONAL.contains(&(sample.rpc, pointer.as_str())) {
                    continue;
                }
                // Any text is a valid report id.
                walk.bad_field(&prepared, &with(&prepared.request, &pointer, bad), &path(&pointer), what).await;
            }
        }
    }
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_organization_is_not_found() {
    let mut walk = Walk::start().await;
    // A revision token is of one organization, so it is no token of another one.
    for sample in Walk::samples(|_| true).into_iter().filter(|sample| !sample.request.contains("$revision")) {
        let Some(prepared) = walk.prepare(sample).await else { continue };
        let text = prepared.request.to_string();
        let unknown = text.replace(&format!("organizations/{}", prepared.id), "organizations/nobody");
        if unknown == text {
            continue;
        }
        let request = serde_json::from_str(&unknown).unwrap();
        let expected = (Code::NotFound, "ORGANIZATION_NOT_FOUND");
        if let Some(refusal) = walk.refused(&prepared, &request, expected, "an unknown organization").await {
            let metadata = refusal.metadata.into_iter().collect::<Vec<_>>();
            let right = metadata == [("organization".to_owned(), "nobody".to_owned())];
            walk.check(right, &prepared, &format!("the metadata is {metadata:?}"));
        }
    }
    walk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_another_organization_is_a_violation_of_its_field() {
    let mut walk = Walk::start().await;
    let mut tried = 0;
    for sample in Walk::samples(|_| true) {
        let Some(prepared) = walk.prepare(sample).await else { continue };
        for (pointer, name) in
            names(&prepared.request).into_iter().filter(|(pointer, _)| !identifies_the_organization(pointer))
        {
            let foreign = name.replace(&format!("organizations/{}/", prepared.id), &format!("organizations/{OTHER}/"));
            let request = with(&prepared.request, &pointer, foreign);
            walk.bad_field(&prepared, &request, &path(&pointer), "of another organization").await;
            tried += 1;
        }
    }
    assert!(tried >= 12, "{tried}");
    walk.end().await;
}

/// Returns whether a field identifies the organization of the request, or organizations of any kind.
fn identifies_the_organization(pointer: &str) -> bool {
    pointer == "/parent" || pointer.ends_with("/name") || pointer.starts_with("/organizations/")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_resource_is_not_found() {
    let mut walk = Walk::start().await;
    let mut tried = 0;
    for sample in Walk::samples(|_| true) {
        let Some(prepared) = walk.prepare(sample).await else { continue };
        for (pointer, name) in names(&prepared.request) {
            let Some((unknown, key)) = unknown(&name) else { continue };
            if NEED_NOT_EXIST.contains(&(sample.rpc, field_of(&pointer).as_str())) {
                continue;
            }
            expect_not_found(&mut walk, &prepared, (&pointer, &unknown, key)).await;
            tried += 1;
        }
    }
    assert!(tried >= 20, "{tried}");
    walk.end().await;
}

/// Returns the name of a missing resource of the same kind, and the metadata key that contains it.
fn unknown(name: &str) -> Option<(String, &'static str)> {
    let parts: Vec<&str> = name.split('/').collect();
    let (collection, parent) = (parts[parts.len() - 2], parts[..parts.len() - 1].join("/"));
    let key = match collection {
        "assignments" => "assignment",
        "members" => "member",
        "groups" => "group",
        "auditEvents" => "audit_event",
        "jobs" => "job",
        "runs" => "run",
        "reports" => "report",
        _ => return None,
    };
    let id = match key {
        "run" => "0193f0c4-0000-7000-8000-000000000000",
        "audit_event" => "999999",
        _ => "nobody",
    };
    Some((format!("{parent}/{id}"), key))
}

async fn expect_not_found(walk: &mut Walk, prepared: &PreparedCall, (pointer, unknown, key): (&str, &str, &str)) {
    let reason = format!("{}_NOT_FOUND", if key == "run" { "JOB".to_owned() } else { key.to_uppercase() });
    let request = with(&prepared.request, pointer, unknown);
    let refused = walk.refused(prepared, &request, (Code::NotFound, &reason), &format!("no {unknown}")).await;
    if let Some(refusal) = refused {
        let keys: Vec<&String> = refusal.metadata.keys().collect();
        walk.check(keys == [key], prepared, &format!("no {unknown}: the metadata is {:?}", refusal.metadata));
    }
}
