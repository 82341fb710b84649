//! While the database is away, the organizations in memory are answered, and the answers say how old they are.

use std::time::Duration;

use rollcall_testkit::{DecisionOptions, Direction, Fault, FaultProxy, Org, Replica, TestServer, reason};
use tokio::time::timeout;
use tonic::Code;

use crate::{PATIENCE, age, ask, choose, create, never_polling, question};

/// The age above which the server reads the store, if it can.
const STALE: Duration = Duration::from_secs(1);

fn options() -> DecisionOptions {
    DecisionOptions { max_staleness: STALE, ..DecisionOptions::default() }
}

/// Asks again and again until the answer has an age that is wanted. Every question is answered, with yes.
async fn ask_until(replica: &Replica, org: &Org<'_>, is_wanted: impl Fn(Duration) -> bool) {
    let reached = async {
        loop {
            let answer = ask(replica.email_export(), question(org, "ada")).await.unwrap();
            assert!(answer.export);
            if is_wanted(age(&answer)) {
                return;
            }
        }
    };
    timeout(PATIENCE, reached).await.expect("the answers do not reach this age");
}

#[tokio::test(flavor = "multi_thread")]
async fn warm_checks_send_nothing_to_the_database() {
    let server = TestServer::start().await;
    let org = create(&server, "acme").await;
    let proxy = FaultProxy::open(&server.database.url()).await;
    let replica = server.start_replica(proxy.url(), never_polling()).await;
    ask(replica.email_export(), question(&org, "ada")).await.unwrap();
    let passed = || [Direction::ToDatabase, Direction::ToService].map(|direction| proxy.bytes_passed(direction));
    let before = passed();
    for member in ["ada", "bob", "cid", "nobody"] {
        for _ in 0..25 {
            let answer = ask(replica.email_export(), question(&org, member)).await.unwrap();
            assert_eq!(answer.export, ["ada", "bob"].contains(&member));
        }
    }
    assert_eq!(passed(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn warm_organizations_are_answered_while_the_database_is_away() {
    let server = TestServer::start().await;
    let (org, cold) = (create(&server, "acme").await, create(&server, "cold").await);
    let proxy = FaultProxy::open(&server.database.url()).await;
    let replica = server.start_replica(proxy.url(), options()).await;
    for fault in [Fault::Refuse, Fault::Silence] {
        ask_until(&replica, &org, |age| age < STALE).await;
        proxy.inject(fault);
        ask_until(&replica, &org, |age| age > 2 * STALE).await;
        if fault == Fault::Refuse {
            let status = ask(replica.email_export(), question(&cold, "ada")).await.unwrap_err();
            assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "STORE_UNAVAILABLE"));
        }
        // Nothing is answered from the database, as the caller wants it.
        let consistent =
            rollcall_proto::v1::CheckEmailExportRequest { fully_consistent: true, ..question(&org, "ada") };
        if fault == Fault::Refuse {
            let status = ask(replica.email_export(), consistent).await.unwrap_err();
            assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "STORE_UNAVAILABLE"));
        }
        proxy.heal();
        ask_until(&replica, &org, |age| age < STALE).await;
    }
    assert!(ask(replica.email_export(), question(&cold, "ada")).await.unwrap().export);
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_answer_after_the_longest_outage() {
    let server = TestServer::start().await;
    let org = create(&server, "acme").await;
    let proxy = FaultProxy::open(&server.database.url()).await;
    let short = DecisionOptions { max_staleness_on_outage: 2 * STALE, ..options() };
    let replica = server.start_replica(proxy.url(), short).await;
    assert!(ask(replica.email_export(), question(&org, "ada")).await.unwrap().export);
    proxy.inject(Fault::Refuse);
    choose(&server, &org, false).await;
    let refused = async {
        loop {
            match ask(replica.email_export(), question(&org, "ada")).await {
                Ok(answer) => assert!(age(&answer) <= 2 * STALE, "{answer:?}"),
                Err(status) => return status,
            }
        }
    };
    let status = timeout(PATIENCE, refused).await.expect("the server answers from memory for too long");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "STORE_UNAVAILABLE"));
    proxy.heal();
    let answered = async {
        while ask(replica.email_export(), question(&org, "ada")).await.map(|answer| answer.export).unwrap_or(true) {}
    };
    timeout(PATIENCE, answered).await.expect("the write of the other server does not become visible");
}
