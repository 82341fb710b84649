//! The floor: the same writes as plain SQL in one transaction, optimized for this case only. The rows are known before the
//! measurement, so the floor checks and plans nothing.

mod copy;
mod prepared;

use std::time::SystemTime;

use rollcall_bench::{
    Result,
    directory::{EVERYONE, SampleDirectory},
};
use serde_json::json;
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

use crate::service::ENTERED;

pub(crate) use prepared::{FloorStatements, clone_organization};

/// One organization of the floor.
pub(crate) struct Floor<'a> {
    client: &'a mut Client,
    organization: &'a str,
    directory: &'a SampleDirectory,
    prepared: &'a FloorStatements,
}

/// A transaction that holds the organization's lock.
struct Write<'a> {
    tx: Transaction<'a>,
    organization: &'a str,
    revision: i64,
    now: SystemTime,
}

impl<'a> Floor<'a> {
    pub(crate) fn new(
        client: &'a mut Client,
        organization: &'a str,
        directory: &'a SampleDirectory,
        prepared: &'a FloorStatements,
    ) -> Self {
        Self { client, organization, directory, prepared }
    }

    async fn begin(&mut self) -> Result<Write<'_>> {
        let tx = self.client.transaction().await?;
        let sql = "SELECT revision + 1, clock_timestamp() FROM organizations WHERE id = $1 FOR UPDATE";
        let row = tx.query_one(sql, &[&self.organization]).await?;
        Ok(Write { tx, organization: self.organization, revision: row.get(0), now: row.get(1) })
    }

    /// Does the first sync.
    pub(crate) async fn sync(&mut self) -> Result {
        let (directory, prepared) = (self.directory, self.prepared);
        let write = self.begin().await?;
        let (ids, names): (Vec<&str>, Vec<&str>) =
            directory.groups.iter().map(|(id, name)| (id.as_str(), name.as_str())).unzip();
        let sql = "INSERT INTO groups (organization_id, id, display_name, present)
                   SELECT $1, g.id, g.display_name, TRUE FROM unnest($2::text [], $3::text []) AS g (id, display_name)
                   ON CONFLICT DO NOTHING";
        write.tx.execute(sql, &[&write.organization, &ids, &names]).await?;
        copy::members(&write, directory, prepared).await?;
        copy::memberships(&write, directory).await?;
        let sql = include_str!("../sql/changes_of_sync.sql");
        write.tx.execute(sql, &[&write.organization, &write.revision]).await?;
        let resource = format!("organizations/{}/directory", write.organization);
        write.finish("SyncDirectory", &resource, directory.people.len(), &prepared.audit).await
    }

    /// Does the same sync again, and finds no differences.
    pub(crate) async fn sync_again(&mut self) -> Result {
        let directory = self.directory;
        let write = self.begin().await?;
        copy::directory(&write, directory).await?;
        let row = write.tx.query_one(include_str!("../sql/differences.sql"), &[&write.organization]).await?;
        write.tx.rollback().await?;
        match row.get::<_, i64>(0) {
            0 => Ok(()),
            found => Err(format!("raw SQL found {found} differences, but expected none").into()),
        }
    }

    /// Creates a new first assignment that every member enters.
    pub(crate) async fn enter(&mut self) -> Result {
        let (group, prepared) = (&self.directory.groups[EVERYONE].0, self.prepared);
        let members = self.directory.people.len();
        let write = self.begin().await?;
        let settings = prepared.default_settings;
        let sql = "UPDATE assignments SET rank = rank + 1 WHERE organization_id = $1";
        write.tx.execute(sql, &[&write.organization]).await?;
        write.insert_assignment(settings, group).await?;
        let sql = include_str!("../sql/changes_of_entering.sql");
        write.tx.execute(sql, &[&write.organization, &write.revision, group, &ENTERED, &settings]).await?;
        let sql = include_str!("../sql/members_enter.sql");
        write.tx.execute(sql, &[&write.organization, &write.revision, group, &ENTERED, &settings, &write.now]).await?;
        let audit = json!({ "assignment": { "id": ENTERED, "groups": [group], "chosen": "DO_NOT_EXPORT" } });
        let resource = format!("organizations/{}/assignments/{ENTERED}", write.organization);
        write.finish("CreateAssignment", &resource, members, &audit.to_string()).await
    }

    /// Chooses a value for all members of that assignment.
    pub(crate) async fn choose(&mut self, value: &str) -> Result {
        let members = self.directory.people.len();
        let write = self.begin().await?;
        let sql = "UPDATE assignments SET email_export = $4, updated_revision = $2, updated_at = $5
                   WHERE organization_id = $1 AND id = $3";
        for sql in [sql, include_str!("../sql/changes_of_choosing.sql"), include_str!("../sql/choose.sql")] {
            write.tx.execute(sql, &[&write.organization, &write.revision, &ENTERED, &value, &write.now]).await?;
        }
        let audit = json!({ "assignment": { "id": ENTERED, "chosen": value }, "chosen_now": value });
        let resource = format!("organizations/{}/assignments/{ENTERED}", write.organization);
        write.finish("UpdateAssignment", &resource, members, &audit.to_string()).await
    }
}

impl Write<'_> {
    async fn insert_assignment(&self, settings: Uuid, group: &str) -> Result {
        let sql = "INSERT INTO assignments (
                       organization_id, id, uid, display_name, rank, update_mode, settings_id, email_export,
                       updated_revision, created_at, updated_at
                   ) VALUES ($1, $2, $3, $2, 1, 'AUTOMATIC_UPDATES', $4, 'DO_NOT_EXPORT', $5, $6, $6)";
        let uid = Uuid::nil();
        self.tx.execute(sql, &[&self.organization, &ENTERED, &uid, &settings, &self.revision, &self.now]).await?;
        let sql = "INSERT INTO assignment_groups (organization_id, assignment_id, group_id) VALUES ($1, $2, $3)";
        self.tx.execute(sql, &[&self.organization, &ENTERED, &group]).await?;
        Ok(())
    }

    /// Writes the audit event and the organization's revision, then commits.
    async fn finish(self, method: &str, resource: &str, members: usize, audit: &str) -> Result {
        let sql = "INSERT INTO audit_events (
                       organization_id, revision, occurred_at, actor, method, resource, members_changed, after
                   ) VALUES ($1, $2, $3, 'anonymous', $4, $5, $6, $7::text::json)";
        let members = i32::try_from(members)?;
        let (revision, now) = (self.revision, self.now);
        self.tx.execute(sql, &[&self.organization, &revision, &now, &method, &resource, &members, &audit]).await?;
        let sql = "UPDATE organizations SET revision = $2, last_write_at = $3 WHERE id = $1";
        self.tx.execute(sql, &[&self.organization, &revision, &now]).await?;
        Ok(self.tx.commit().await?)
    }
}
