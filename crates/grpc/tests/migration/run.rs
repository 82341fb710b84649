//! The job does what the plan predicts, and does it once. A failed organization waits for a retry.

use rollcall_proto::v1::{
    AssignmentOutcome, EmailExport, EmailExportState, ExportMembersCsvRequest, JobRunState, Migration, MigrationProof,
    MigrationState, Phase, PlanMigrationRequest, PlanMigrationResponse, Preview,
};
use rollcall_testkit::{Org, TestServer, copy_assignment};

use super::{AUTOMATIC, MANUAL, NO, YES, break_setting_of, fail, legacy, migration, retry};

async fn plan(server: &TestServer, org: &Org<'_>) -> PlanMigrationResponse {
    let request = PlanMigrationRequest { name: format!("{}/migration", org.name()), ..Default::default() };
    server.migration().plan_migration(request).await.unwrap().into_inner()
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
async fn the_job_does_what_the_plan_predicts_and_a_second_run_does_nothing() {
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
        next_page_token: String::new(),
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
        assignment_count: i32::try_from(planned.assignments.len()).unwrap(),
        assignments: planned.assignments.clone(),
        update_time: migrated.update_time,
        failure: String::new(),
        unmatched_legacy_settings,
        wave: 0,
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
async fn a_carried_over_export_starts_at_always() {
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
async fn an_organization_created_as_migrated_has_no_migration() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "new", Phase::Migrated).await;
    let expected = Migration { name: format!("{}/migration", org.name()), ..Default::default() };
    let before = migration(&server, &org).await;
    assert_eq!(before.0, expected);
    org.run_job("settings-migration").await;
    assert_eq!(migration(&server, &org).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_would_change_a_member_leaves_the_organization_unchanged() {
    let server = TestServer::start().await;
    let org = legacy(&server).await;
    break_setting_of(&server, "hand1").await;
    let before = (org.get_member("hand1").await, org.get_assignment("hand").await);
    let failed = fail(&server).await;
    assert_eq!((failed.state(), failed.outcome["organizations_failed"]), (JobRunState::Failed, 1));
    assert!(failed.failure.contains("acme"), "{failed:?}");

    let (found, _) = migration(&server, &org).await;
    let proof = found.proof.clone().unwrap();
    assert_eq!((found.state(), proof.members_compared, proof.differences), (MigrationState::Failed, 9, 1));
    assert!(proof.digest_before != proof.digest_after && !found.failure.is_empty() && found.update_time.is_some());
    assert_eq!((org.get_member("hand1").await, org.get_assignment("hand").await), before);
    assert!(org.check("hand1", None).await.export);
    // The organization waits for a retry, even after the cause is removed.
    server.database.drop_trigger("break", "members").await;
    let skipping = org.run_job("settings-migration").await;
    assert_eq!(skipping.outcome["organizations_skipped"], 1);
    let (waiting, revision) = migration(&server, &org).await;
    assert_eq!(waiting, found);

    let checked = retry(&server, &org, true).await.unwrap().into_inner();
    assert_eq!((checked.preview, &checked.revision), (Some(Preview::default()), &revision));
    assert_eq!(migration(&server, &org).await, (found, revision), "it was only checked");
    let retried = retry(&server, &org, false).await.unwrap().into_inner();
    let pending = retried.migration.unwrap();
    let expected = Migration {
        name: waiting.name.clone(),
        state: MigrationState::Pending.into(),
        update_time: pending.update_time,
        unmatched_legacy_settings: 1,
        ..Default::default()
    };
    assert_eq!(pending, expected);
    assert_ne!(pending.update_time, waiting.update_time);
    assert_eq!(migration(&server, &org).await, (pending.clone(), retried.revision.clone()));
    // The migration is already pending: nothing changes, and no revision is created.
    let again = retry(&server, &org, false).await.unwrap().into_inner();
    assert_eq!((again.migration, again.revision), (Some(pending), retried.revision));
    let migrated = org.migrate().await;
    assert_eq!((migrated.state(), migrated.proof.unwrap().differences), (MigrationState::Migrated, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_shows_the_results_of_its_first_1000_assignments_and_counts_all() {
    let server = TestServer::start().await;
    let org = legacy(&server).await;
    copy_assignment(&server.database.client().await, "quiet", 1_003).await;
    let migrated = org.migrate().await;
    let names: Vec<String> = migrated.assignments.into_iter().map(|outcome| outcome.assignment).collect();
    let copies = (1..997).map(|copy| org.assignment(&format!("a{copy}")));
    let first: Vec<String> =
        ["mixed", "agreed", "hand", "quiet"].map(|id| org.assignment(id)).into_iter().chain(copies).collect();
    assert_eq!((migrated.assignment_count, names), (1_008, first));
}
