//! Old settings and the settings migration through the API: what an import takes, whom a row
//! follows, and that the plan is what the job then does (product.md 7).

#![allow(clippy::unwrap_used)]

use rollcall_proto::v1::{
    AssignmentOutcome, EmailExport, EmailExportState, ExportMembersCsvRequest, GetMigrationRequest,
    ImportLegacySettingsRequest, ImportLegacySettingsResponse, JobRunState, LegacySetting, Migration, MigrationProof,
    MigrationState, Phase, PlanMigrationRequest, PlanMigrationResponse, RejectedRow, RunJobRequest,
    SyncDirectoryRequest, SyncMode, UpdateMode,
};
use rollcall_testkit::{Member, Org, TestServer, reason};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

const AUTOMATIC: UpdateMode = UpdateMode::AutomaticUpdates;
const MANUAL: UpdateMode = UpdateMode::ManualEditing;
const YES: EmailExport = EmailExport::Export;
const NO: EmailExport = EmailExport::DoNotExport;

fn setting(email: &str, email_export: EmailExport) -> LegacySetting {
    LegacySetting { email: email.to_owned(), email_export: email_export.into() }
}

fn import(org: &Org<'_>, settings: Vec<LegacySetting>) -> ImportLegacySettingsRequest {
    ImportLegacySettingsRequest { parent: org.name(), settings, ..Default::default() }
}

async fn send(
    server: &TestServer,
    messages: Vec<ImportLegacySettingsRequest>,
) -> Result<ImportLegacySettingsResponse, Status> {
    let response = server.migration().import_legacy_settings(tokio_stream::iter(messages)).await?;
    Ok(response.into_inner())
}

async fn plan(server: &TestServer, org: &Org<'_>) -> PlanMigrationResponse {
    let request = PlanMigrationRequest { name: format!("{}/migration", org.name()), ..Default::default() };
    server.migration().plan_migration(request).await.unwrap().into_inner()
}

/// The migration, and the organization's revision.
async fn migration(server: &TestServer, org: &Org<'_>) -> (Migration, String) {
    let request = GetMigrationRequest { name: format!("{}/migration", org.name()), ..Default::default() };
    let response = server.migration().get_migration(request).await.unwrap().into_inner();
    (response.migration.unwrap(), response.revision)
}

