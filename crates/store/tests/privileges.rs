//! Privileges: the database refuses to change or delete audit rows.

#![allow(clippy::unwrap_used)]

use rollcall_domain::{
    OrganizationId, Phase,
    directory::MassChangeLimit,
    migration::{MigrationRecord, MigrationState},
};
use rollcall_store::{
    Db, Options, SystemConn, WriteTx,
    audit::{AuditEvent, is_rewritable},
    migrate,
    migration::finish_migration,
    organizations::{NewOrganization, create_organization},
};
use rollcall_testkit::TestDatabase;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

const KEPT: [&str; 5] =
    ["audit_document_parts", "audit_events", "audit_subjects", "job_audit_events", "member_changes"];

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
        let column = if table == "job_audit_events" { "job" } else { "organization_id" };
        let statements = [
            format!("UPDATE {table} SET {column} = ''"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table}"),
            format!("SELECT FROM {table} WHERE {column} = 'acme' FOR UPDATE"),
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

/// Returns the statements of docs/operations.md, for a database role with this name.
fn grants(role: &str) -> String {
    let page = include_str!("../../../docs/operations.md");
    let (_, statements) = page.split_once("```sql\n").unwrap();
    statements.split_once("```").unwrap().0.replace("rollcall_service", role)
}

#[tokio::test]
async fn a_separate_role_can_work_and_cannot_grant_itself_privileges() {
    let database = TestDatabase::new().await;
    let owner = connect(&database.url()).await;
    let superuser = database.client().await;
    let role = format!("service_{}", Uuid::now_v7().simple());
    database.create_role(&role).await;
    owner.batch_execute(&grants(&role)).await.unwrap();

    let url = database.url_as(&role);
    let (db, client) = (open(url.clone()), connect(&url).await);
    migrate::check(&db).await.unwrap();
    write(&db, "acme").await;
    assert!(!is_rewritable(&db).await.unwrap());
    assert_only_grows(&client).await;
    assert_eq!(events(&database).await, 2);
    // A GRANT without the grant option is not an error, and grants nothing.
    client.batch_execute("GRANT UPDATE, DELETE ON audit_events TO PUBLIC").await.unwrap();
    client.batch_execute("DROP TABLE audit_events").await.unwrap_err();
    assert_only_grows(&client).await;

    owner.batch_execute(&format!("GRANT DELETE ON audit_subjects TO {role}")).await.unwrap();
    assert!(is_rewritable(&db).await.unwrap());
    superuser.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
}
