//! The data that the floor prepares before the measurement: the organization as the service created it, the assignment
//! that each member enters, and the document of the audit event.

use std::{
    collections::{BTreeMap, HashMap},
    pin::pin,
};

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _, TryStreamExt as _};
use rollcall_bench::{Result, directory::SampleDirectory};
use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

/// An assignment that members enter.
#[derive(Clone, Debug)]
pub(super) struct Home {
    pub(super) id: String,
    pub(super) settings: Uuid,
    pub(super) export: String,
}

/// The data that the first sync writes in addition to the directory.
#[derive(Clone, Debug)]
pub(crate) struct FloorStatements {
    pub(super) assignments: Vec<Home>,
    /// For each member, the index of the assignment that the member enters.
    pub(super) homes: Vec<usize>,
    pub(super) default_settings: Uuid,
    pub(super) audit: String,
}

/// Copies an organization without members from the service's database to the floor's.
pub(crate) async fn clone_organization(service: &Client, floor: &Client, organization: &str) -> Result {
    let tables = ["organizations", "settings", "groups", "assignments", "assignment_groups", "audit_events"];
    for table in tables {
        let column = if table == "organizations" { "id" } else { "organization_id" };
        let sql = format!("COPY (SELECT * FROM {table} WHERE {column} = '{organization}') TO STDOUT");
        let mut rows = pin!(service.copy_out(&sql).await?);
        let mut sink = pin!(floor.copy_in::<_, Bytes>(&format!("COPY {table} FROM STDIN")).await?);
        while let Some(chunk) = rows.next().await {
            sink.send(chunk?).await?;
        }
        sink.as_mut().finish().await?;
    }
    Ok(())
}

impl FloorStatements {
    pub(crate) async fn load(client: &Client, organization: &str, directory: &SampleDirectory) -> Result<Self> {
        let sql = "SELECT a.id, a.settings_id, a.email_export,
                       ARRAY(SELECT ag.group_id FROM assignment_groups AS ag
                             WHERE ag.organization_id = a.organization_id AND ag.assignment_id = a.id)
                   FROM assignments AS a WHERE a.organization_id = $1 ORDER BY a.rank";
        let (mut assignments, mut first) = (Vec::new(), HashMap::new());
        for row in client.query(sql, &[&organization]).await? {
            let groups: Vec<String> = row.get(3);
            for group in groups {
                first.entry(group).or_insert(assignments.len());
            }
            assignments.push(Home { id: row.get(0), settings: row.get(1), export: row.get(2) });
        }
        let default = assignments.len() - 1;
        let mut homes = vec![default; directory.people.len()];
        for (member, group) in &directory.memberships {
            let rank = first.get(&directory.groups[*group].0).copied().unwrap_or(default);
            homes[*member] = homes[*member].min(rank);
        }
        let known = client.query_raw("SELECT id FROM groups WHERE organization_id = $1", [&organization]).await?;
        let known: Vec<String> = known.map_ok(|row| row.get(0)).try_collect().await?;
        let audit = audit(directory, &known).to_string();
        Ok(Self { default_settings: assignments[default].settings, assignments, homes, audit })
    }
}

/// Returns the audit document of a first sync.
fn audit(directory: &SampleDirectory, known_groups: &[String]) -> Value {
    let member = |person: &rollcall_bench::directory::Person| {
        let identity = json!({
            "email": person.email,
            "given_name": person.given_name,
            "family_name": person.family_name,
            "job_title": person.job_title,
            "manager_email": person.manager_email,
        });
        json!({ "member": person.id, "identity": identity, "active": person.active, "new": true })
    };
    let new = directory.groups.iter().filter(|(id, _)| !known_groups.contains(id));
    let groups: Vec<Value> =
        new.map(|(id, name)| json!({ "group": id, "display_name": name, "present": true })).collect();
    let mut added: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (member, group) in &directory.memberships {
        added.entry(&directory.groups[*group].0).or_default().push(&directory.people[*member].id);
    }
    let counts = json!({
        "members_created": directory.people.len(),
        "members_updated": 0,
        "members_deactivated": 0,
        "members_reactivated": 0,
        "groups_changed": groups.len(),
        "memberships_added": directory.memberships.len(),
        "memberships_removed": 0,
        "members_rehomed": 0,
    });
    json!({
        "mode": "FULL",
        "counts": counts,
        "members": directory.people.iter().map(member).collect::<Vec<_>>(),
        "groups": groups,
        "memberships_added": added,
        "memberships_removed": {},
    })
}
