//! Never a wrong yes: writers and readers on two servers at once, while connections to the database are cut. Each answer is
//! compared with the history of the database at the revision that the answer states.
//!
//! `ROLLCALL_DECISION_WRITES` sets the number of writes of each writer.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rollcall_proto::v1::{
    CheckEmailExportRequest, DirectoryMember, EmailExport, Member as MemberResource, SyncDirectoryRequest, SyncMode,
    UpdateMemberSettingsRequest, UpdateMode, check_email_export_request::Subject,
    email_export_service_client::EmailExportServiceClient,
};
use rollcall_testkit::{DecisionOptions, Fault, FaultProxy, Member, Org, Random, TestServer};
use tonic::transport::Channel;

use crate::ask;

const MEMBERS: [Member; 6] = [
    Member::new("m0", &["eng"]),
    Member::new("m1", &["eng"]),
    Member::new("m2", &["eng"]),
    Member::new("m3", &["eng"]),
    Member::new("m4", &["eng"]),
    Member::new("m5", &["eng"]),
];

/// The number of writes of each writer without `ROLLCALL_DECISION_WRITES`.
const WRITES: usize = 60;

/// An answer as it came over the wire.
#[derive(Debug)]
struct Observed {
    email: String,
    revision: i64,
    at_least: i64,
    export: bool,
    member: String,
}

/// The newest revision that a writer knows, with its token.
type Newest = Arc<Mutex<(i64, String)>>;

/// Returns the number in a token. The token is opaque to clients, but not to this test.
fn number(token: &str) -> i64 {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).unwrap()).unwrap();
    text.split(':').nth(1).unwrap().parse().unwrap()
}

fn learn(newest: &Newest, token: String) {
    let mut known = newest.lock().unwrap();
    *known = (number(&token), token).max(known.clone());
}

/// Gives members EXPORT, or takes it away.
async fn edit(server: &TestServer, org: &Org<'_>, newest: &Newest, writes: usize) {
    let mut random = Random::new(1);
    for _ in 0..writes {
        let export = if random.chance(50) { EmailExport::Export } else { EmailExport::DoNotExport };
        let name = org.member(MEMBERS[random.below(MEMBERS.len())].id);
        let member = Some(MemberResource { name, email_export: export.into(), ..Default::default() });
        let update_mask = Some(prost_types::FieldMask { paths: vec!["email_export".to_owned()] });
        let request = UpdateMemberSettingsRequest { member, update_mask, ..Default::default() };
        learn(newest, server.members().update_member_settings(request).await.unwrap().into_inner().revision);
    }
}

/// Exchanges the addresses of members.
async fn exchange(server: &TestServer, org: &Org<'_>, newest: &Newest, writes: usize) {
    let mut random = Random::new(2);
    let mut addresses: Vec<String> = MEMBERS.iter().map(|member| org.email(member.id)).collect();
    for _ in 0..writes {
        let (one, other) = (random.below(MEMBERS.len()), random.below(MEMBERS.len()));
        addresses.swap(one, other);
        let row = |index: usize| DirectoryMember { email: addresses[index].clone(), ..org.row(&MEMBERS[index]) };
        let mut rows = vec![row(one)];
        rows.extend((one != other).then(|| row(other)));
        let mode = SyncMode::Delta.into();
        let request = SyncDirectoryRequest { parent: org.name(), mode, members: rows, ..Default::default() };
        let synced = server.directory().sync_directory(tokio_stream::once(request)).await.unwrap().into_inner();
        assert_eq!(synced.rejected_count, 0);
        learn(newest, synced.revision);
    }
}

