//! What `rollcall migration status` and `rollcall migration plan` print and write.

use rollcall_cli::migration::{plan::PlanSummary, status::MigrationStatusTable};
use rollcall_proto::v1::{
    AssignmentOutcome, EmailExportState, ListMigrationsResponse, Migration, MigrationProgress, MigrationState,
    PlanMigrationResponse, UpdateMode,
};

#[test]
fn waves_progress_and_failures_are_shown() {
    let migration = |id: &str, wave: i32, state: MigrationState| Migration {
        name: format!("organizations/{id}/migration"),
        wave,
        state: state.into(),
        failure: if state == MigrationState::Failed { "2 members".to_owned() } else { String::new() },
        ..Default::default()
    };
    let progress = MigrationProgress {
        run: "jobs/settings-migration/runs/1".to_owned(),
        organizations_done: 2,
        organizations_total: 3,
        members_done: 40,
        members_total: 100,
        members_per_second: 20,
        time_left: Some(prost_types::Duration { seconds: 3, nanos: 0 }),
    };
    let migrations = vec![
        migration("acme", 0, MigrationState::Failed),
        migration("beta", 0, MigrationState::Migrated),
        migration("late", 10, MigrationState::Pending),
        Migration { failure: "the database failed".to_owned(), ..migration("omega", 10, MigrationState::Pending) },
    ];
    let mut status = MigrationStatusTable::default();
    status.add(&ListMigrationsResponse { migrations, progress: Some(progress), ..Default::default() });
    let expected = [
        "wave  pending  migrated  failed  rolled back",
        "   0        0         1       1            0",
        "  10        2         0       0            0",
        " all        2         1       1            0",
        "",
        "jobs/settings-migration/runs/1 is in progress: 2 of 3 organizations, 40 of 100 members, 20 members/s, \
         about 3 s left",
        "",
        "failed, and not changed:",
        "  acme: 2 members",
        "",
        "pending, because the database failed:",
        "  omega: the database failed",
    ];
    assert_eq!(status.lines(), expected);
}

#[test]
fn only_mixed_assignments_are_rows_and_formulas_are_escaped() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("plan.csv");
    let mut plan = PlanSummary::new(Some(&file)).unwrap();
    let mixed = AssignmentOutcome {
        assignment: "organizations/acme/assignments/sales".to_owned(),
        display_name: "=Sales, EMEA".to_owned(),
        rank: 2,
        update_mode: UpdateMode::AutomaticUpdates.into(),
        state: EmailExportState::Mixed.into(),
        exporting: 3,
        not_exporting: 1,
        action_required: true,
        ..Default::default()
    };
    let agreed = AssignmentOutcome { state: EmailExportState::Export.into(), ..mixed.clone() };
    let planned = PlanMigrationResponse {
        assignments: vec![agreed, mixed],
        members_exporting: 7,
        members_not_exporting: 1,
        unmatched_legacy_settings: 2,
        ..Default::default()
    };
    plan.add("acme", &planned).unwrap();
    let summary = plan.finish().unwrap();
    let expected = ["assignments that would be mixed: 1", "mixed assignments that require action by a tech admin: 1"];
    assert_eq!(summary[4..], expected);
    let expected = "organization,assignment,assignment_name,assignment_rank,update_mode,action_required,\
                    members_exporting,members_not_exporting\r\n\
                    acme,sales,\"'=Sales, EMEA\",2,AUTOMATIC_UPDATES,true,3,1\r\n";
    assert_eq!(std::fs::read_to_string(file).unwrap(), expected);
}
