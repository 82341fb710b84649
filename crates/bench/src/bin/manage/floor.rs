//! The floor: the same reads and writes as plain SQL, prepared once, on the same rows.

use std::time::SystemTime;

use rollcall_bench::Result;
use tokio_postgres::{Client, Statement};

use crate::service::ID;

/// The number of members on a page.
const PAGE: i64 = 500;

/// The statements, prepared.
pub(crate) struct ManageFloor<'a> {
    client: &'a mut Client,
    member: Statement,
    groups: Statement,
    assignments: Statement,
    history: Statement,
    page: Statement,
}

impl<'a> ManageFloor<'a> {
    pub(crate) async fn prepare(client: &'a mut Client) -> Result<Self> {
        let member = client.prepare(include_str!("sql/member.sql")).await?;
        let groups = "SELECT group_id FROM memberships WHERE organization_id = $1 AND member_id = $2";
        let groups = client.prepare(groups).await?;
        let assignments = client.prepare(include_str!("sql/assignments.sql")).await?;
        let history = client.prepare(include_str!("sql/history.sql")).await?;
        let page = client.prepare(include_str!("sql/page.sql")).await?;
        Ok(Self { client, member, groups, assignments, history, page })
    }

    /// Reads the rows that explain members. For each member: the member, its groups, the list of assignments and its
    /// history, from one read snapshot.
    pub(crate) async fn explain(&mut self, members: &[&str]) -> Result {
        for member in members {
            let tx = self.client.build_transaction().read_only(true);
            let tx = tx.isolation_level(tokio_postgres::IsolationLevel::RepeatableRead).start().await?;
            tx.query_one(&self.member, &[&ID, member]).await?;
            tx.query(&self.groups, &[&ID, member]).await?;
            tx.query(&self.assignments, &[&ID]).await?;
            tx.query(&self.history, &[&ID, member]).await?;
            tx.rollback().await?;
        }
        Ok(())
    }

    /// Reads all members in pages, and returns their number.
    pub(crate) async fn list(&mut self) -> Result<usize> {
        let (mut count, mut after) = (0, String::new());
        loop {
            let rows = self.client.query(&self.page, &[&ID, &after, &PAGE]).await?;
            let Some(last) = rows.last() else { return Ok(count) };
            count += rows.len();
            after = last.get(0);
        }
    }

    /// Writes the order of the assignments and moves the members. Returns how many members changed assignment.
    pub(crate) async fn reorder(&mut self, ids: &[String]) -> Result<u64> {
        let tx = self.client.transaction().await?;
        let sql = "SELECT revision + 1, clock_timestamp() FROM organizations WHERE id = $1 FOR UPDATE";
        let row = tx.query_one(sql, &[&ID]).await?;
        let (revision, now): (i64, SystemTime) = (row.get(0), row.get(1));
        let ranks: Vec<i32> = (1..).take(ids.len()).collect();
        let sql = "UPDATE assignments AS a SET rank = o.rank FROM unnest($2::text [], $3::int []) AS o (id, rank)
                   WHERE a.organization_id = $1 AND a.id = o.id AND a.rank <> o.rank";
        tx.execute(sql, &[&ID, &ids, &ranks]).await?;
        let moved = tx.execute(include_str!("sql/changes_of_reorder.sql"), &[&ID, &revision]).await?;
        tx.execute(include_str!("sql/members_move.sql"), &[&ID, &revision, &now]).await?;
        let sql = "INSERT INTO audit_events (
                       organization_id, revision, occurred_at, actor, method, resource, members_changed, after
                   ) VALUES ($1, $2, $3, 'anonymous', 'ReorderAssignments', 'organizations/bench', $4, $5::text::json)";
        let (count, after) = (i32::try_from(moved)?, serde_json::json!({ "assignments": ids }).to_string());
        tx.execute(sql, &[&ID, &revision, &now, &count, &after]).await?;
        let sql = "UPDATE organizations SET revision = $2, last_write_at = $3 WHERE id = $1";
        tx.execute(sql, &[&ID, &revision, &now]).await?;
        tx.commit().await?;
        Ok(moved)
    }
}
