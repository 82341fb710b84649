//! What is in memory: one load for all who wait, and the organizations that were asked about last.

use rollcall_decisions::{Consistency, Decisions, Freshness, SubjectKey};
use rollcall_domain::{MemberId, OrganizationId, email_export::Reason};
use rollcall_store::{Db, Options};
use rollcall_testkit::{BlockedSessions, DecisionOptions, Fault, FaultProxy, TestServer};

use crate::{choose, create, never_polling};

fn ada() -> [SubjectKey; 1] {
    [SubjectKey::Member(MemberId::trusted("ada"))]
}

/// Asks about a member of an organization. Returns the reason, and whether the answer comes from memory.
async fn decide(decisions: &Decisions, organization: &str) -> Option<(Reason, bool)> {
    let organization = OrganizationId::trusted(organization);
    let view = decisions.view(&organization, &ada(), Freshness::default()).await.ok()?;
    Some((view.decide(&ada()[0], None).reason, view.is_from_memory()))
}

fn start(server: &TestServer, memory: u64) -> Decisions {
    Decisions::start(server.database.db(), DecisionOptions { memory, ..never_polling() })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_organizations_that_were_not_used_for_the_longest_time_are_dropped() {
    let server = TestServer::start().await;
    for id in ["first", "second", "third"] {
        create(&server, id).await;
    }
    let unlimited = start(&server, u64::MAX);
    decide(&unlimited, "first").await.unwrap();
    let bytes = unlimited.usage().bytes as u64;
    assert!(bytes > 0);

    let proxy = FaultProxy::open(&server.database.url()).await;
    let db = Db::open(&Options::new(proxy.url(), 8)).unwrap();
    let limited = Decisions::start(db, DecisionOptions { memory: bytes * 5 / 2, ..never_polling() });
    for id in ["first", "second", "first", "third"] {
        assert_eq!(decide(&limited, id).await, Some((Reason::Exported, true)), "{id}");
        assert!(limited.usage().bytes as u64 <= bytes * 5 / 2);
    }
    assert_eq!(limited.usage().organizations, 2);
    proxy.inject(Fault::Refuse);
    for (id, answer) in
        [("first", Some((Reason::Exported, true))), ("second", None), ("third", Some((Reason::Exported, true)))]
    {
        assert_eq!(decide(&limited, id).await, answer, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_that_is_too_large_is_answered_from_the_store() {
    let server = TestServer::start().await;
    let org = create(&server, "acme").await;
    let small = start(&server, 1);
    assert_eq!(decide(&small, "acme").await, Some((Reason::Exported, false)));
    choose(&server, &org, false).await;
    assert_eq!(decide(&small, "acme").await, Some((Reason::SettingIsDoNotExport, false)));
    assert_eq!(small.usage().organizations, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_first_checks_share_one_load() {
    let server = TestServer::start().await;
    create(&server, "acme").await;
    let decisions = start(&server, u64::MAX);
    let mut client = server.database.client().await;
    let lock = client.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE members IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let checks: Vec<_> = (0..20)
        .map(|_| {
            let decisions = decisions.clone();
            tokio::spawn(async move { decide(&decisions, "acme").await })
        })
        .collect();
    let blocked = BlockedSessions::of(&server.database).await;
    blocked.wait_for(1).await;
    // A caller that is gone does not end the load of the others.
    checks[0].abort();
    assert_eq!(blocked.pids().await.len(), 1);
    lock.rollback().await.unwrap();
    for check in checks.into_iter().skip(1) {
        assert_eq!(check.await.unwrap(), Some((Reason::Exported, true)));
    }
    assert_eq!(decisions.usage().organizations, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_that_does_not_exist_takes_no_memory() {
    let server = TestServer::start().await;
    let decisions = start(&server, u64::MAX);
    let none = OrganizationId::trusted("none");
    for consistency in [Consistency::Bounded, Consistency::Full] {
        let freshness = Freshness { at_least: None, consistency };
        let error = decisions.view(&none, &ada(), freshness).await.unwrap_err();
        assert!(matches!(error, rollcall_decisions::Error::OrganizationNotFound(_)), "{error:?}");
    }
    create(&server, "none").await;
    assert_eq!(decide(&decisions, "none").await, Some((Reason::Exported, true)));
}