/// Asks until the writers have ended and there are enough answers. A question without an answer exports nothing.
async fn read(
    clients: [EmailExportServiceClient<Channel>; 2],
    parent: String,
    newest: Newest,
    has_ended: Arc<AtomicBool>,
    (seed, enough): (u64, usize),
) -> Vec<Observed> {
    let mut random = Random::new(seed);
    let mut observed = Vec::new();
    while !has_ended.load(Ordering::Relaxed) || observed.len() < enough {
        let email = format!("{}@acme.example", MEMBERS[random.below(MEMBERS.len())].id);
        let (at_least, at_least_revision) =
            if random.chance(50) { newest.lock().unwrap().clone() } else { (0, String::new()) };
        let subject = Some(Subject::Email(email.clone()));
        let request =
            CheckEmailExportRequest { parent: parent.clone(), subject, at_least_revision, ..Default::default() };
        let client = clients[random.below(2)].clone();
        if let Ok(answer) = ask(client, request).await {
            let (revision, export, member) = (number(&answer.revision), answer.export, answer.member);
            observed.push(Observed { email, revision, at_least, export, member });
        }
    }
    observed
}

/// The history of the database: of each address who held it, and of each member the setting, by revision.
struct History {
    holders: HashMap<String, Vec<(i64, String)>>,
    settings: HashMap<String, Vec<(i64, String)>>,
}

impl History {
    async fn read(server: &TestServer) -> Self {
        let client = server.database.client().await;
        let read = async |sql: &str| {
            let mut found: HashMap<String, Vec<(i64, String)>> = HashMap::new();
            for row in client.query(sql, &[]).await.unwrap() {
                found.entry(row.get(0)).or_default().push((row.get(1), row.get(2)));
            }
            found
        };
        Self {
            holders: read("SELECT email, revision, member_id FROM address_holdings ORDER BY revision").await,
            settings: read("SELECT member_id, revision, email_export_after FROM member_changes ORDER BY revision")
                .await,
        }
    }

    fn at(values: &[(i64, String)], revision: i64) -> &str {
        let before = values.iter().rev().find(|(began, _)| *began <= revision);
        before.map_or("", |(_, value)| value)
    }

    /// Returns who held an address, and whether the member's emails were exported.
    fn answer(&self, email: &str, revision: i64) -> (&str, bool) {
        let holder = Self::at(&self.holders[email], revision);
        (holder, Self::at(&self.settings[holder], revision) == "EXPORT")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_that_of_its_revision() {
    let writes = std::env::var("ROLLCALL_DECISION_WRITES").map_or(WRITES, |writes| writes.parse().unwrap());
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", rollcall_proto::v1::Phase::Migrated).await;
    org.sync(&MEMBERS).await;
    org.assign("eng", &["eng"], UpdateMode::ManualEditing, Some(EmailExport::DoNotExport)).await;
    let proxy = FaultProxy::open(&server.database.url()).await;
    let replica = server.start_replica(proxy.url(), DecisionOptions::default()).await;
    let known = ask(server.email_export(), crate::question(&org, "m0")).await.unwrap().revision;
    let newest: Newest = Arc::new(Mutex::new((number(&known), known)));
    let has_ended = Arc::new(AtomicBool::new(false));
    let clients = || [server.email_export(), replica.email_export()];
    let readers: Vec<_> = (10..14)
        .map(|seed| tokio::spawn(read(clients(), org.name(), newest.clone(), has_ended.clone(), (seed, writes))))
        .collect();
    let cutting = async {
        while !has_ended.load(Ordering::Relaxed) {
            tokio::time::sleep(std::time::Duration::from_millis(150)).await;
            proxy.inject(Fault::Cut);
        }
    };
    let writing = async {
        tokio::join!(edit(&server, &org, &newest, writes), exchange(&server, &org, &newest, writes));
        has_ended.store(true, Ordering::Relaxed);
    };
    tokio::join!(writing, cutting);
    let mut observed = Vec::new();
    for reader in readers {
        observed.extend(reader.await.unwrap());
    }

    let history = History::read(&server).await;
    let mut revisions = std::collections::BTreeSet::new();
    for answer in &observed {
        assert!(answer.revision >= answer.at_least, "older than the caller knows: {answer:?}");
        let (holder, export) = history.answer(&answer.email, answer.revision);
        assert_eq!((answer.member.as_str(), answer.export), (org.member(holder).as_str(), export), "{answer:?}");
        revisions.insert(answer.revision);
    }
    let exported = observed.iter().filter(|answer| answer.export).count();
    println!("{} answers of {} revisions, {exported} with yes", observed.len(), revisions.len());
    assert!(revisions.len() > 5 && exported > 0, "the writes and the questions did not overlap");
}
