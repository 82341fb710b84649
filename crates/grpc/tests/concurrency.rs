//! Many writers at once: on one organization they are one after the other, and the audit tells all
//! that happened (product.md 9); on two organizations they do not wait for each other.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use rollcall_proto::v1::{EmailExport, ListAssignmentsRequest, Phase, UpdateMode};
use rollcall_testkit::{
    Org, TestServer,
    model::{Model, Stored, Value},
};
use support::{
    calls::{Caller, Outcome},
    organization::{self, ORGANIZATION, parent},
    writers::{WRITERS, Writer},
};
use tokio::{sync::Barrier, task::JoinSet};

mod support;

/// How many calls each writer makes.
const CALLS: usize = 25;

/// How long something may take that must happen.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn replaying_the_audit_of_twenty_concurrent_writers_gives_everything_that_is_stored() {
    let server = TestServer::start().await;
    organization::migrated(&server).await;
    let stored = Stored::of(&server.database, ORGANIZATION).await;
    let prepared = number(&stored.organization().await["revision"]);

    let outcomes = write_concurrently(&server).await;

    let events = stored.events().await;
    assert_revisions_and_times_are_in_order(&stored.organization().await, &events);
    assert_every_success_is_one_event(&outcomes, &events, prepared);
    assert_the_rules_were_put_to_the_test(&outcomes, &events);
    let changes = stored.changes().await;
    let model = replay(&events, &changes);
    let members = stored.members().await;
    let replayed = model.members.iter().map(|(id, member)| (id.clone(), member.show())).collect();
    assert_same("members", &replayed, &members);
    assert_eq!(model.show_assignments(), stored.assignments().await);
    assert_the_list_is_dense(&server, &stored).await;
    assert_the_newest_change_is_what_a_member_has(&changes, &members);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_waits_for_the_other_writes_of_its_own_organization_only() {
    let server = TestServer::start().await;
    let held = Org::create(&server, "held", Phase::Migrated).await;
    let free = Org::create(&server, "free", Phase::Migrated).await;
    for org in [held, free] {
        org.sync(&[rollcall_testkit::Member::new("ada", &["eng"])]).await;
    }
    let locking = server.database.client().await;
    locking.batch_execute("BEGIN").await.unwrap();
    locking.batch_execute("SELECT FROM organizations WHERE id = 'held' FOR UPDATE").await.unwrap();
    let holder: i32 = locking.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);

    let request = held.new_assignment("eng", &["eng"], UpdateMode::AutomaticUpdates, Some(EmailExport::Export));
    let mut assignments = server.assignments();
    let waiting = tokio::spawn(async move { assignments.create_assignment(request).await });
    wait_until_blocked_by(&server, holder).await;

    let elsewhere = free.assign("eng", &["eng"], UpdateMode::AutomaticUpdates, Some(EmailExport::Export));
    tokio::time::timeout(PATIENCE, elsewhere).await.expect("another organization's write waits");
    assert_eq!(free.get_member("ada").await.email_export(), EmailExport::Export);
    assert_eq!(held.get_member("ada").await.email_export(), EmailExport::DoNotExport, "reading does not wait");
    wait_until_blocked_by(&server, holder).await;
    assert!(!waiting.is_finished());

    locking.batch_execute("COMMIT").await.unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(held.get_member("ada").await.email_export(), EmailExport::Export);
    server.stop().await;
}

/// Asks the database until a session waits for one that `holder` has locked.
async fn wait_until_blocked_by(server: &TestServer, holder: i32) {
    let looking = server.database.client().await;
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid))";
    let blocked = async { while looking.query_one(sql, &[&holder]).await.unwrap().get::<_, i64>(0) == 0 {} };
    tokio::time::timeout(PATIENCE, blocked).await.expect("no write waits for the locked organization");
}

/// What came of each call, by writer.
type Outcomes = Vec<(usize, Outcome)>;

