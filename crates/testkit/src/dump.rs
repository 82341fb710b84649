//! A dump of all rows of a database, for tests that check that a call wrote nothing.

use std::collections::BTreeMap;

use crate::database::TestDatabase;

/// The rows of each table as JSON, in a fixed order.
pub type Dump = BTreeMap<String, Vec<String>>;

const TABLES: &str = "SELECT tablename::text, EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = tablename::regclass AND attname = 'organization_id'
    ) FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '\\_\\_%'";

/// Reads all rows of an organization, by its id. `None` reads all rows of the database.
pub async fn dump(database: &TestDatabase, organization: Option<&str>) -> Dump {
    let client = database.client().await;
    let mut dump = Dump::new();
    for table in client.query(TABLES, &[]).await.unwrap() {
        let (name, of_organization): (String, bool) = (table.get(0), table.get(1));
        let condition = match (organization, of_organization, name.as_str()) {
            (None, ..) => String::new(),
            (Some(id), true, _) => format!("WHERE organization_id = '{id}'"),
            (Some(id), _, "organizations") => format!("WHERE id = '{id}'"),
            _ => continue,
        };
        let sql = format!("SELECT row_to_json(t)::text AS row FROM (SELECT * FROM {name} {condition}) AS t ORDER BY 1");
        let rows = client.query(&sql, &[]).await.unwrap();
        dump.insert(name, rows.iter().map(|row| row.get(0)).collect());
    }
    dump
}

/// Returns each table whose rows differ, with the first row that differs. `None` if the dumps are equal.
#[must_use]
pub fn difference(before: &Dump, after: &Dump) -> Option<String> {
    let mut changed = Vec::new();
    for (table, rows) in after {
        let was = before.get(table).map(Vec::as_slice).unwrap_or_default();
        let removed = was.iter().find(|row| !rows.contains(row)).map(|row| format!("{table} had {row}"));
        let added = rows.iter().find(|row| !was.contains(row)).map(|row| format!("{table} has {row}"));
        changed.extend(removed.into_iter().chain(added));
    }
    (!changed.is_empty()).then(|| changed.join("; "))
}
