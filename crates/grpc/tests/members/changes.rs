//! The changes of a member's email export setting, and the setting at a time (product.md 4.9).

use prost_types::{FieldMask, Timestamp};
use rollcall_proto::v1::{
    Assignment, EmailExport, EmailExportAtTime, EmailExportChange, EmailExportSource, ListEmailExportChangesRequest,
    ListEmailExportChangesResponse, Member as MemberMessage, Phase, RetryMigrationRequest, RollBackMigrationRequest,
    SettingCause, Settings, UpdateAssignmentRequest, UpdateMemberSettingsRequest,
};
use rollcall_testkit::{Member, Org, TestServer, refused};

use crate::{MANUAL, acme, explain, move_to, regroup, release};

fn request(org: &Org<'_>, member: &str) -> ListEmailExportChangesRequest {
    ListEmailExportChangesRequest { parent: org.member(member), ..Default::default() }
}

async fn ask(server: &TestServer, request: ListEmailExportChangesRequest) -> ListEmailExportChangesResponse {
    server.members().list_email_export_changes(request).await.unwrap().into_inner()
}

async fn at(server: &TestServer, org: &Org<'_>, member: &str, time: Timestamp) -> EmailExportAtTime {
    ask(server, ListEmailExportChangesRequest { time: Some(time), ..request(org, member) }).await.at_time.unwrap()
}

/// Returns a time moved by nanoseconds.
fn shifted(time: Timestamp, nanos: i32) -> Timestamp {
    let nanos = time.nanos + nanos;
    Timestamp {
        seconds: time.seconds + i64::from(nanos.div_euclid(1_000_000_000)),
        nanos: nanos.rem_euclid(1_000_000_000),
    }
}

/// Returns the current setting of a member in the format of an answer about a time.
fn now(member: &MemberMessage, time: Timestamp) -> EmailExportAtTime {
    EmailExportAtTime {
        time: Some(time),
        email_export: member.email_export,
        email_export_since: member.email_export_since,
        source: member.email_export_source,
    }
}

/// Returns the fields of a change that follow from the member after the change and from the change before it.
fn change(after: &MemberMessage, before: EmailExport, cause: SettingCause, revision: &str) -> EmailExportChange {
    EmailExportChange {
        time: after.update_time,
        before: before.into(),
        after: after.email_export,
        email_export_since: after.email_export_since,
        source: after.email_export_source,
        cause: cause.into(),
        actor: "anonymous".to_owned(),
        assignment: after.assignment.clone(),
        revision: revision.to_owned(),
    }
}

/// Chooses a value on an assignment. Returns the revision.
async fn choose(server: &TestServer, org: &Org<'_>, assignment: &str, value: EmailExport) -> String {
    let name = org.assignment(assignment);
    let assignment = Some(Assignment { name, email_export: value.into(), ..Default::default() });
    let update_mask = Some(FieldMask { paths: vec!["email_export".to_owned()] });
    let request = UpdateAssignmentRequest { assignment, update_mask, ..Default::default() };
    server.assignments().update_assignment(request).await.unwrap().into_inner().revision
}

/// Edits a member. Returns the revision.
async fn edit(server: &TestServer, member: MemberMessage, path: &str) -> String {
    let update_mask = Some(FieldMask { paths: vec![path.to_owned()] });
    let request = UpdateMemberSettingsRequest { member: Some(member), update_mask, ..Default::default() };
    server.members().update_member_settings(request).await.unwrap().into_inner().revision
}

/// Makes changes of `keeper`, a member of the manual assignment `operations`. Returns the changes of email export,
/// newest first.
async fn live(server: &TestServer, org: &Org<'_>) -> Vec<EmailExportChange> {
    use SettingCause::{AssignmentEdited, EditedByHand, EnteredAssignment};
    let mut changes: Vec<EmailExportChange> = Vec::new();
    let mut changed = async |revision: String, cause: SettingCause| {
        let before = changes.first().map_or(EmailExport::Unspecified, EmailExportChange::after);
        changes.insert(0, change(&org.get_member("keeper").await, before, cause, &revision));
    };
    // The first change is the creation of the member, before that of `operations`.
    let came = ask(server, request(org, "keeper")).await.changes.pop().unwrap();
    let keeper = || MemberMessage { name: org.member("keeper"), ..Default::default() };
    let by_hand = MemberMessage { email_export: EmailExport::Export.into(), ..keeper() };
    changed(edit(server, by_hand, "email_export").await, EditedByHand).await;
    // The assignment chooses the same value: only the source changes, not the start.
    changed(choose(server, org, "operations", EmailExport::Export).await, AssignmentEdited).await;
    // These are no changes of email export: other settings, another group, a pin.
    edit(server, MemberMessage { settings: Some(Settings::default()), ..keeper() }, "settings").await;
    regroup(server, org, "keeper", "ops", "eng").await;
    move_to(server, org, &["keeper"], "operations").await;
    changed(choose(server, org, "operations", EmailExport::DoNotExport).await, AssignmentEdited).await;
    // Without the pin the member is in `engineering`, which exports.
    changed(release(server, org, &["keeper"], false).await.revision, EnteredAssignment).await;
    changed(move_to(server, org, &["keeper"], "default").await.revision, EnteredAssignment).await;
    let first = changes.last_mut().unwrap();
    first.before = came.after;
    changes.push(came);
    changes
}

