//! Privileges: the database refuses to change or delete audit rows, and installations move to the role of the service.

#![allow(clippy::unwrap_used)]

use rollcall_domain::{
    OrganizationId, Phase,
    directory::MassChangeLimit,
    migration::{MigrationRecord, MigrationState},
};
use rollcall_store::{
    DatabaseRoles, Db, Options, SystemConn, WriteTx,
    audit::{AuditEvent, is_rewritable},
    migrate,
    migration::finish_migration,
    organizations::{NewOrganization, create_organization, list_organizations},
    protection::sees_all_organizations,
};
use rollcall_testkit::TestDatabase;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

const KEPT: [&str; 4] = ["audit_document_parts", "audit_events", "audit_subjects", "member_changes"];

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn open(url: String) -> Db {
    Db::open(&Options::new(url, 2)).unwrap()
}

/// Writes an organization and a second revision, as the service does.
async fn write(db: &Db, id: &str) {
    let new = NewOrganization {
        id: OrganizationId::trusted(id),
        uid: Uuid::now_v7(),
        default_uid: Uuid::now_v7(),
        display_name: id.to_owned(),
        phase: Phase::Migrated,
        mass_change_limit: MassChangeLimit::default(),
        email_domains: Vec::new(),
        wave: 0,
    };
    let event = AuditEvent {
        actor: "test".to_owned(),
        method: "Test",
        resource: id.to_owned(),
        request_id: None,
        trace_id: None,
        before: None,
        after: None,
    };
    let create = async |conn: &mut SystemConn| create_organization(conn, &new, &event).await;
    db.system("create", create).await.unwrap();
    let again = async |tx: &mut WriteTx| {
        let record = MigrationRecord::new(MigrationState::Pending, tx.now());
        finish_migration(tx, &record, 0, event.clone()).await
    };
    assert_eq!(db.write(&new.id, "again", again).await.unwrap(), 2);
}

/// Checks that the audit rows exist and cannot be changed or deleted.
async fn assert_only_grows(client: &Client) {
    for table in KEPT {
        let statements = [
            format!("UPDATE {table} SET revision = 0"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table}"),
            format!("SELECT FROM {table} WHERE organization_id = 'acme' FOR UPDATE"),
        ];
        for statement in statements {
            let refused = client.batch_execute(&statement).await.unwrap_err();
            let said = refused.as_db_error().map(|error| error.message().to_owned());
            assert_eq!(said, Some(format!("permission denied for table {table}")), "{statement}");
        }
    }
}

