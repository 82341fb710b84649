//! Organizations whose rows cannot be read.

use tokio_postgres::Client;

use super::{
    Database,
    seed::{members_sql, organization_sql},
};

/// Creates an organization with a mixed assignment.
pub(crate) async fn create_mixed(client: &Client, organization: &str) {
    client.batch_execute(&organization_sql(organization, "MIGRATED")).await.unwrap();
    let members = "('m1', 'a@x.example', true, 'sales', 'EXPORT', NULL), ('m2', 'b@x.example', true, 'sales', 'DO_NOT_EXPORT', NULL)";
    client.batch_execute(&members_sql(organization, members)).await.unwrap();
}

/// Gives a member a value that the service does not know.
pub(crate) async fn corrupt(client: &Client, organization: &str, member: &str) {
    let drop = "ALTER TABLE members DROP CONSTRAINT IF EXISTS members_email_export_source";
    client.batch_execute(drop).await.unwrap();
    set_source(client, organization, member, "NONSENSE").await;
}

pub(crate) async fn repair(client: &Client, organization: &str, member: &str) {
    set_source(client, organization, member, "MIGRATION").await;
}

async fn set_source(client: &Client, organization: &str, member: &str, source: &str) {
    let update = "UPDATE members SET email_export_source = $3 WHERE organization_id = $1 AND id = $2";
    assert_eq!(client.execute(update, &[&organization, &member, &source]).await.unwrap(), 1);
}

/// Makes the database fail when it reads members of the organizations that are LIKE a pattern. Returns `false` on a
/// Citus cluster, which has no such policies.
pub(crate) async fn break_reads(database: &Database, client: &Client, organizations: &str) -> bool {
    if database.database.has_citus().await {
        return false;
    }
    let sql = format!(
        "CREATE OR REPLACE FUNCTION check_disk(organization text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
            IF organization LIKE '{organizations}' THEN RAISE 'the disk is broken' USING ERRCODE = '58030'; END IF;
            RETURN true;
        END $$;
        DROP POLICY IF EXISTS broken_disk ON members;
        CREATE POLICY broken_disk ON members AS RESTRICTIVE USING (check_disk(organization_id))"
    );
    client.batch_execute(&sql).await.unwrap();
    true
}

pub(crate) async fn repair_reads(client: &Client) {
    client.batch_execute("DROP POLICY broken_disk ON members").await.unwrap();
}