#[tokio::test(flavor = "multi_thread")]
async fn the_setting_is_known_before_at_and_after_every_change() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let changes = live(&server, &org).await;
    let answer = ask(&server, request(&org, "keeper")).await;
    assert_eq!((&answer.changes, answer.next_page_token.as_str()), (&changes, ""));
    let values: Vec<EmailExport> = changes.iter().map(EmailExportChange::after).collect();
    let (yes, no) = (EmailExport::Export, EmailExport::DoNotExport);
    assert_eq!(values, [no, yes, no, yes, yes, no]);
    assert_eq!(changes[3].email_export_since, changes[4].email_export_since);

    let unknown = EmailExportAtTime::default();
    for (i, change) in changes.iter().enumerate() {
        let time = change.time.unwrap();
        let then = |change: &EmailExportChange, time| EmailExportAtTime {
            time: Some(time),
            email_export: change.after,
            email_export_since: change.email_export_since,
            source: change.source,
        };
        for later in [time, shifted(time, 1), shifted(time, 999)] {
            assert_eq!(at(&server, &org, "keeper", later).await, then(change, later), "{i}");
        }
        let earlier = shifted(time, -1);
        let before =
            changes.get(i + 1).map_or(EmailExportAtTime { time: Some(earlier), ..unknown }, |c| then(c, earlier));
        assert_eq!(at(&server, &org, "keeper", earlier).await, before, "{i}");
    }
    let current = org.get_member("keeper").await;
    let found = answer.at_time.unwrap();
    assert_eq!(found, now(&current, found.time.unwrap()));
    // The first second that a Timestamp can represent.
    for seconds in [-62_135_596_800, 0] {
        let time = Timestamp { seconds, nanos: 0 };
        assert_eq!(at(&server, &org, "keeper", time).await, EmailExportAtTime { time: Some(time), ..unknown });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_future_time_is_answered_as_now() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let member = org.get_member("keeper").await;
    let (nobody_knows, end_of_times) = (4_000_000_000, 253_402_300_799);
    let mut answered = vec![member.update_time.unwrap()];
    for seconds in [nobody_knows, end_of_times] {
        let found = at(&server, &org, "keeper", Timestamp { seconds, nanos: 0 }).await;
        let time = found.time.unwrap();
        assert_eq!(found, now(&member, time));
        answered.push(time);
    }
    let keys: Vec<_> = answered.iter().map(|time| (time.seconds, time.nanos)).collect();
    assert!(keys.is_sorted() && keys[2].0 < nobody_knows, "{keys:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_migration_the_latest_import_decides() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Legacy).await;
    org.sync(&[Member::new("no", &["eng"]), Member::new("yes", &["eng"])]).await;
    org.assign("engineering", &["eng"], MANUAL, None).await;
    org.import(&[("no", true), ("yes", true)]).await;
    org.import(&[("no", false)]).await;
    let came = org.get_member("yes").await.create_time.unwrap();
    let legacy = |value: EmailExport, time| EmailExportAtTime {
        time: Some(time),
        email_export: value.into(),
        source: EmailExportSource::Legacy.into(),
        ..Default::default()
    };
    for (member, value) in [("yes", EmailExport::Export), ("no", EmailExport::DoNotExport)] {
        let answer = ask(&server, request(&org, member)).await;
        let found = answer.at_time.unwrap();
        assert_eq!((answer.changes, found), (vec![], legacy(value, found.time.unwrap())));
        assert_eq!(at(&server, &org, member, came).await, legacy(value, came));
        let earlier = shifted(came, -1);
        let nothing = EmailExportAtTime { time: Some(earlier), ..Default::default() };
        assert_eq!(at(&server, &org, member, earlier).await, nothing);
    }

    org.migrate().await;
    for (member, value) in [("yes", EmailExport::Export), ("no", EmailExport::DoNotExport)] {
        let shown = org.get_member(member).await;
        let answer = ask(&server, request(&org, member)).await;
        let expected = EmailExportChange {
            actor: "jobs/settings-migration".to_owned(),
            ..change(&shown, EmailExport::Unspecified, SettingCause::Migration, &answer.revision)
        };
        assert_eq!((shown.email_export(), shown.email_export_source()), (value, EmailExportSource::Migration));
        assert_eq!(answer.changes, [expected]);
        let migrated = shown.update_time.unwrap();
        assert_eq!(at(&server, &org, member, migrated).await, now(&shown, migrated));
        let before = shifted(migrated, -1);
        assert_eq!(at(&server, &org, member, before).await, legacy(value, before));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_contain_each_change_once_while_others_are_made() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    live(&server, &org).await;
    for page_size in [1, 2, 3, 7] {
        let sized = |page_size| ListEmailExportChangesRequest { page_size, ..request(&org, "keeper") };
        let whole = ask(&server, sized(1_000)).await.changes;
        let mut request = sized(page_size);
        let mut found: Vec<EmailExportChange> = Vec::new();
        while found.len() <= whole.len() {
            let page = ask(&server, request.clone()).await;
            found.extend(page.changes);
            assert!(page.at_time.is_some());
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
            // Changes newer than the first page do not appear on later pages.
            move_to(&server, &org, &["keeper"], "everyone").await;
            move_to(&server, &org, &["keeper"], "default").await;
        }
        assert_eq!(found, whole, "{page_size}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_request_is_refused() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    choose(&server, &org, "operations", EmailExport::Export).await;
    let good = request(&org, "keeper");
    let page_token = ask(&server, ListEmailExportChangesRequest { page_size: 1, ..good.clone() }).await.next_page_token;
    assert!(!page_token.is_empty());
    let time = Some(Timestamp { seconds: 1, nanos: 0 });
    let bad_time = Some(Timestamp { seconds: 1, nanos: -1 });
    let bad = |text: &str| format!("InvalidArgument INVALID_REQUEST {text}");
    let cases = [
        (request(&org, "nobody"), "NotFound MEMBER_NOT_FOUND member=nobody".to_owned()),
        (
            ListEmailExportChangesRequest { parent: org.name(), time: bad_time, page_size: -1, ..good.clone() },
            bad("parent time page_size"),
        ),
        (ListEmailExportChangesRequest { time, page_token: page_token.clone(), ..good.clone() }, bad("page_token")),
        (ListEmailExportChangesRequest { page_token, ..request(&org, "mover") }, bad("page_token")),
    ];
    for (request, expected) in cases {
        assert_eq!(refused(server.members().list_email_export_changes(request)).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_is_a_change_back_to_the_legacy_setting() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Legacy).await;
    org.sync(&[Member::new("yes", &[])]).await;
    org.import(&[("yes", true)]).await;
    org.migrate().await;
    let name = format!("{}/migration", org.name());
    let request_of = || RollBackMigrationRequest { name: name.clone(), ..Default::default() };
    let rolled_back = server.migration().roll_back_migration(request_of()).await.unwrap().into_inner().revision;
    let shown = org.get_member("yes").await;
    let answer = ask(&server, request(&org, "yes")).await;
    let expected = change(&shown, EmailExport::Export, SettingCause::MigrationRolledBack, &rolled_back);
    assert_eq!((answer.changes.len(), &answer.changes[0]), (2, &expected));
    assert_eq!((expected.after(), expected.source()), (EmailExport::Unspecified, EmailExportSource::Unspecified));
    let sources = async || {
        let changes = ask(&server, request(&org, "yes")).await.changes;
        let mut sources = Vec::new();
        for time in changes.iter().map(|change| change.time.unwrap()) {
            let found = at(&server, &org, "yes", time).await;
            assert_eq!((found.email_export(), found.email_export_since), (EmailExport::Export, None));
            sources.push(found.source());
        }
        sources
    };
    let (legacy, migration) = (EmailExportSource::Legacy, EmailExportSource::Migration);
    assert_eq!(sources().await, [legacy, migration]);
    let explained = explain(&server, &org, "yes").await.settings.pop().unwrap();
    assert_eq!((explained.cause(), explained.value.as_str(), explained.since), (SettingCause::Legacy, "EXPORT", None));

    let retry = RetryMigrationRequest { name: name.clone(), ..Default::default() };
    server.migration().retry_migration(retry).await.unwrap();
    org.migrate().await;
    assert_eq!(sources().await, [migration, legacy, migration]);
    let explained = explain(&server, &org, "yes").await;
    let origin = explained.settings.last().unwrap();
    assert_eq!((origin.cause(), origin.revision.as_str()), (SettingCause::Migration, explained.revision.as_str()));
}