async fn events(database: &TestDatabase) -> i64 {
    database.client().await.query_one("SELECT count(*) FROM audit_events", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn the_service_can_only_append_to_the_audit() {
    let database = TestDatabase::new().await;
    let db = database.db();
    write(&db, "acme").await;
    assert_only_grows(&connect(&database.url()).await).await;
    assert_eq!(events(&database).await, 2);
    write(&db, "other").await;
    assert_eq!(events(&database).await, 4);
    assert!(!is_rewritable(&db).await.unwrap());
}

#[tokio::test]
async fn a_superuser_is_reported_as_able_to_rewrite_the_audit() {
    let database = TestDatabase::new().await;
    assert!(is_rewritable(&open(database.superuser_url())).await.unwrap());
}

/// Returns the statements of docs/operations.md that create the roles, with other names and a password of the tests.
fn statements_of_the_page(roles: &DatabaseRoles) -> String {
    let page = include_str!("../../../docs/operations.md");
    let (_, statements) = page.split_once("```sql\n").unwrap();
    let statements = statements.split_once("```").unwrap().0;
    let named = statements.replace("rollcall_service", &roles.service).replace("rollcall_jobs", &roles.jobs);
    named.replace("'...'", "'rollcall_test'")
}

fn new_roles() -> DatabaseRoles {
    let id = Uuid::now_v7().simple();
    DatabaseRoles { service: format!("service_{id}"), jobs: format!("jobs_{id}") }
}

async fn drop_roles(database: &TestDatabase, roles: &DatabaseRoles) {
    for role in [&roles.service, &roles.jobs] {
        database.client().await.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
    }
}

async fn listed(db: &Db) -> Vec<String> {
    let listed = list_organizations(db, None, 10).await.unwrap();
    listed.into_iter().map(|organization| organization.id.to_string()).collect()
}

/// The steps of docs/operations.md, "An installation that connects as the owner".
#[tokio::test(flavor = "multi_thread")]
async fn an_installation_moves_from_the_owner_to_the_role_of_the_service() {
    let (database, roles) = (TestDatabase::new().await, new_roles());
    let owner = open(database.owner_url());
    migrate::check(&owner).await.unwrap();
    write(&owner, "acme").await;
    assert!(sees_all_organizations(&owner).await.unwrap());
    assert_eq!(listed(&owner).await, ["acme"]);

    database.client().await.batch_execute(&statements_of_the_page(&roles)).await.unwrap();
    migrate::run_for_roles(&database.owner_url(), &roles).await.unwrap();
    let url = database.url_as(&roles.service);
    let (db, client) = (open(url.clone()), connect(&url).await);
    migrate::check(&db).await.unwrap();
    write(&db, "beta").await;
    assert_eq!(listed(&db).await, ["acme", "beta"]);
    assert!(!sees_all_organizations(&db).await.unwrap() && !is_rewritable(&db).await.unwrap());
    assert_only_grows(&client).await;
    // A GRANT without the grant option is not an error, and grants nothing.
    client.batch_execute("GRANT UPDATE, DELETE ON audit_events TO PUBLIC").await.unwrap();
    client.batch_execute("DROP TABLE audit_events").await.unwrap_err();
    assert_only_grows(&client).await;
    // The processes that still connect as the owner go on.
    write(&owner, "gamma").await;
    assert_eq!(listed(&owner).await, ["acme", "beta", "gamma"]);

    let more = format!("GRANT DELETE ON audit_subjects TO {}", roles.service);
    connect(&database.owner_url()).await.batch_execute(&more).await.unwrap();
    assert!(is_rewritable(&db).await.unwrap());
    // The next schema migration takes the privilege away again.
    migrate::run_for_roles(&database.owner_url(), &roles).await.unwrap();
    assert!(!is_rewritable(&db).await.unwrap());
    drop_roles(&database, &roles).await;
}

/// Removes what this version adds to a database, and gives a role what an earlier version of docs/operations.md gave it.
const AS_BEFORE: &str = "DO $$ DECLARE tenant text; policy text; BEGIN
    FOR tenant, policy IN SELECT tablename, policyname FROM pg_policies WHERE schemaname = 'public' LOOP
        EXECUTE format('DROP POLICY %I ON %I', policy, tenant);
        EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', tenant);
        EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', tenant);
    END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO second_role;
REVOKE UPDATE, DELETE ON audit_document_parts, audit_events, audit_subjects, member_changes FROM second_role";

#[tokio::test(flavor = "multi_thread")]
async fn a_second_role_of_an_earlier_version_goes_on_until_the_role_of_the_jobs_exists() {
    let (database, roles) = (TestDatabase::undistributed().await, new_roles());
    let (superuser, second) = (database.client().await, &roles.service);
    let standard = database.roles();
    superuser
        .batch_execute(&format!("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}", standard.service))
        .await
        .unwrap();
    superuser
        .batch_execute(&format!("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}", standard.jobs))
        .await
        .unwrap();
    database.create_role(second).await;
    superuser.batch_execute(&AS_BEFORE.replace("second_role", second)).await.unwrap();
    for _ in 0..2 {
        migrate::run_for_roles(&database.owner_url(), &roles).await.unwrap();
    }
    let db = open(database.url_as(second));
    write(&db, "acme").await;
    assert_eq!(listed(&db).await, ["acme"]);
    assert!(sees_all_organizations(&db).await.unwrap());

    let jobs = &roles.jobs;
    let step = format!("CREATE ROLE {jobs}; ALTER ROLE {second} NOINHERIT; GRANT {jobs} TO {second}");
    superuser.batch_execute(&step).await.unwrap();
    migrate::run_for_roles(&database.owner_url(), &roles).await.unwrap();
    // The same process.
    write(&db, "beta").await;
    assert_eq!(listed(&db).await, ["acme", "beta"]);
    assert!(!sees_all_organizations(&db).await.unwrap());
    drop_roles(&database, &roles).await;
}
