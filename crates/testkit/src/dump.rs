//! All rows of a database, to see that a call wrote nothing.

use std::collections::BTreeMap;

use crate::TestDatabase;

/// The rows of each table in a fixed order, as JSON.
pub type Dump = BTreeMap<String, Vec<String>>;

const TABLES: &str = "SELECT tablename::text, EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = tablename::regclass AND attname = 'organization_id'
    ) FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '\\_\\_%'";

/// Reads every row that belongs to an organization, by its id; every row there is for `None`.
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

/// The tables whose rows differ, with the first row that does.
#[must_use]
pub fn difference(before: &Dump, after: &Dump) -> Option<String> {
    let mut changed = Vec::new();
    for (table, rows) in after {
        let was = before.get(table).map(Vec::as_slice).unwrap_or_default();
        let gone = was.iter().find(|row| !rows.contains(row)).map(|row| format!("{table} had {row}"));
        let new = rows.iter().find(|row| !was.contains(row)).map(|row| format!("{table} has {row}"));
        changed.extend(gone.into_iter().chain(new));
    }
    (!changed.is_empty()).then(|| changed.join("; "))
}
