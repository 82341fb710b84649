//! What the demo prints, and which proof it accepts.

use rollcall_cli::demo::{calls::grpcurl_calls, proof::check_proof, table::assignment_table};
use rollcall_proto::v1::{
    Assignment, EmailExportState, EmailExportSummary, Member, Migration, MigrationProof, MigrationState, UpdateMode,
};

#[test]
fn calls_go_to_this_server_and_this_organization() {
    let member = Member {
        name: "organizations/acme/members/m0001".to_owned(),
        email: "ann@acme.example".to_owned(),
        ..Default::default()
    };
    let expected = r#"grpcurl -plaintext 127.0.0.1:50052 list
grpcurl -plaintext -d '{"parent":"organizations/acme"}' 127.0.0.1:50052 rollcall.v1.AssignmentService/ListAssignments
grpcurl -plaintext -d '{"name":"organizations/acme/members/m0001"}' 127.0.0.1:50052 rollcall.v1.MemberService/ExplainMember
grpcurl -plaintext -d '{"parent":"organizations/acme","email":"ann@acme.example"}' 127.0.0.1:50052 rollcall.v1.EmailExportService/CheckEmailExport
grpcurl -plaintext -d '{"name":"jobs/mixed-settings-report"}' 127.0.0.1:50052 rollcall.v1.JobService/RunJob"#;
    assert_eq!(grpcurl_calls("0.0.0.0:50052".parse().unwrap(), "acme", Some(&member)), expected);
}

#[test]
fn columns_are_aligned() {
    let assignment = |rank, name: &str, mode: UpdateMode, state: EmailExportState, exporting| Assignment {
        rank,
        display_name: name.to_owned(),
        update_mode: mode.into(),
        member_count: 12,
        email_export_summary: Some(EmailExportSummary {
            state: state.into(),
            exporting,
            not_exporting: 11 - exporting,
            inactive: 1,
            action_required: state == EmailExportState::Mixed,
        }),
        ..Default::default()
    };
    let table = assignment_table(&[
        assignment(1, "Zürich", UpdateMode::AutomaticUpdates, EmailExportState::Mixed, 10),
        assignment(2, "Default", UpdateMode::ManualEditing, EmailExportState::DoNotExport, 0),
    ]);
    let expected = "\
rank  name     mode       members  export  do not  inactive  state          action
----  -------  ---------  -------  ------  ------  --------  -------------  ------
   1  Zürich   automatic       12      10       1         1  MIXED          yes
   2  Default  manual          12       0      11         1  DO_NOT_EXPORT  no";
    assert_eq!(table, expected);
}

fn accepted(state: MigrationState, proof: MigrationProof) -> bool {
    let migration = Migration { state: state.into(), proof: Some(proof), ..Default::default() };
    check_proof("acme", &migration).is_ok()
}

fn proof() -> MigrationProof {
    let digest = || "d1".to_owned();
    MigrationProof { members_compared: 1, differences: 0, digest_before: digest(), digest_after: digest() }
}

#[test]
fn only_a_complete_proof_is_accepted() {
    assert!(accepted(MigrationState::Migrated, proof()));
    assert!(!accepted(MigrationState::Failed, proof()));
    assert!(!accepted(MigrationState::Migrated, MigrationProof { differences: 1, ..proof() }));
    assert!(!accepted(MigrationState::Migrated, MigrationProof { digest_after: "d2".to_owned(), ..proof() }));
    assert!(!accepted(MigrationState::Migrated, MigrationProof::default()));
}
