//! Large organizations, made by copying rows of the organization `acme`, and how many rows are read in them.

use std::collections::BTreeMap;

use tokio_postgres::Client;

/// Copies the member `first`, each copy `u1`, `u2` and so on with an address of its own and with `fields`: an SQL object
/// that may use the number `i`. Then runs statements with the number of copies as `$1`. Without the checks of foreign
/// keys, which would read rows too.
pub async fn enlarge(client: &Client, members: i32, fields: &str, then: &[&str]) {
    let copy = format!(
        "WITH first AS MATERIALIZED (SELECT * FROM members WHERE id = 'first')
        INSERT INTO members SELECT (jsonb_populate_record(
            NULL::members, to_jsonb(m) || jsonb_build_object('id', 'u' || i, 'email', 'u' || i || '@acme.example') || {fields}
        )).* FROM first AS m, generate_series(1, $1::integer) AS i"
    );
    client.batch_execute("SET session_replication_role = replica").await.unwrap();
    for sql in [copy.as_str()].iter().chain(then) {
        client.execute(*sql, &[&members]).await.unwrap();
    }
    client.batch_execute("ANALYZE").await.unwrap();
}

/// Copies an assignment with its groups. The copies `a1`, `a2` and so on follow the listed assignments, in this order.
pub async fn copy_assignment(client: &Client, id: &str, copies: i32) {
    let last = "(SELECT rank FROM assignments WHERE organization_id = 'acme' AND id = 'default')";
    let fields = "jsonb_build_object('id', 'a' || i, 'uid', gen_random_uuid(), 'display_name', 'a' || i, 'rank', l.rank + i - 1)";
    let copy = format!(
        "WITH l AS MATERIALIZED {last},
        moved AS (UPDATE assignments SET rank = rank + $2::integer WHERE organization_id = 'acme' AND id = 'default')
        INSERT INTO assignments SELECT (jsonb_populate_record(NULL::assignments, to_jsonb(a) || {fields})).*
        FROM assignments AS a, l, generate_series(1, $2::integer) AS i
        WHERE a.organization_id = 'acme' AND a.id = $1"
    );
    let groups = "INSERT INTO assignment_groups (organization_id, assignment_id, group_id)
        SELECT 'acme', 'a' || i, g.group_id FROM assignment_groups AS g, generate_series(1, $2::integer) AS i
        WHERE g.organization_id = 'acme' AND g.assignment_id = $1";
    client.batch_execute("BEGIN; SET CONSTRAINTS ALL DEFERRED").await.unwrap();
    for sql in [copy.as_str(), groups] {
        client.execute(sql, &[&id, &copies]).await.unwrap();
    }
    client.batch_execute("COMMIT").await.unwrap();
}

/// Returns how many rows and index entries of each of these tables all sessions have read. Ends the other sessions: then
/// their counts are complete.
pub async fn rows_read(client: &Client, tables: &[&str]) -> BTreeMap<String, i64> {
    let end = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    client.query(end, &[]).await.unwrap();
    let sql = "SELECT t.relname::text, t.seq_tup_read + (
            SELECT sum(i.idx_tup_read)::bigint FROM pg_stat_user_indexes AS i WHERE i.relid = t.relid
        ) FROM pg_stat_user_tables AS t
        WHERE t.relname = any($1)";
    client.query(sql, &[&tables]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}
