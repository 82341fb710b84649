//! The state of a database: saving, restoring, comparing it, and checking its consistency.

use std::collections::BTreeMap;

use tokio_postgres::Client;

/// The state of each organization.
pub(crate) type State = BTreeMap<String, Rows>;

/// Digests of one organization's rows, by table.
pub(crate) type Rows = BTreeMap<String, String>;

/// The compared parts of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RowView {
    /// The whole row.
    Exact,
    /// The row without times: every time is replaced by the word `time`. It is equal for two databases with the same
    /// changes at different times.
    Timeless,
    /// [`Self::Timeless`], with every uid replaced by the word `uid`. It is equal for rows that were created twice.
    Anonymous,
}

/// A direct connection to a database, with a saved copy of its rows.
pub(crate) struct Observer {
    /// The connection.
    pub(crate) sql: Client,
    tables: Vec<String>,
    /// The tables with an organization, and the column of the organization's id.
    owned: Vec<(String, String)>,
}

impl Observer {
    /// Saves a copy of all rows.
    pub(crate) async fn keeping(sql: Client) -> Self {
        let tables =
            "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' AND tablename !~ '^__' ORDER BY 1";
        let tables: Vec<String> = sql.query(tables, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
        let copies = tables.iter().map(|table| format!("CREATE TABLE kept.{table} AS TABLE public.{table};"));
        sql.batch_execute(&format!("CREATE SCHEMA kept; {}", copies.collect::<String>())).await.unwrap();
        let owned = sql.query(OWNED, &[]).await.unwrap();
        let owned: Vec<_> = owned.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert!(owned.len() > 10, "all tables but a few belong to an organization");
        Self { sql, tables, owned }
    }

    /// Restores every table from the saved copy.
    pub(crate) async fn put_back(&self) {
        let inserts = self.tables.iter().map(|table| format!("INSERT INTO {table} SELECT * FROM kept.{table};"));
        let batch = format!(
            "BEGIN; SET LOCAL session_replication_role = replica; TRUNCATE {}; {} COMMIT; ANALYZE members, memberships",
            self.tables.join(", "),
            inserts.collect::<String>()
        );
        self.sql.batch_execute(&batch).await.unwrap();
    }

    /// Reads the state of each organization.
    pub(crate) async fn state(&self, look: RowView) -> State {
        let exact = "to_jsonb(t)::text";
        let timeless = format!(r#"regexp_replace({exact}, '"\d{{4}}-\d\d-\d\dT[^"]*"', '"time"', 'g')"#);
        let anonymous = format!(
            r#"regexp_replace({timeless}, '"[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}"', '"uid"', 'g')"#
        );
        let line = match look {
            RowView::Exact => exact,
            RowView::Timeless => &timeless,
            RowView::Anonymous => &anonymous,
        };
        let digest = |(table, owner): &(String, String)| {
            format!(
                r#"SELECT organization, '{table}', md5(string_agg(line, E'\n' ORDER BY line))
                FROM (SELECT t.{owner} AS organization, {line} COLLATE "C" AS line FROM {table} AS t) AS lines
                GROUP BY organization"#
            )
        };
        let digests: Vec<String> = self.owned.iter().map(digest).collect();
        let mut state = State::new();
        for row in self.sql.query(&digests.join(" UNION ALL "), &[]).await.unwrap() {
            state.entry(row.get(0)).or_default().insert(row.get(1), row.get(2));
        }
        state
    }

    /// Checks that no rows contradict each other.
    pub(crate) async fn assert_consistent(&self) {
        let found = self.sql.query(CONTRADICTIONS, &[]).await.unwrap();
        let found: Vec<(String, String)> = found.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert_eq!(found, [], "the database is inconsistent");
    }

    /// Returns the number that a query selects.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        self.sql.query_one(sql, &[]).await.unwrap().get(0)
    }
}

/// Returns the tables with an organization, and the column of the organization's id. The record of the last self-check is
/// not part of an organization's state: the job writes it at any time.
pub(crate) const OWNED: &str = "
    SELECT c.table_name::text, c.column_name::text
    FROM information_schema.columns AS c
    WHERE c.table_schema = 'public' AND c.table_name <> 'self_checks'
        AND (c.column_name = 'organization_id' OR (c.table_name = 'organizations' AND c.column_name = 'id'))
    ORDER BY 1";

/// The invariants of every organization (product.md 4.9 and 7).
const CONTRADICTIONS: &str = "
    SELECT o.id, 'revision ' || o.revision || ' with audit events ' || string_agg(e.revision::text, ' ')
    FROM organizations AS o LEFT JOIN audit_events AS e ON e.organization_id = o.id
    GROUP BY o.id
    HAVING count(e.revision) <> o.revision OR max(e.revision) <> o.revision
UNION ALL
    SELECT c.organization_id, 'changes of ' || count(*) || ' members in revision ' || c.revision || ', which is none'
    FROM member_changes AS c LEFT JOIN audit_events AS e USING (organization_id, revision)
    WHERE e.revision IS NULL
    GROUP BY c.organization_id, c.revision
UNION ALL
    SELECT e.organization_id, 'revision ' || e.revision || ' says ' || e.members_changed || ', not ' || count(c.member_id)
    FROM audit_events AS e LEFT JOIN member_changes AS c USING (organization_id, revision)
    GROUP BY e.organization_id, e.revision
    HAVING count(c.member_id) > e.members_changed
UNION ALL
    SELECT m.organization_id, 'member ' || m.id || ' has not what the newest change gave'
    FROM members AS m
    LEFT JOIN (
        SELECT DISTINCT ON (organization_id, member_id) *
        FROM member_changes ORDER BY organization_id, member_id, revision DESC
    ) AS c ON c.organization_id = m.organization_id AND c.member_id = m.id
    WHERE (m.assignment_id, m.settings_id, m.email_export, m.email_export_since, m.email_export_source)
        IS DISTINCT FROM (
            c.assignment_after, c.settings_after, c.email_export_after, c.email_export_since_after,
            c.email_export_source_after
        )
UNION ALL
    SELECT o.id, 'in phase ' || o.phase || ' member ' || m.id || ' has ' || coalesce(m.email_export, 'nothing')
    FROM organizations AS o INNER JOIN members AS m ON m.organization_id = o.id
    WHERE (o.phase = 'MIGRATED') <> (m.email_export IS NOT NULL)
UNION ALL
    SELECT o.id, 'in phase ' || o.phase || ' with a migration that is ' || s.state
    FROM organizations AS o INNER JOIN settings_migrations AS s ON s.organization_id = o.id
    WHERE (o.phase = 'MIGRATED') <> (s.state = 'MIGRATED')
LIMIT 20";