async fn write_concurrently(server: &TestServer) -> Outcomes {
    let start = Arc::new(Barrier::new(WRITERS));
    let mut writers = JoinSet::new();
    for number in 0..WRITERS {
        let (start, mut caller) = (start.clone(), Caller::new(server));
        writers.spawn(async move {
            let mut writer = Writer::new(number);
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

/// No update is lost, and none is made that no writer was told of.
fn assert_every_success_is_one_event(outcomes: &Outcomes, events: &[Value], prepared: i64) {
    let mut told = BTreeMap::new();
    for (writer, outcome) in outcomes {
        match outcome {
            Outcome::Wrote { revision, method, resource } => {
                let event = &events[usize::try_from(*revision).unwrap() - 1];
                assert_eq!((&event["method"], &event["resource"]), (&(*method).into(), &resource.as_str().into()));
                assert_eq!(told.insert(*revision, *writer), None, "revision {revision} was told twice");
            }
            Outcome::Moved { revision, resource } => {
                let event = &events[usize::try_from(*revision).unwrap() - 1];
                // Whoever moves it to where it has just been moved to is told the same revision.
                if (&event["method"], &event["resource"]) == (&"MoveAssignment".into(), &resource.as_str().into()) {
                    told.entry(*revision).or_insert(*writer);
                }
            }
            Outcome::Unchanged { revision } => {
                assert!((prepared..=events.len().try_into().unwrap()).contains(revision))
            }
            Outcome::Refused(_) => {}
        }
    }
    let revisions: Vec<i64> = told.keys().copied().collect();
    assert_eq!(revisions, (prepared + 1..=events.len().try_into().unwrap()).collect::<Vec<_>>());
    // They really were concurrent: it was seldom the same writer's turn twice.
    let writers: Vec<usize> = told.into_values().collect();
    let turns = writers.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(turns * 10 > writers.len() * 8, "{turns} turns in {} writes", writers.len());
}

/// Every kind of change was made, and what the rules refuse was refused.
fn assert_the_rules_were_put_to_the_test(outcomes: &Outcomes, events: &[Value]) {
    let mut made: BTreeMap<&str, usize> = BTreeMap::new();
    for event in events {
        *made.entry(event["method"].as_str().unwrap()).or_default() += 1;
    }
    let mut refused: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, outcome) in outcomes {
        if let Outcome::Refused(reason) = outcome {
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
        assert!(made.contains_key(method), "nobody made a {method}: {made:?}");
    }
    for reason in ["EMAIL_EXPORT_UNRESOLVED", "MEMBER_LOCKED_BY_ASSIGNMENT"] {
        assert!(refused.contains_key(reason), "{reason} never came up: {refused:?}");
    }
}

/// Applies the audit to a model of product.md, and compares what each event changed for members
/// with the history that is kept of it.
fn replay(events: &[Value], changes: &BTreeMap<i64, BTreeMap<String, Value>>) -> Model {
    let mut model = Model::new(false);
    for event in events {
        let before = model.clone();
        model.apply(event).unwrap_or_else(|refused| panic!("{refused}, and yet there is {event}"));
        assert_eq!(model.broken_rules(), Vec::<String>::new(), "after {event}");
        let mut changed = BTreeMap::new();
        for (id, member) in &model.members {
            let held = member.show_held();
            if before.members.get(id).is_none_or(|before| before.show_held() != held) {
                changed.insert(id.clone(), held);
            }
        }
        let kept = changes.get(&number(&event["revision"])).cloned().unwrap_or_default();
        assert_same(&format!("changes by {event}"), &changed, &kept);
    }
    model
}

/// Ranks are 1 to n with the default assignment last, as stored and as listed.
async fn assert_the_list_is_dense(server: &TestServer, stored: &Stored) {
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

fn assert_the_newest_change_is_what_a_member_has(
    changes: &BTreeMap<i64, BTreeMap<String, Value>>,
    members: &BTreeMap<String, Value>,
) {
    let mut newest: BTreeMap<String, Value> = BTreeMap::new();
    for changed in changes.values() {
        newest.extend(changed.clone());
    }
    let held = |(id, member): (&String, &Value)| {
        let mut member = member.as_object().unwrap().clone();
        member.retain(|field, _| field == "assignment" || field == "settings" || field.starts_with("email_export"));
        (id.clone(), Value::Object(member))
    };
    assert_same("newest changes", &newest, &members.iter().map(held).collect());
}

/// Compares by member, and shows only the fields that differ.
fn assert_same(what: &str, expected: &BTreeMap<String, Value>, found: &BTreeMap<String, Value>) {
    let ids: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let mut shown = String::new();
    for id in ids {
        let (expected, found) = (expected.get(id).unwrap_or(&Value::Null), found.get(id).unwrap_or(&Value::Null));
        let fields = expected.as_object().or(found.as_object()).unwrap().keys();
        for field in fields.filter(|field| expected[*field] != found[*field]) {
            shown += &format!("\n{id}.{field}: expected {}, found {}", expected[field], found[field]);
        }
    }
    assert!(shown.is_empty(), "{what} differ:{shown}");
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap()
}
