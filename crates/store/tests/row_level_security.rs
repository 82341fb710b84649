//! Row-level security protects every table of organizations, and the owner, the jobs and the service work with it.

#![allow(clippy::unwrap_used)]

use std::{error::Error as _, time::Duration};

use rollcall_domain::{MemberId, OrganizationId};
use rollcall_store::{
    Db, Options,
    email_export::{SubjectKey, find_subject},
    migrate,
    organizations::list_organizations,
    protection::sees_all_organizations,
};
use rollcall_testkit::{Direction, Fault, FaultProxy, FaultTrigger, TestDatabase};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

const ORGANIZATIONS: &str = "INSERT INTO organizations (
        id, uid, display_name, phase, mass_change_members, mass_change_percent, catalog, catalog_revision, revision,
        updated_revision, last_write_at, created_at, updated_at
    ) SELECT id, gen_random_uuid(), id, 'MIGRATED', 50, 10, '{}', 1, 1, 1, now(), now(), now()
    FROM unnest(ARRAY['acme', 'beta']) AS o (id)";

/// Creates a table that a later schema migration could add.
const NEW_TABLE: &str = "CREATE TABLE new_table (
        organization_id text COLLATE \"C\" NOT NULL,
        CONSTRAINT new_table_pkey PRIMARY KEY (organization_id),
        CONSTRAINT new_table_organization FOREIGN KEY (organization_id) REFERENCES organizations (id)
    )";

