//! Published reports. A report is published by its row: files without a row are leftovers of an attempt that failed.
//!
//! Every function fails with [`crate::Error::Unavailable`] when the database cannot be reached. `# Errors` names only
//! what a caller can act on besides.

use std::{collections::BTreeSet, time::Duration};

use diesel::{dsl::max, prelude::*};
use diesel_async::RunQueryDsl;
use rollcall_domain::{OrganizationId, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Db, Error, Fence, Result, SystemConn,
    db::clock,
    jobs,
    json_column::JsonColumn,
    schema::{job_runs, reports},
};

/// A file of a report, as it is stored in a JSON column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportFile {
    /// The file's name in the report's folder.
    pub file: String,
    /// The number of rows, without the header; 0 for a file that is not a table.
    pub rows: i64,
    /// The size in bytes.
    pub bytes: i64,
    /// The SHA-256, in hexadecimal.
    pub sha256: String,
}

/// An organization that a report lacks, as it is stored in a JSON column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingOrganization {
    /// The organization's id.
    pub organization: OrganizationId,
    /// Why the report lacks it.
    pub reason: MissingReason,
}

/// Why a report lacks an organization. The cause is in the log only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum MissingReason {
    /// The organization's stored rows are not valid.
    InvalidRows,
    /// The database failed each time that the organization's rows were read.
    DatabaseFault,
}

/// A report to publish.
#[derive(Clone, Debug, PartialEq, Eq, Insertable)]
#[diesel(table_name = reports)]
pub struct NewReport {
    /// The report's id.
    pub id: String,
    /// The folder of the report's files in the report store.
    pub path: String,
    /// When the first snapshot was read.
    pub data_as_of: Timestamp,
    /// The number of rows, without the header.
    #[diesel(column_name = row_count)]
    pub rows: i64,
    /// The size of the data file in bytes.
    #[diesel(column_name = byte_count)]
    pub bytes: i64,
    /// The SHA-256 of the data file, in hexadecimal.
    pub sha256: String,
    /// The number of organizations that were read, those in phase LEGACY included.
    #[diesel(column_name = organization_count)]
    pub organizations: i32,
    /// The number of organizations in phase LEGACY.
    #[diesel(column_name = legacy_organization_count)]
    pub legacy_organizations: i32,
    /// The number of mixed assignments.
    #[diesel(column_name = mixed_assignment_count)]
    pub mixed_assignments: i32,
    /// Every file, the data file first.
    pub files: JsonColumn<Vec<ReportFile>>,
    /// The organizations that the report lacks, in byte order.
    pub missing_organizations: JsonColumn<Vec<MissingOrganization>>,
}

/// A published report.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = reports, check_for_backend(diesel::pg::Pg))]
pub struct Report {
    /// The report's id.
    pub id: String,
    /// The run that wrote the report.
    #[diesel(column_name = run_id)]
    pub run: Uuid,
    /// The job of that run.
    #[diesel(select_expression = job_runs::job)]
    pub job: String,
    /// The folder of the report's files in the report store.
    pub path: String,
    /// When the first snapshot was read. The report has no newer data.
    pub data_as_of: Timestamp,
    /// When the report was published.
    pub published_at: Timestamp,
    /// The number of rows, without the header.
    #[diesel(column_name = row_count)]
    pub rows: i64,
    /// The size of the data file in bytes.
    #[diesel(column_name = byte_count)]
    pub bytes: i64,
    /// The SHA-256 of the data file, in hexadecimal.
    pub sha256: String,
    /// The number of organizations that were read, those in phase LEGACY included.
    #[diesel(column_name = organization_count)]
    pub organizations: i32,
    /// The number of organizations in phase LEGACY.
    #[diesel(column_name = legacy_organization_count)]
    pub legacy_organizations: i32,
    /// The number of mixed assignments.
    #[diesel(column_name = mixed_assignment_count)]
    pub mixed_assignments: i32,
    /// Every file, the data file first. Empty for a report that was published before this column existed.
    pub files: JsonColumn<Vec<ReportFile>>,
    /// The organizations that the report lacks, in byte order.
    pub missing_organizations: JsonColumn<Vec<MissingOrganization>>,
}

/// Publishes the report of a run.
///
/// # Errors
/// [`crate::Error::FenceLost`] when `fence`, the claim of the run, no longer holds.
pub async fn insert_report(db: &Db, fence: Fence, new: &NewReport) -> Result<Report> {
    db.system("publish_report", async |conn: &mut SystemConn| {
        jobs::check_fence(conn, fence).await?;
        let published = (reports::run_id.eq(fence.run), reports::published_at.eq(clock(conn).await?));
        diesel::insert_into(reports::table).values((new, published)).execute(conn).await?;
        let report = published_reports().filter(reports::id.eq(&new.id)).first(conn).await.optional()?;
        report.ok_or_else(|| Error::corrupt("a report was published, but its row cannot be read"))
    })
    .await
}

