//! Published reports. The row is what publishes: files without one are leftovers of an attempt
//! that lost its lease.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rollcall_domain::Timestamp;
use uuid::Uuid;

use crate::{Db, Fence, Result, SystemConn, db::clock, jobs, schema::reports};

/// A report that is ready to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReport {
    /// Its id.
    pub id: String,
    /// The folder of its files in the report store.
    pub path: String,
    /// When its first snapshot was read.
    pub data_as_of: Timestamp,
    /// Rows, the header aside.
    pub rows: i64,
    /// The size of the data file.
    pub bytes: i64,
    /// The data file's SHA-256 in hex.
    pub sha256: String,
    /// Organizations read, those in phase LEGACY included.
    pub organizations: i32,
    /// Organizations in phase LEGACY.
    pub legacy_organizations: i32,
    /// Mixed assignments.
    pub mixed_assignments: i32,
}

/// A published report.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = reports, check_for_backend(diesel::pg::Pg))]
pub struct Report {
    /// Its id.
    pub id: String,
    /// The run that wrote it.
    #[diesel(column_name = run_id)]
    pub run: Uuid,
    /// The folder of its files in the report store.
    pub path: String,
    /// When its first snapshot was read: it knows nothing newer.
    pub data_as_of: Timestamp,
    /// When it was published.
    pub published_at: Timestamp,
    /// Rows, the header aside.
    #[diesel(column_name = row_count)]
    pub rows: i64,
    /// The size of the data file.
    #[diesel(column_name = byte_count)]
    pub bytes: i64,
    /// The data file's SHA-256 in hex.
    pub sha256: String,
    /// Organizations read, those in phase LEGACY included.
    #[diesel(column_name = organization_count)]
    pub organizations: i32,
    /// Organizations in phase LEGACY.
    #[diesel(column_name = legacy_organization_count)]
    pub legacy_organizations: i32,
    /// Mixed assignments.
    #[diesel(column_name = mixed_assignment_count)]
    pub mixed_assignments: i32,
}

/// Publishes a report of a run that still has its lease.
///
/// # Errors
/// [`crate::Error::FenceLost`], or a database that fails.
pub async fn insert_report(db: &Db, fence: Fence, new: &NewReport) -> Result<Report> {
    db.system("publish_report", async |conn: &mut SystemConn| {
        jobs::check_fence(conn, fence).await?;
        let report = new.clone().published(fence.run, clock(conn).await?);
        diesel::insert_into(reports::table).values(&report).execute(conn).await?;
        Ok(report)
    })
    .await
}

impl NewReport {
    fn published(self, run: Uuid, published_at: Timestamp) -> Report {
        Report {
            id: self.id,
            run,
            path: self.path,
            data_as_of: self.data_as_of,
            published_at,
            rows: self.rows,
            bytes: self.bytes,
            sha256: self.sha256,
            organizations: self.organizations,
            legacy_organizations: self.legacy_organizations,
            mixed_assignments: self.mixed_assignments,
        }
    }
}

/// Reads one report.
///
/// # Errors
/// A database that fails.
pub async fn find_report(db: &Db, id: &str) -> Result<Option<Report>> {
    let mut conn = db.connection().await?;
    let report = reports::table.find(id).select(Report::as_select()).first(&mut conn).await.optional()?;
    Ok(report)
}

/// Reads the report that a run has published.
///
/// # Errors
/// A database that fails.
pub async fn find_report_of_run(db: &Db, run: Uuid) -> Result<Option<Report>> {
    let mut conn = db.connection().await?;
    let report =
        reports::table.filter(reports::run_id.eq(run)).select(Report::as_select()).first(&mut conn).await.optional()?;
    Ok(report)
}

/// Reads up to `limit` reports, newest first, after the one with this publication time and id.
///
/// # Errors
/// A database that fails.
pub async fn list_reports(db: &Db, after: Option<(Timestamp, &str)>, limit: u32) -> Result<Vec<Report>> {
    let mut query = reports::table
        .select(Report::as_select())
        .order((reports::published_at.desc(), reports::id.desc()))
        .limit(i64::from(limit))
        .into_boxed();
    if let Some((time, id)) = after {
        let same_time = reports::published_at.eq(time).and(reports::id.lt(id.to_owned()));
        query = query.filter(reports::published_at.lt(time).or(same_time));
    }
    Ok(query.load(&mut db.connection().await?).await?)
}
