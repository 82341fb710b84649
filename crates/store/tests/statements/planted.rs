//! Breaches of the rules, planted into real statements, are found.

use rollcall_testkit::TestDatabase;

use crate::{
    rules::{Schema, Scope},
    scope_of, statements_of_files,
};

/// A statement file, a part of it, what the part is replaced with, and a part of the breach that is reported.
const PLANTED: [(&str, &str, &str, &str); 14] = [
    // A join of tables by their own ids only.
    ("list_known_members.sql", "m.organization_id = p.organization_id AND ", "", "`p` is not restricted"),
    // A LATERAL subquery that is only compared with the table of the outer level.
    (
        "list_members.sql",
        "p.organization_id = $1 AND",
        "p.organization_id = m.organization_id AND",
        "`p` is not restricted",
    ),
    // A scalar subquery, likewise.
    ("find_group.sql", "ms.organization_id = $1", "ms.organization_id = g.organization_id", "`ms` is not restricted"),
    // No organization at all.
    ("list_unmatched.sql", "u.organization_id = $1 AND ", "", "`u` is not restricted"),
    // One branch of a UNION.
    ("insert_audit_subjects.sql", "a.organization_id = $1 AND ", "", "`a` is not restricted"),
    // A condition that need not hold.
    ("count_members.sql", "m.organization_id = $1 AND (", "(m.organization_id = $1 OR ", "`m` is not restricted"),
    // Several organizations.
    ("list_written_settings.sql", "m.organization_id = $1", "m.organization_id = any($1)", "`m` is not restricted"),
    // An update of all organizations.
    ("free_addresses.sql", "m.organization_id = $1 AND ", "", "`m` is not restricted"),
    // A deletion of all organizations.
    ("delete_memberships.sql", "ms.organization_id = $1 AND ", "", "`ms` is not restricted"),
    // A clock in UPDATE ... SET.
    ("update_members.sql", "updated_at = $9", "updated_at = now()", "`now` is not immutable"),
    // A clock in ON CONFLICT.
    (
        "upsert_pins.sql",
        "pinned_at = excluded.pinned_at",
        "pinned_at = CURRENT_TIMESTAMP",
        "`current_timestamp` is not immutable",
    ),
    // A random value in RETURNING.
    ("update_ranks.sql", "RETURNING a.id", "RETURNING a.id, gen_random_uuid()", "`gen_random_uuid` is not immutable"),
    // A new row of another organization.
    ("insert_memberships.sql", "SELECT $1, ", "SELECT n.organization_id, ", "the new row is not the bound one"),
    // A join with a table of the coordinator.
    ("list_unmatched.sql", "AS u\n", "AS u INNER JOIN job_runs AS r ON r.failure = u.email\n", "a local table"),
];

#[tokio::test]
async fn planted_breaches_are_found() {
    let database = TestDatabase::new().await;
    let schema = Schema::read(&database.client().await).await;
    let files = statements_of_files();
    for (file, part, replacement, expected) in PLANTED {
        let sql = &files[file];
        assert!(sql.contains(part), "{file} has no `{part}`");
        assert_eq!(schema.breaches(sql, Scope::One), [].into(), "{file}");
        let found = schema.breaches(&sql.replacen(part, replacement, 1), Scope::One);
        assert!(found.iter().any(|breach| breach.contains(expected)), "{file}: {found:?} lacks `{expected}`");
    }
}

#[tokio::test]
async fn planted_breaches_in_statements_about_all_organizations_are_found() {
    let database = TestDatabase::new().await;
    let schema = Schema::read(&database.client().await).await;
    let sql = &statements_of_files()["list_migrations.sql"];
    assert_eq!(scope_of("list_migrations.sql", sql), Scope::All);
    assert_eq!(schema.breaches(sql, Scope::All), [].into());
    for (part, replacement, expected) in [
        ("ON o.id = s.organization_id", "ON o.wave = s.revision", "`s` is not restricted"),
        ("FROM organizations AS o", "FROM (SELECT * FROM organizations) AS o", "a subquery in FROM"),
        ("SELECT\n    o.id", "WITH x AS (SELECT 1) SELECT\n    o.id", "has a WITH"),
    ] {
        assert!(sql.contains(part), "`{part}`");
        let found = schema.breaches(&sql.replacen(part, replacement, 1), Scope::All);
        assert!(found.iter().any(|breach| breach.contains(expected)), "{found:?} lacks `{expected}`");
    }
}
