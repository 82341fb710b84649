//! Many organizations, copied from a few that were created through the API.

use rollcall_proto::v1::Phase;

use super::{
    kill_seed::{self as seed, NewAssignment, Person},
    kill_server::Server,
    kill_state::OWNED,
};
use tokio_postgres::Client;

/// The model organizations, from which others are copied.
pub(crate) const MODELS: [&str; 3] = ["model-0", "model-1", "model-2"];
/// The number of members of each organization.
pub(crate) const MEMBERS: usize = 12;

/// Creates the models in phase LEGACY. Some of their assignments become mixed.
pub(crate) async fn make_models(server: &Server) {
    for (shift, model) in MODELS.into_iter().enumerate() {
        let person = |number: usize| Person {
            number,
            name: ["=Given", "Gi\"ven, the \u{202e}first"][number % 2].to_owned(),
            groups: vec![(number + shift) % 3],
            active: number % 5 != 4,
        };
        let assignment = |(id, group, automatic): (&str, usize, bool)| NewAssignment {
            id: id.to_owned(),
            groups: vec![group],
            automatic,
            export: None,
        };
        let assignments = [("automatic", 0, true), ("manual", 1, false)].map(assignment);
        let people: Vec<Person> = (0..MEMBERS).map(person).collect();
        seed::organization(server, model, Phase::Legacy, &people, &assignments).await;
        seed::import(server, model, 0..MEMBERS).await;
    }
}

/// Copies all rows of an organization from the tables of a schema.
pub(crate) async fn copy(sql: &Client, schema: &str, model: &str, id: &str) {
    let owned = sql.query(OWNED, &[]).await.unwrap();
    let inserts = owned.iter().map(|row| {
        let (table, owner): (String, String) = (row.get(0), row.get(1));
        format!(
            "INSERT INTO public.{table} SELECT r.* FROM {schema}.{table} AS t, jsonb_populate_record(
                t, jsonb_build_object('{owner}', '{id}')) AS r WHERE t.{owner} = '{model}';"
        )
    });
    let inserts: String = inserts.collect();
    // The order of the tables does not respect foreign keys, so they are disabled.
    sql.batch_execute(&format!("BEGIN; SET LOCAL session_replication_role = replica; {inserts} COMMIT")).await.unwrap();
}
