//! Rows in the format that the service writes.

use rollcall_domain::catalog::Catalog;
use tokio_postgres::Client;

use super::Database;

pub(crate) async fn connect(database: &Database) -> Client {
    database.database.client().await
}

/// `acme` has a mixed automatic, a mixed manual and a uniform assignment. `beta` is in phase LEGACY. `a-first` has no
/// mixed assignment.
pub(crate) async fn seed(client: &Client) {
    for (organization, phase) in [("acme", "MIGRATED"), ("a-first", "MIGRATED"), ("beta", "LEGACY")] {
        client.batch_execute(&organization_sql(organization, phase)).await.unwrap();
    }
    let members = "
        ('m1', 'zoe@acme.example', true, 'sales', 'EXPORT', NULL),
        ('m2', 'ada@acme.example', true, 'sales', 'DO_NOT_EXPORT', NULL),
        ('=m3', '=eve@acme.example', false, 'sales', 'EXPORT', '2026-03-03T04:05:06Z'),
        ('m4', 'bob@acme.example', true, 'support', 'EXPORT', '2026-03-03T04:05:06.5Z'),
        ('m5', 'cid@acme.example', true, 'support', 'DO_NOT_EXPORT', NULL),
        ('m6', 'dan@acme.example', true, 'default', 'EXPORT', NULL),
        ('m7', 'eli@acme.example', false, 'default', 'DO_NOT_EXPORT', NULL)";
    client.batch_execute(&members_sql("acme", members)).await.unwrap();
}

pub(crate) fn organization_sql(organization: &str, phase: &str) -> String {
    let catalog = serde_json::to_string(&Catalog::default()).unwrap();
    format!(
        "INSERT INTO organizations VALUES ('{organization}', gen_random_uuid(), '{organization}', '{phase}',
            50, 10, '{catalog}', 1, 1, 1, now(), now(), now());
        INSERT INTO settings VALUES ('{organization}', '00000000-0000-0000-0000-000000000000', '{{}}', NULL, '{{}}',
            false, false, false, false, false, false, false);
        INSERT INTO assignments SELECT '{organization}', id, gen_random_uuid(), initcap(id), rank, update_mode,
            '00000000-0000-0000-0000-000000000000', NULL, 1, now(), now()
        FROM (VALUES ('sales', 1, 'AUTOMATIC_UPDATES'), ('support', 2, 'MANUAL_EDITING'),
            ('default', 3, 'MANUAL_EDITING')) AS a (id, rank, update_mode);"
    )
}

pub(crate) fn members_sql(organization: &str, members: &str) -> String {
    format!(
        "INSERT INTO members SELECT '{organization}', id, email, 'Given', 'Family', 'Title', NULL, active, assignment,
            '00000000-0000-0000-0000-000000000000', setting, since::timestamptz,
            CASE WHEN setting IS NOT NULL THEN 'MIGRATION' END, NULL, 1, now(), now()
        FROM (VALUES {members}) AS m (id, email, active, assignment, setting, since)"
    )
}