/// The tables of organizations that lack a part of their protection.
const UNPROTECTED: &str = "SELECT c.relname::text FROM pg_class AS c
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
        AND (c.relname = 'organizations' OR EXISTS (
            SELECT FROM pg_attribute AS a
            WHERE a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped
        ))
        AND NOT (
            c.relrowsecurity AND c.relforcerowsecurity
            AND (
                SELECT array_agg(p.polname::text ORDER BY p.polname) = '{all_organizations,organization,owner}'
                    AND count(*) FILTER (WHERE p.polname = 'organization' AND pg_get_expr(p.polqual, p.polrelid) LIKE
                        '%id = current_setting(''rollcall.organization''::text, true))') = 1
                FROM pg_policy AS p WHERE p.polrelid = c.oid
            )
        )
    ORDER BY 1";

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn unprotected(client: &Client) -> Vec<String> {
    client.query(UNPROTECTED, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// Returns a part of the error of a statement.
async fn refused(client: &Client, sql: &str) -> String {
    let error = client.batch_execute(sql).await.unwrap_err();
    error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_organizations_is_protected() {
    let database = TestDatabase::undistributed().await;
    let owner = connect(&database.owner_url()).await;
    assert_eq!(
        unprotected(&owner).await,
        Vec::<String>::new(),
        "`rollcall migrate` protects the tables in the schema public that have a column organization_id: create the \
         table there, with this column, or add it to crates/store/src/protection.sql"
    );
    owner.batch_execute(NEW_TABLE).await.unwrap();
    assert_eq!(unprotected(&owner).await, ["new_table"]);
    migrate::run_for_roles(&database.owner_url(), database.roles()).await.unwrap();
    assert_eq!(unprotected(&owner).await, Vec::<String>::new());

    database.client().await.batch_execute(ORGANIZATIONS).await.unwrap();
    let service = database.service_client().await;
    service.batch_execute("BEGIN; SET LOCAL rollcall.organization = 'acme'").await.unwrap();
    let message = refused(&service, "INSERT INTO new_table VALUES ('beta')").await;
    assert!(message.contains("violates row-level security policy"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_changes_all_rows_and_its_foreign_keys_are_validated() {
    let database = TestDatabase::undistributed().await;
    let (owner, superuser) = (connect(&database.owner_url()).await, database.client().await);
    superuser.batch_execute(ORGANIZATIONS).await.unwrap();
    assert_eq!(owner.execute("UPDATE organizations SET display_name = 'x'", &[]).await.unwrap(), 2);
    let wrong = "CREATE TABLE new_table (organization_id text COLLATE \"C\" NOT NULL);
        INSERT INTO new_table VALUES ('none')";
    owner.batch_execute(wrong).await.unwrap();
    migrate::run_for_roles(&database.owner_url(), database.roles()).await.unwrap();
    let validated = "ALTER TABLE new_table ADD CONSTRAINT new_table_organization
        FOREIGN KEY (organization_id) REFERENCES organizations (id)";
    let message = refused(&owner, validated).await;
    assert!(message.contains("violates foreign key constraint"), "{message}");
}

#[tokio::test]
async fn the_role_of_the_jobs_reads_all_organizations_and_writes_nothing() {
    let database = TestDatabase::new().await;
    database.client().await.batch_execute(ORGANIZATIONS).await.unwrap();
    let service = database.service_client().await;
    let count = "SELECT count(*) FROM organizations";
    assert_eq!(service.query_one(count, &[]).await.unwrap().get::<_, i64>(0), 0);
    service.batch_execute(&format!("BEGIN; SET LOCAL ROLE {}", database.roles().jobs)).await.unwrap();
    assert_eq!(service.query_one(count, &[]).await.unwrap().get::<_, i64>(0), 2);
    assert_eq!(refused(&service, "DELETE FROM members").await, "permission denied for table members");
}

#[tokio::test]
async fn a_service_that_may_not_become_the_role_of_the_jobs_is_told_what_to_do() {
    let database = TestDatabase::new().await;
    let (role, superuser) = (format!("alone_{}", Uuid::now_v7().simple()), database.client().await);
    database.create_role(&role).await;
    superuser.batch_execute(&format!("GRANT SELECT ON organizations TO {role}")).await.unwrap();
    let db = Db::open(&Options::new(database.url_as(&role), 2)).unwrap();
    for _ in 0..2 {
        let error = list_organizations(&db, None, 10).await.unwrap_err();
        let error = error.source().unwrap().to_string();
        assert!(error.contains("permission denied to set role") && error.contains("\"Database roles\""), "{error}");
    }
    assert!(!sees_all_organizations(&db).await.unwrap());

    // A member that inherits sees all rows at any time.
    let inherits = format!("GRANT {} TO {role}", database.roles().jobs);
    superuser.batch_execute(&inherits).await.unwrap();
    assert!(sees_all_organizations(&db).await.unwrap());
    superuser.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
}

/// The database executes the whole transaction of a check although no answer reaches the service.
#[tokio::test]
async fn a_check_is_one_round_trip() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    client.batch_execute(ORGANIZATIONS).await.unwrap();
    let proxy = FaultProxy::open(&database.url()).await;
    let db = Db::open(&Options::new(proxy.url(), 1)).unwrap();
    let acme = OrganizationId::trusted("acme");
    let subject = SubjectKey::Member(MemberId::trusted("ada"));
    let check = || find_subject(&db, &acme, &subject);
    // The connection prepares the statement, and the pool tests the connection once in each second.
    check().await.unwrap();
    let ended = "SELECT query FROM pg_stat_activity WHERE usename = $1 AND datname = current_database()
        AND state = 'idle' AND state_change > $2::text::timestamptz";
    loop {
        let before: String = client.query_one("SELECT clock_timestamp()::text", &[]).await.unwrap().get(0);
        proxy.set_trigger(FaultTrigger { direction: Direction::ToService, bytes: 0, fault: Fault::Silence });
        let executed = async {
            let last = loop {
                let ended = client.query_opt(ended, &[&database.roles().service, &before]).await.unwrap();
                match ended {
                    Some(ended) => break ended.get::<_, String>(0),
                    None => tokio::task::yield_now().await,
                }
            };
            proxy.resume();
            last
        };
        let executed = tokio::time::timeout(Duration::from_secs(60), executed);
        let (found, last) = tokio::join!(check(), executed);
        found.unwrap();
        let last = last.expect("the check waits for an answer before its transaction has ended");
        if last == "COMMIT" {
            break;
        }
        assert!(last.contains("current_setting"), "the pool's test of the connection comes first, not {last}");
    }
}