/// Gives a member another address.
async fn rename(server: &TestServer, org: &Org<'_>, member: &'static str, email: &str) {
    let mut row = org.row(&Member::new(member, &[]));
    row.email = email.to_owned();
    let (parent, mode) = (org.name(), SyncMode::Delta.into());
    let request = SyncDirectoryRequest { parent, mode, members: vec![row], ..Default::default() };
    server.directory().sync_directory(tokio_stream::once(request)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_says_what_came_of_every_row() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Legacy).await;
    org.sync(&[Member::new("a", &[]), Member::new("b", &[]), Member::new("c", &[])]).await;
    let rows = vec![
        setting("A@Acme.Example", YES),
        setting("a@acme.example", YES),
        setting("b@acme.example", YES),
        setting("B@acme.example", NO),
        setting("Later@acme.example", YES),
        setting("early@acme.example", NO),
        setting("nobody", YES),
        setting("c@acme.example", EmailExport::Unspecified),
    ];
    let checked = ImportLegacySettingsRequest { validate_only: true, ..import(&org, rows.clone()) };
    let checked = send(&server, vec![checked]).await.unwrap();
    let before = migration(&server, &org).await;
    assert_eq!((before.0.unmatched_legacy_settings, checked.revision.clone()), (0, before.1));
    // The rows may come in any number of messages.
    let more = ImportLegacySettingsRequest { settings: rows[3..].to_vec(), ..Default::default() };
    let done = send(&server, vec![import(&org, rows[..3].to_vec()), more]).await.unwrap();
    assert_eq!(ImportLegacySettingsResponse { revision: done.revision.clone(), ..checked }, done);

    let row = |row: &RejectedRow| format!("{} {}", row.kind, row.key);
    let mut rejected: Vec<String> = done.rejected.iter().map(row).collect();
    rejected.sort_unstable();
    let expected = ["B@acme.example", "b@acme.example", "c@acme.example", "nobody"];
    assert_eq!(rejected, expected.map(|key| format!("legacy_setting {key}")));
    let expected = ImportLegacySettingsResponse {
        bound_count: 1,
        unmatched_count: 2,
        unmatched_emails: vec!["early@acme.example".to_owned(), "later@acme.example".to_owned()],
        duplicate_count: 1,
        rejected_count: 4,
        ..done.clone()
    };
    assert_eq!(done, expected);
    let exporting = [org.check("a", None).await.export, org.check("b", None).await.export];
    assert_eq!((exporting, migration(&server, &org).await.0.unmatched_legacy_settings), ([true, false], 2));
    let again = send(&server, vec![import(&org, rows)]).await.unwrap();
    assert_eq!(again, done, "the same import again changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_setting_waits_for_its_member_and_then_follows_them() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Legacy).await;
    org.sync(&[Member::new("a", &[])]).await;
    let rows = || vec![setting("a@acme.example", YES), setting("new@acme.example", YES)];
    send(&server, vec![import(&org, rows())]).await.unwrap();
    rename(&server, &org, "late", "NEW@acme.example").await;
    assert_eq!(migration(&server, &org).await.0.unmatched_legacy_settings, 0);
    assert!(org.check("new", None).await.export);
    // The address of a goes to heir, but not what is said of a; nor does a second row.
    rename(&server, &org, "a", "moved@acme.example").await;
    rename(&server, &org, "heir", "a@acme.example").await;
    assert!(org.check("moved", None).await.export && !org.check("a", None).await.export);
    // A later import replaces: what it says of an address is of whoever holds it now.
    let rows = vec![setting("moved@acme.example", NO), setting("a@acme.example", YES)];
    let replaced = send(&server, vec![import(&org, rows)]).await.unwrap();
    assert_eq!((replaced.bound_count, replaced.unmatched_count), (2, 0));
    assert!(!org.check("moved", None).await.export && org.check("a", None).await.export);
    // A row that still waits is replaced, too.
    for value in [YES, NO] {
        let waiting = send(&server, vec![import(&org, vec![setting("then@acme.example", value)])]).await.unwrap();
        assert_eq!(waiting.unmatched_emails, ["then@acme.example"]);
    }
    rename(&server, &org, "then", "then@acme.example").await;
    assert!(!org.check("then", None).await.export);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_refused_whole_where_it_makes_no_sense() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    let rows = || vec![setting("a@acme.example", YES)];
    for validate_only in [true, false] {
        let request = ImportLegacySettingsRequest { validate_only, ..import(&org, rows()) };
        let status = send(&server, vec![request]).await.unwrap_err();
        let expected = (Code::FailedPrecondition, "EMAIL_EXPORT_ALREADY_MIGRATED");
        assert_eq!((status.code(), reason(&status).as_str()), expected);
        assert_eq!(status.get_error_details().error_info().unwrap().metadata["organization"], "acme");
    }
    let legacy = Org::create(&server, "old", Phase::Legacy).await;
    let first = import(&legacy, rows());
    let later = ImportLegacySettingsRequest { validate_only: true, ..Default::default() };
    let cases = [
        (vec![], "parent"),
        (vec![ImportLegacySettingsRequest { parent: String::new(), ..first.clone() }], "parent"),
        (vec![first.clone(), first.clone()], "parent"),
        (vec![first.clone(), later], "validate_only"),
    ];
    for (messages, field) in cases {
        let status = send(&server, messages).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "INVALID_REQUEST"));
        assert_eq!(status.get_error_details().bad_request().unwrap().field_violations[0].field, field);
    }
    let status =
        send(&server, vec![ImportLegacySettingsRequest { parent: "organizations/none".to_owned(), ..first }]).await;
    assert_eq!(reason(&status.unwrap_err()), "ORGANIZATION_NOT_FOUND");
    assert_eq!(migration(&server, &legacy).await.0.unmatched_legacy_settings, 0);
}

