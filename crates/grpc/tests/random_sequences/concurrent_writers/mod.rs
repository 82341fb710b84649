//! Twenty concurrent writers change one organization. A replay of the audit in the model must give the
//! stored rows (product.md 9).

mod calls;
mod organization;
mod syncs;
mod writers;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rollcall_proto::v1::ListAssignmentsRequest;
use rollcall_testkit::TestServer;
use serde_json::Value;
use tokio::{sync::Barrier, task::JoinSet};

use self::{
    calls::{CallOutcome, WriterClient},
    organization::{ORGANIZATION, parent},
    writers::{ConcurrentWriter, WRITERS},
};
use crate::{
    model::{Model, StoredOrganization},
    responses::check_stored_data,
};

/// The number of calls of each writer.
const CALLS: usize = 25;

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_of_the_audit_of_concurrent_writers_gives_the_stored_rows() {
    let server = TestServer::start().await;
    organization::create_migrated(&server).await;
    let stored = StoredOrganization::connect(&server.database, ORGANIZATION).await;
    let prepared = number(&stored.organization().await["revision"]);

    let outcomes = write_and_check_concurrently(&server).await;
    check_stored_data(&server.channel(), &parent()).await.unwrap();

    let events = stored.events().await;
    assert_revisions_and_times_are_in_order(&stored.organization().await, &events);
    assert_every_success_is_one_event(&outcomes, &events, prepared);
    assert_methods_and_refusals(&outcomes, &events);
    let changes = stored.changes().await;
    let model = replay(&events, &changes);
    let members = stored.members().await;
    let replayed = model.members.iter().map(|(id, member)| (id.clone(), member.to_stored())).collect();
    assert_same("members", &replayed, &members);
    assert_eq!(model.stored_assignments(), stored.assignments().await);
    assert_ranks_are_dense(&server, &stored).await;
    assert_members_have_their_newest_change(&changes, &members);
    server.stop().await;
}

/// The outcome of each call, with the number of its writer.
type WriterOutcomes = Vec<(usize, CallOutcome)>;

/// Makes self-checks of the organization as long as the writers write. None may find a difference.
async fn write_and_check_concurrently(server: &TestServer) -> WriterOutcomes {
    let mut writing = std::pin::pin!(write_concurrently(server));
    let (channel, mut checks) = (server.channel(), 0);
    loop {
        tokio::select! {
            outcomes = &mut writing => {
                println!("{checks} self-checks during the writes");
                return outcomes;
            }
            checked = async { check_stored_data(&channel, &parent()).await } => checked.unwrap(),
        }
        checks += 1;
    }
}

async fn write_concurrently(server: &TestServer) -> WriterOutcomes {
    let start = Arc::new(Barrier::new(WRITERS));
    let mut writers = JoinSet::new();
    for number in 0..WRITERS {
        let (start, mut caller) = (start.clone(), WriterClient::new(server));
        writers.spawn(async move {
            let mut writer = ConcurrentWriter::new(number);
            let mut outcomes = Vec::new();
            start.wait().await;
            for _ in 0..CALLS {
                outcomes.push((number, caller.call(writer.next_call()).await));
            }
            outcomes
        });
    }
    writers.join_all().await.into_iter().flatten().collect()
}

fn assert_revisions_and_times_are_in_order(organization: &Value, events: &[Value]) {
    let revisions: Vec<i64> = events.iter().map(|event| number(&event["revision"])).collect();
    assert_eq!(revisions, (1..=number(&organization["revision"])).collect::<Vec<_>>());
    let times: Vec<i64> = events.iter().map(|event| number(&event["occurred_at"])).collect();
    assert!(times.is_sorted(), "time goes backwards: {times:?}");
    assert_eq!(times.last(), Some(&number(&organization["last_write_at"])));
}

/// Checks that each successful call is exactly one audit event, so that no update is lost.
fn assert_every_success_is_one_event(outcomes: &WriterOutcomes, events: &[Value], prepared: i64) {
    let mut writer_by_revision = BTreeMap::new();
    for (writer, outcome) in outcomes {
        match outcome {
            CallOutcome::Wrote { revision, method, resource } => {
                let event = &events[usize::try_from(*revision).unwrap() - 1];
                assert_eq!((&event["method"], &event["resource"]), (&(*method).into(), &resource.as_str().into()));
                assert_eq!(
                    writer_by_revision.insert(*revision, *writer),
                    None,
                    "two calls returned revision {revision}"
                );
            }
            CallOutcome::Moved { revision, resource } => {
                let event = &events[usize::try_from(*revision).unwrap() - 1];
                // A move to the current rank returns the revision of the last change.
                if (&event["method"], &event["resource"]) == (&"MoveAssignment".into(), &resource.as_str().into()) {
                    writer_by_revision.entry(*revision).or_insert(*writer);
                }
            }
            CallOutcome::Unchanged { revision } => {
                assert!((prepared..=events.len().try_into().unwrap()).contains(revision))
            }
            CallOutcome::Refused(_) => {}
        }
    }
    let revisions: Vec<i64> = writer_by_revision.keys().copied().collect();
    assert_eq!(revisions, (prepared + 1..=events.len().try_into().unwrap()).collect::<Vec<_>>());
    // The writers were concurrent: consecutive revisions mostly have different writers.
    let writers: Vec<usize> = writer_by_revision.into_values().collect();
    let turns = writers.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(turns * 10 > writers.len() * 8, "{turns} turns in {} writes", writers.len());
}

