//! The self-check: the parts of an organization that are compared with the rules, and the record of the last check.

mod compared;

use std::collections::BTreeMap;

use diesel::{
    prelude::*,
    sql_types::{BigInt, Jsonb, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    OrganizationId, Timestamp,
    self_check::{CheckRule, Difference, Differences, SelfCheck},
};

pub use compared::{list_checked_members, list_event_revisions, list_ranks};

use crate::{
    Db, JsonColumn, ReadTx, Result, SystemConn, WriteTx, db::statement, domain_columns::IdRow, schema::self_checks,
};

type Counts = BTreeMap<CheckRule, u32>;

/// Reads the last self-check of the organization.
pub async fn find_self_check(tx: &mut ReadTx) -> Result<Option<SelfCheck>> {
    type Row = (i64, Timestamp, JsonColumn<Counts>, JsonColumn<Vec<Difference>>);
    let (conn, organization) = tx.parts();
    let columns = (self_checks::revision, self_checks::checked_at, self_checks::counts, self_checks::differences);
    let row: Option<Row> = self_checks::table.find(organization).select(columns).first(conn).await.optional()?;
    Ok(row.map(|(revision, time, JsonColumn(counts), JsonColumn(kept))| SelfCheck {
        revision,
        time,
        differences: Differences { counts, kept },
    }))
}

/// Writes the last self-check of the organization over an earlier one. This is no change of the organization: it has no
/// revision and no audit event.
pub async fn upsert_self_check(tx: &mut WriteTx, check: &SelfCheck) -> Result<()> {
    let (conn, organization) = tx.parts();
    let differences = &check.differences;
    let values = (
        self_checks::revision.eq(check.revision),
        self_checks::checked_at.eq(check.time),
        self_checks::difference_count.eq(i32::try_from(differences.total()).unwrap_or(i32::MAX)),
        self_checks::counts.eq(JsonColumn(differences.counts.clone())),
        self_checks::differences.eq(JsonColumn(differences.kept.clone())),
    );
    diesel::insert_into(self_checks::table)
        .values((self_checks::organization_id.eq(organization), values.clone()))
        .on_conflict(self_checks::organization_id)
        .do_update()
        .set(values)
        .execute(conn)
        .await?;
    Ok(())
}

/// Which self-checks a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfCheckFilter {
    /// All.
    All,
    /// Only those that found differences.
    WithDifferences,
}

#[derive(QueryableByName)]
struct SelfCheckRow {
    #[diesel(sql_type = Text)]
    organization_id: String,
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Timestamptz)]
    checked_at: Timestamp,
    #[diesel(sql_type = Jsonb)]
    counts: JsonColumn<Counts>,
}

/// Reads up to `limit` last self-checks after the organization `after`, in byte order of the organizations' ids. The
/// differences are left out; they are only counted.
pub async fn list_self_checks(
    db: &Db,
    filter: SelfCheckFilter,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<(OrganizationId, SelfCheck)>> {
    db.read_all("list_self_checks", async |conn: &mut SystemConn| {
        let only_with_differences = filter == SelfCheckFilter::WithDifferences;
        let query = statement!("list_self_checks", after.unwrap_or_default(), i64::from(limit), only_with_differences);
        let rows: Vec<SelfCheckRow> = query.load(conn).await?;
        Ok(rows.into_iter().map(SelfCheckRow::into_check).collect())
    })
    .await
}

impl SelfCheckRow {
    fn into_check(self) -> (OrganizationId, SelfCheck) {
        let Self { organization_id, revision, checked_at: time, counts: JsonColumn(counts) } = self;
        let differences = Differences { counts, kept: Vec::new() };
        (OrganizationId::trusted(organization_id), SelfCheck { revision, time, differences })
    }
}

/// Reads up to `limit` organizations after the organization `after` whose self-check is due, in byte order of their ids:
/// they have changed since the last check, or the last check ended before `before`.
pub async fn list_due(db: &Db, after: &str, before: Timestamp, limit: i64) -> Result<Vec<OrganizationId>> {
    db.read_all("list_due_self_checks", async |conn: &mut SystemConn| {
        let rows: Vec<IdRow> = statement!("list_due_self_checks", after, before, limit).load(conn).await?;
        Ok(rows.into_iter().map(|row| OrganizationId::trusted(row.id)).collect())
    })
    .await
}