/// One assignment for each thing that can come of it.
async fn legacy(server: &TestServer) -> Org<'_> {
    let org = Org::create(server, "acme", Phase::Legacy).await;
    let members = [
        Member::new("agreed1", &["agreed"]),
        Member::new("agreed2", &["agreed"]),
        Member::new("away", &["agreed"]).inactive(),
        Member::new("hand1", &["hand"]),
        Member::new("hand2", &["hand"]),
        Member::new("mixed1", &["mixed"]),
        Member::new("mixed2", &["mixed"]),
        Member::new("rest", &["nobody"]),
        Member::new("retired", &["quiet"]).inactive(),
    ];
    org.sync(&members).await;
    for (id, mode) in [("mixed", AUTOMATIC), ("agreed", AUTOMATIC), ("hand", MANUAL), ("quiet", AUTOMATIC)] {
        org.assign(id, &[id], mode, None).await;
    }
    let exporting = ["agreed1", "agreed2", "hand1", "mixed1", "rest", "retired", "stranger"];
    org.import(&exporting.map(|member| (member, true))).await;
    org
}

fn outcomes(org: &Org<'_>) -> [AssignmentOutcome; 5] {
    use EmailExportState::{DoNotExport, Export, Mixed};
    let unchosen = EmailExport::Unspecified;
    let rows = [
        ("mixed", AUTOMATIC, Mixed, [1, 1, 0], unchosen),
        ("agreed", AUTOMATIC, Export, [2, 0, 1], YES),
        ("hand", MANUAL, Mixed, [1, 1, 0], unchosen),
        ("quiet", AUTOMATIC, DoNotExport, [0, 0, 1], NO),
        ("default", MANUAL, Export, [1, 0, 0], YES),
    ];
    let mut rank = 0;
    rows.map(|(id, mode, state, [exporting, not_exporting, inactive], chosen)| {
        rank += 1;
        AssignmentOutcome {
            assignment: org.assignment(id),
            display_name: if id == "default" { "Default".to_owned() } else { id.to_owned() },
            rank,
            update_mode: mode.into(),
            state: state.into(),
            exporting,
            not_exporting,
            inactive,
            chosen: chosen.into(),
            action_required: id == "mixed",
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_is_what_the_job_then_does_and_doing_it_again_does_nothing() {
    let server = TestServer::start().await;
    let org = legacy(&server).await;
    let (pending, revision) = migration(&server, &org).await;
    let name = format!("{}/migration", org.name());
    let unmatched_legacy_settings = 1;
    let state = MigrationState::Pending.into();
    assert_eq!(pending, Migration { name: name.clone(), state, unmatched_legacy_settings, ..Default::default() });
    let planned = PlanMigrationResponse {
        assignments: outcomes(&org).into(),
        members_exporting: 6,
        members_not_exporting: 3,
        unmatched_legacy_settings,
        revision: revision.clone(),
    };
    assert_eq!(plan(&server, &org).await, planned);
    assert_eq!(migration(&server, &org).await, (pending, revision), "a plan writes nothing");

    let migrated = org.migrate().await;
    let digest = migrated.proof.clone().unwrap().digest_before;
    assert_eq!(digest.len(), 64);
    let proof =
        MigrationProof { members_compared: 9, differences: 0, digest_before: digest.clone(), digest_after: digest };
    let expected = Migration {
        name,
        state: MigrationState::Migrated.into(),
        proof: Some(proof),
        assignments: planned.assignments.clone(),
        update_time: migrated.update_time,
        failure: String::new(),
        unmatched_legacy_settings,
    };
    assert_eq!(migrated, expected);
    for outcome in planned.assignments {
        let assignment = org.get_assignment(outcome.assignment.rsplit('/').next().unwrap()).await;
        let summary = assignment.email_export_summary.unwrap();
        let found =
            (summary.state, summary.exporting, summary.not_exporting, summary.inactive, summary.action_required);
        let AssignmentOutcome { state, exporting, not_exporting, inactive, action_required, chosen, .. } = outcome;
        assert_eq!(found, (state, exporting, not_exporting, inactive, action_required), "{}", assignment.name);
        assert_eq!(assignment.email_export, chosen, "{}", assignment.name);
    }
    let once = migration(&server, &org).await;
    assert_eq!(org.migrate().await, migrated);
    assert_eq!(migration(&server, &org).await, once);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_carried_over_with_export_has_it_since_always() {
    let server = TestServer::start().await;
    let org = legacy(&server).await;
    org.migrate().await;
    let request = ExportMembersCsvRequest { parent: org.name(), ..Default::default() };
    let mut stream = server.members().export_members_csv(request).await.unwrap().into_inner();
    let mut csv = Vec::new();
    while let Some(piece) = stream.message().await.unwrap() {
        csv.extend(piece.data);
    }
    let csv = String::from_utf8(csv).unwrap();
    let mut found = Vec::new();
    for line in csv.lines().skip(1) {
        let columns: Vec<&str> = line.split(',').collect();
        let member = org.get_member(columns[1]).await;
        assert_eq!((member.email_export_since, columns[23]), (None, "MIGRATION"), "{line}");
        found.push(format!("{} {} {}", columns[1], columns[21], columns[22]));
    }
    let (yes, no) = ("EXPORT always", "DO_NOT_EXPORT ");
    let members = [
        ("agreed1", yes),
        ("agreed2", yes),
        ("away", no),
        ("hand1", yes),
        ("hand2", no),
        ("mixed1", yes),
        ("mixed2", no),
        ("rest", yes),
        ("retired", yes),
    ];
    assert_eq!(found, members.map(|(member, what)| format!("{member} {what}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_that_was_created_migrated_has_nothing_to_migrate() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "new", Phase::Migrated).await;
    let expected = Migration { name: format!("{}/migration", org.name()), ..Default::default() };
    let before = migration(&server, &org).await;
    assert_eq!(before.0, expected);
    org.run_job("settings-migration").await;
    assert_eq!(migration(&server, &org).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_would_change_somebody_leaves_the_organization_as_it_was() {
    let server = TestServer::start().await;
    let org = legacy(&server).await;
    // A database that does not write what it is told.
    let broken = "CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS \
        $$ BEGIN NEW.email_export = 'DO_NOT_EXPORT'; RETURN NEW; END $$; \
        CREATE TRIGGER break BEFORE UPDATE ON members FOR EACH ROW WHEN (NEW.id = 'hand1') EXECUTE FUNCTION break()";
    let client = server.database.client().await;
    client.batch_execute(broken).await.unwrap();
    let before = (org.get_member("hand1").await, org.get_assignment("hand").await);
    let run = || RunJobRequest { name: "jobs/settings-migration".to_owned(), ..Default::default() };
    let failed = server.jobs().run_job(run()).await.unwrap().into_inner().run.unwrap();
    assert_eq!((failed.state(), failed.outcome["organizations_failed"]), (JobRunState::Failed, 1));
    assert!(failed.failure.contains("acme"), "{failed:?}");

    let (found, _) = migration(&server, &org).await;
    let proof = found.proof.clone().unwrap();
    assert_eq!((found.state(), proof.members_compared, proof.differences), (MigrationState::Failed, 9, 1));
    assert!(proof.digest_before != proof.digest_after && !found.failure.is_empty() && found.update_time.is_some());
    assert_eq!((org.get_member("hand1").await, org.get_assignment("hand").await), before);
    assert!(org.check("hand1", None).await.export);
    // It waits for an operator, also once the cause is gone.
    client.batch_execute("DROP TRIGGER break ON members").await.unwrap();
    org.run_job("settings-migration").await;
    assert_eq!(migration(&server, &org).await.0, found);
}