/// Reports joined with the jobs that wrote them.
#[diesel::dsl::auto_type(no_type_alias)]
fn published_reports() -> _ {
    let of_run = job_runs::table.on(job_runs::id.eq(reports::run_id));
    let columns: diesel::dsl::AsSelect<Report, diesel::pg::Pg> = Report::as_select();
    reports::table.inner_join(of_run).select(columns)
}

/// Reads one report.
pub async fn find_report(db: &Db, id: &str) -> Result<Option<Report>> {
    let query = published_reports().filter(reports::id.eq(id));
    db.statement(async |conn: &mut SystemConn| Ok(query.first(conn).await.optional()?)).await
}

/// Reads the report that a run published.
pub async fn find_report_of_run(db: &Db, run: Uuid) -> Result<Option<Report>> {
    let query = published_reports().filter(reports::run_id.eq(run));
    db.statement(async |conn: &mut SystemConn| Ok(query.first(conn).await.optional()?)).await
}

/// Reads the report with the newest data.
pub async fn find_newest_report(db: &Db) -> Result<Option<Report>> {
    let newest = published_reports().order((reports::data_as_of.desc(), reports::id.desc()));
    db.statement(async |conn: &mut SystemConn| Ok(newest.first(conn).await.optional()?)).await
}

/// The number of mixed assignments in a published report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable)]
pub struct MixedCount {
    /// The time for which the run of the report was scheduled.
    pub scheduled_for: Timestamp,
    /// The number of mixed assignments.
    pub mixed_assignments: i32,
}

/// Reads the number of mixed assignments in the reports of the runs that were scheduled for a time in `[from, until)`,
/// in order of this time.
pub async fn list_mixed_counts(db: &Db, from: Timestamp, until: Timestamp) -> Result<Vec<MixedCount>> {
    let of_run = job_runs::table.on(job_runs::id.eq(reports::run_id));
    let query = reports::table
        .inner_join(of_run)
        .filter(job_runs::scheduled_for.ge(from).and(job_runs::scheduled_for.lt(until)))
        .order((job_runs::scheduled_for, reports::id))
        .select((job_runs::scheduled_for, reports::mixed_assignment_count));
    db.statement(async |conn: &mut SystemConn| Ok(query.load(conn).await?)).await
}

/// Reads the folders of all reports.
pub async fn list_report_paths(db: &Db) -> Result<BTreeSet<String>> {
    let query = reports::table.select(reports::path);
    let paths: Vec<String> = db.statement(async |conn: &mut SystemConn| Ok(query.load(conn).await?)).await?;
    Ok(paths.into_iter().collect())
}

/// Deletes the reports that were published longer ago than `keep`, and returns their folders. The caller removes the
/// files in these folders. The report with the newest data stays.
///
/// # Errors
/// [`crate::Error::FenceLost`] when `fence`, the claim of the run that prunes, no longer holds.
pub async fn delete_reports(db: &Db, fence: Fence, keep: Duration) -> Result<Vec<String>> {
    db.system("delete_reports", async |conn: &mut SystemConn| {
        jobs::check_fence(conn, fence).await?;
        let before = clock(conn).await? - keep;
        let newest: Option<Timestamp> = reports::table.select(max(reports::data_as_of)).first(conn).await?;
        let old = reports::published_at.lt(before).and(reports::data_as_of.nullable().lt(newest));
        let deleted = diesel::delete(reports::table).filter(old).returning(reports::path).get_results(conn).await?;
        Ok(deleted)
    })
    .await
}

/// Reads up to `limit` reports, newest first: only those after the report with the publication time and id in `after`.
pub async fn list_reports(db: &Db, after: Option<(Timestamp, &str)>, limit: u32) -> Result<Vec<Report>> {
    let mut query = published_reports()
        .order((reports::published_at.desc(), reports::id.desc()))
        .limit(i64::from(limit))
        .into_boxed();
    if let Some((time, id)) = after {
        let same_time = reports::published_at.eq(time).and(reports::id.lt(id.to_owned()));
        query = query.filter(reports::published_at.lt(time).or(same_time));
    }
    db.statement(async |conn: &mut SystemConn| Ok(query.load(conn).await?)).await
}