/// Checks that every method succeeded, and that the expected refusals occurred.
fn assert_methods_and_refusals(outcomes: &WriterOutcomes, events: &[Value]) {
    let mut made: BTreeMap<&str, usize> = BTreeMap::new();
    for event in events {
        *made.entry(event["method"].as_str().unwrap()).or_default() += 1;
    }
    let mut refused: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, outcome) in outcomes {
        if let CallOutcome::Refused(reason) = outcome {
            *refused.entry(reason).or_default() += 1;
        }
    }
    println!("made: {made:?}\nrefused: {refused:?}");
    let methods = [
        "CreateAssignment",
        "UpdateAssignment",
        "MoveAssignment",
        "DeleteAssignment",
        "SyncDirectory",
        "UpdateMemberSettings",
        "MoveMembers",
        "ReleaseMembers",
    ];
    for method in methods {
        assert!(made.contains_key(method), "no {method} succeeded: {made:?}");
    }
    for reason in ["EMAIL_EXPORT_UNRESOLVED", "MEMBER_LOCKED_BY_ASSIGNMENT"] {
        assert!(refused.contains_key(reason), "no call was refused with {reason}: {refused:?}");
    }
}

/// Applies the audit to the model, and compares the changes of each event with the rows of
/// `member_changes`.
fn replay(events: &[Value], changes: &BTreeMap<i64, BTreeMap<String, Value>>) -> Model {
    let mut model = Model::new(false);
    for event in events {
        let before = model.clone();
        model.apply_event(event).unwrap_or_else(|reason| panic!("{reason}: the model refuses {event}"));
        assert_eq!(model.invariant_violations(), Vec::<String>::new(), "after {event}");
        let mut changed = BTreeMap::new();
        for (id, member) in &model.members {
            let settings = member.stored_settings();
            if before.members.get(id).is_none_or(|before| before.stored_settings() != settings) {
                changed.insert(id.clone(), settings);
            }
        }
        let kept = changes.get(&number(&event["revision"])).cloned().unwrap_or_default();
        assert_same(&format!("changes by {event}"), &changed, &kept);
    }
    model
}

/// Checks that the stored and listed ranks are 1 to n, with the default assignment last.
async fn assert_ranks_are_dense(server: &TestServer, stored: &StoredOrganization) {
    let rows = stored.assignments().await;
    let ranks: Vec<i64> = rows.iter().map(|row| number(&row["rank"])).collect();
    assert_eq!(ranks, (1..=rows.len().try_into().unwrap()).collect::<Vec<_>>());
    assert_eq!(rows.last().unwrap()["id"], "default");
    let request = ListAssignmentsRequest { parent: parent(), page_size: 1000, ..Default::default() };
    let listed = server.assignments().list_assignments(request).await.unwrap().into_inner().assignments;
    let listed: Vec<(String, i64)> = listed.into_iter().map(|listed| (listed.name, listed.rank.into())).collect();
    let id = |row: &Value| organization::name("assignments", row["id"].as_str().unwrap());
    assert_eq!(listed, rows.iter().map(|row| (id(row), number(&row["rank"]))).collect::<Vec<_>>());
}

fn assert_members_have_their_newest_change(
    changes: &BTreeMap<i64, BTreeMap<String, Value>>,
    members: &BTreeMap<String, Value>,
) {
    let mut newest: BTreeMap<String, Value> = BTreeMap::new();
    for changed in changes.values() {
        newest.extend(changed.clone());
    }
    let change = |(id, member): (&String, &Value)| {
        let mut member = member.as_object().unwrap().clone();
        member.retain(|field, _| field == "assignment" || field == "settings" || field.starts_with("email_export"));
        (id.clone(), Value::Object(member))
    };
    assert_same("newest changes", &newest, &members.iter().map(change).collect());
}

/// Compares by member. The failure message contains only the fields that differ.
fn assert_same(what: &str, expected: &BTreeMap<String, Value>, found: &BTreeMap<String, Value>) {
    let ids: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let mut differences = String::new();
    for id in ids {
        let (expected, found) = (expected.get(id).unwrap_or(&Value::Null), found.get(id).unwrap_or(&Value::Null));
        let fields = expected.as_object().or(found.as_object()).unwrap().keys();
        for field in fields.filter(|field| expected[*field] != found[*field]) {
            differences += &format!("\n{id}.{field}: expected {}, found {}", expected[field], found[field]);
        }
    }
    assert!(differences.is_empty(), "{what} differ:{differences}");
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap()
}
