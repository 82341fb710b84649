//! How Postgres plans each statement: on a Citus cluster, a statement about one organization must be one task, whatever
//! its values are.

use tokio_postgres::{Client, SimpleQueryMessage};

/// Returns the numbers of tasks of all plans of a statement: one plan for each choice of null values. Postgres derives
/// different conditions from a null and from another value. `nullable` says whether there are null values at all.
pub(crate) async fn task_counts(client: &Client, sql: &str, nullable: bool) -> Vec<u32> {
    client.batch_execute(&format!("DEALLOCATE ALL; PREPARE planned AS {sql}")).await.unwrap_or_else(|error| {
        panic!("{error:?}\n{sql}");
    });
    let types = "SELECT t::text FROM pg_prepared_statements, unnest(parameter_types) WITH ORDINALITY AS p (t, n)
        WHERE name = 'planned' ORDER BY n";
    let types: Vec<String> = client.query(types, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    let optional = if nullable { types.len().saturating_sub(1).min(5) } else { 0 };
    let mut counts = Vec::new();
    for nulls in 0..1_u32 << optional {
        let value = |(place, of): (usize, &String)| match place {
            1.. if nulls >> (place - 1) & 1 == 1 => "NULL".to_owned(),
            _ => example(of),
        };
        let values: Vec<String> = types.iter().enumerate().map(value).collect();
        let call = if values.is_empty() { String::new() } else { format!("({})", values.join(", ")) };
        let plan = client.simple_query(&format!("EXPLAIN (COSTS OFF) EXECUTE planned{call}")).await;
        let plan = plan.unwrap_or_else(|error| panic!("{error:?}\nEXECUTE planned{call}\n{sql}"));
        counts.extend(plan.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0)?.trim().strip_prefix("Task Count: ")?.parse::<u32>().ok(),
            _ => None,
        }));
    }
    counts
}

/// Returns a value of a type, as text of SQL.
fn example(of: &str) -> String {
    if let Some(element) = of.strip_suffix("[]") {
        return format!("ARRAY[{}]::{of}", example(element));
    }
    let text = match of {
        "text" | "name" | "character varying" | "bytea" => "acme",
        "integer" | "bigint" | "smallint" => "1",
        "boolean" => "true",
        "timestamp with time zone" => "2026-01-01",
        "uuid" => "0193f0c4-0000-7000-8000-000000000000",
        "json" | "jsonb" => r#"{"acme": 1}"#,
        other => panic!("no example of type {other}"),
    };
    format!("'{text}'::{of}")
}
