//! The stored rows of an organization, read directly from the database in the format of `stored_values`.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio_postgres::Client;

use rollcall_testkit::TestDatabase;

/// The settings of the row `s` as JSON.
const SETTINGS: &str = "json_build_object(
    'seats', s.seats, 'home_workspace', s.home_workspace, 'permissions', s.permissions,
    'data_capture', json_build_object(
        'web_conferences_recorded', s.web_conferences_recorded,
        'prevent_web_conference_recording', s.prevent_web_conference_recording,
        'telephony_calls_imported', s.telephony_calls_imported,
        'emails_imported', s.emails_imported,
        'prevent_email_import', s.prevent_email_import,
        'non_recorded_meetings_imported', s.non_recorded_meetings_imported,
        'gong_connect_enabled', s.gong_connect_enabled
    )
)";

/// Reads the rows of one organization directly from the database.
pub(crate) struct StoredOrganization {
    client: Client,
    organization: String,
}

impl StoredOrganization {
    /// Opens a connection to read the rows of an organization, by its id.
    pub(crate) async fn connect(database: &TestDatabase, organization: &str) -> Self {
        Self { client: database.client().await, organization: organization.to_owned() }
    }

    /// Reads the organization's revision, phase and time of the last write.
    pub(crate) async fn organization(&self) -> Value {
        let last = microseconds("last_write_at");
        let sql = format!("SELECT revision, phase, {last} AS last_write_at FROM organizations WHERE id = $1");
        self.rows(&sql).await.remove(0)
    }

    /// Reads the audit events in revision order, in the format of [`super::Model::apply_event`].
    pub(crate) async fn events(&self) -> Vec<Value> {
        let at = microseconds("occurred_at");
        let sql = format!(
            "SELECT revision, {at} AS occurred_at, actor, method, resource, before, after
             FROM audit_events WHERE organization_id = $1 ORDER BY revision"
        );
        self.rows(&sql).await
    }

    /// Reads the assignments in order.
    pub(crate) async fn assignments(&self) -> Vec<Value> {
        let sql = format!(
            "SELECT a.id, a.rank, a.display_name, a.update_mode, a.email_export, {SETTINGS} AS settings,
                ARRAY(
                    SELECT g.group_id FROM assignment_groups AS g
                    WHERE g.organization_id = $1 AND g.assignment_id = a.id ORDER BY g.group_id
                ) AS groups
             FROM assignments AS a
             JOIN settings AS s ON s.organization_id = $1 AND s.id = a.settings_id
             WHERE a.organization_id = $1 ORDER BY a.rank"
        );
        self.rows(&sql).await
    }

    /// Reads all fields of every member, by id.
    pub(crate) async fn members(&self) -> BTreeMap<String, Value> {
        let (since, pinned) = (since("m.email_export", "m.email_export_since"), microseconds("p.pinned_at"));
        let sql = format!(
            "SELECT m.id, m.active, m.assignment_id AS assignment, {SETTINGS} AS settings, m.legacy_email_export,
                m.email_export, {since} AS email_export_since, m.email_export_source,
                json_build_object(
                    'email', m.email, 'given_name', m.given_name, 'family_name', m.family_name,
                    'job_title', m.job_title, 'manager_email', m.manager_email
                ) AS identity,
                ARRAY(
                    SELECT g.group_id FROM memberships AS g
                    WHERE g.organization_id = $1 AND g.member_id = m.id ORDER BY g.group_id
                ) AS groups,
                CASE WHEN p.member_id IS NOT NULL THEN json_build_object(
                    'assignment', p.assignment_id, 'actor', p.actor, 'reason', p.reason, 'at', {pinned}
                ) END AS pin
             FROM members AS m
             JOIN settings AS s ON s.organization_id = $1 AND s.id = m.settings_id
             LEFT JOIN pins AS p ON p.organization_id = $1 AND p.member_id = m.id
             WHERE m.organization_id = $1"
        );
        self.rows(&sql).await.into_iter().map(|row| keyed(row, "id")).collect()
    }

    /// Reads the `after` values of `member_changes`, by revision and member.
    pub(crate) async fn changes(&self) -> BTreeMap<i64, BTreeMap<String, Value>> {
        let since = since("c.email_export_after", "c.email_export_since_after");
        let sql = format!(
            "SELECT c.revision, c.member_id, c.assignment_after AS assignment, {SETTINGS} AS settings,
                c.email_export_after AS email_export, {since} AS email_export_since,
                c.email_export_source_after AS email_export_source
             FROM member_changes AS c
             JOIN settings AS s ON s.organization_id = $1 AND s.id = c.settings_after
             WHERE c.organization_id = $1"
        );
        let mut changes: BTreeMap<i64, BTreeMap<String, Value>> = BTreeMap::new();
        for mut row in self.rows(&sql).await {
            let revision = row.as_object_mut().unwrap().remove("revision").unwrap().as_i64().unwrap();
            changes.entry(revision).or_default().extend([keyed(row, "member_id")]);
        }
        changes
    }

    async fn rows(&self, sql: &str) -> Vec<Value> {
        let sql = format!("SELECT row_to_json(t)::text FROM ({sql}) AS t");
        let rows = self.client.query(&sql, &[&self.organization]).await.unwrap();
        rows.iter().map(|row| serde_json::from_str(row.get(0)).unwrap()).collect()
    }
}

fn microseconds(column: &str) -> String {
    format!("(extract(epoch FROM {column}) * 1000000)::bigint")
}

fn since(value: &str, column: &str) -> String {
    let at = microseconds(column);
    format!("CASE WHEN {value} = 'EXPORT' THEN coalesce(to_json({at}), to_json('always'::text)) END")
}

fn keyed(mut row: Value, key: &str) -> (String, Value) {
    let id = row.as_object_mut().unwrap().remove(key).unwrap();
    (id.as_str().unwrap().to_owned(), row)
}
