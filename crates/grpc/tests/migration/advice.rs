//! A call that does not fit the state of an organization's migration is refused with advice that fits this state.

use rollcall_proto::v1::{Phase, PlanMigrationRequest};
use rollcall_testkit::{Member, Org, TestServer, refused};
use tonic::Status;

use super::{break_setting_of, fail, retry, roll_back};

async fn plan(server: &TestServer, org: &Org<'_>) -> Status {
    let request = PlanMigrationRequest { name: format!("{}/migration", org.name()), ..Default::default() };
    server.migration().plan_migration(request).await.map_or_else(|status| status, |_| Status::ok("planned"))
}

async fn organization<'a>(server: &'a TestServer, id: &'a str, phase: Phase, member: &'static str) -> Org<'a> {
    let org = Org::create(server, id, phase).await;
    org.sync(&[Member::new(member, &[])]).await;
    org
}

#[tokio::test(flavor = "multi_thread")]
async fn advice_fits_the_state_of_the_organization() {
    let server = TestServer::start().await;
    let created = organization(&server, "created", Phase::Migrated, "m").await;
    let migrated = organization(&server, "migrated", Phase::Legacy, "m").await;
    let rolled_back = organization(&server, "rolled-back", Phase::Legacy, "m").await;
    migrated.migrate().await;
    roll_back(&server, &rolled_back, false).await.unwrap();
    let failed = organization(&server, "failed", Phase::Legacy, "unlucky").await;
    failed.import(&[("unlucky", true)]).await;
    break_setting_of(&server, "unlucky").await;
    fail(&server).await;
    let pending = organization(&server, "pending", Phase::Legacy, "m").await;

    let answers = [
        plan(&server, &created).await,
        plan(&server, &migrated).await,
        retry(&server, &created, false).await.unwrap_err(),
        retry(&server, &migrated, false).await.unwrap_err(),
        roll_back(&server, &pending, false).await.unwrap_err(),
        roll_back(&server, &failed, false).await.unwrap_err(),
        roll_back(&server, &rolled_back, false).await.unwrap_err(),
    ];
    let expected = [
        "`created` is migrated: there is nothing to migrate",
        "`migrated` is migrated: there is nothing to migrate",
        "`created` is migrated: there is nothing to migrate",
        "`migrated` is migrated: there is nothing to retry; to migrate it again, roll its migration back first",
        "`pending` is not migrated: there is nothing to roll back",
        "the migration of `failed` failed and changed nothing: there is nothing to roll back; correct the cause, then \
         retry its migration",
        "the migration of `rolled-back` is rolled back already; retry it to let the next run migrate the organization \
         again",
    ];
    assert_eq!(answers.each_ref().map(Status::message), expected);
    let reasons = ["EMAIL_EXPORT_ALREADY_MIGRATED", "EMAIL_EXPORT_NOT_MIGRATED"];
    for (index, answer) in answers.into_iter().enumerate() {
        let expected = format!("FailedPrecondition {}", reasons[usize::from(index > 3)]);
        assert!(refused(async { Err::<tonic::Response<()>, _>(answer) }).await.starts_with(&expected), "{index}");
    }
}
