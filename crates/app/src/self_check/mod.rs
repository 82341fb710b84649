//! The self-check of an organization: compares what is stored with the rules, and keeps what differs (product.md 9).
//!
//! The check reads the organization in parts, each in a read snapshot of its own, with one connection at a time. A part
//! that differs is read again while the organization's lock is held, and only what it shows then is reported. The check
//! changes nothing but its own record.

mod parts;

use rollcall_domain::{
    OrganizationId,
    seats::SeatCount,
    self_check::{Differences, SeatTally, SelfCheck},
};
use rollcall_store::{
    Fence, ReadTx, WriteOptions, WriteTx, jobs as store_jobs,
    seats::{self, SeatUse},
    self_check as store,
};

use self::parts::{Part, PartReading};
pub use rollcall_store::self_check::SelfCheckFilter;

use crate::{App, Read, Result, check_revision, jobs::IsStopped};

/// The names of the counts of a run of the job.
const CHECKED: &str = "organizations_checked";
const DIFFERENCES: &str = "differences";

impl App {
    /// Checks an organization on request, and keeps the result as its last self-check.
    ///
    /// # Errors
    /// [`crate::Error::OrganizationNotFound`], [`crate::Error::RevisionUnknown`] when `at_least` is newer than the
    /// organization, or [`crate::Error::Internal`] when rows cannot be read at all.
    pub async fn check_organization(&self, organization: &OrganizationId, at_least: Option<i64>) -> Result<SelfCheck> {
        let check = OrganizationCheck { app: self, organization, fence: None, differences: Differences::default() };
        let checked = check.run(at_least, &|| false).await?;
        checked.ok_or_else(|| crate::Error::Internal("a check on request is not stopped".into()))
    }

    /// Checks an organization for a run of the job, keeps the result as its last self-check, and counts it for the run.
    /// Returns `None` when `stopped` ended the check early; then nothing is kept.
    ///
    /// # Errors
    /// [`crate::Error::FenceLost`], or [`crate::Error::Internal`] when rows cannot be read at all.
    pub async fn check_organization_in_run(
        &self,
        organization: &OrganizationId,
        fence: Fence,
        stopped: IsStopped<'_>,
    ) -> Result<Option<SelfCheck>> {
        let fence = Some(fence);
        let check = OrganizationCheck { app: self, organization, fence, differences: Differences::default() };
        check.run(None, stopped).await
    }

    /// Reads the last self-check of an organization; `None` before the first one.
    ///
    /// # Errors
    /// [`crate::Error::OrganizationNotFound`], or [`crate::Error::RevisionUnknown`] when `at_least` is newer than the
    /// organization.
    pub async fn get_self_check(
        &self,
        organization: &OrganizationId,
        at_least: Option<i64>,
    ) -> Result<Read<Option<SelfCheck>>> {
        self.db
            .read(organization, "get_self_check", async |tx: &mut ReadTx| {
                check_revision(tx.organization().revision, at_least)?;
                let value = store::find_self_check(tx).await?;
                Ok(Read::of(tx, value))
            })
            .await
    }

    /// Reads up to `limit` last self-checks after the organization `after`, in byte order of the organizations' ids,
    /// without their differences.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database cannot be reached.
    pub async fn list_self_checks(
        &self,
        filter: SelfCheckFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(OrganizationId, SelfCheck)>> {
        Ok(store::list_self_checks(&self.db, filter, after, limit).await?)
    }
}

/// A check of one organization that is under way.
struct OrganizationCheck<'a> {
    app: &'a App,
    organization: &'a OrganizationId,
    fence: Option<Fence>,
    differences: Differences,
}

impl OrganizationCheck<'_> {
    /// Makes the check. Returns `None` when `stopped` ended it early.
    async fn run(mut self, at_least: Option<i64>, stopped: IsStopped<'_>) -> Result<Option<SelfCheck>> {
        let list = self.compare(&Part::List).await?;
        let revision = list.revision;
        check_revision(revision, at_least)?;
        let mut tally = SeatTally::default();
        let mut next = list.next;
        while let Some(part) = next {
            if stopped() {
                return Ok(None);
            }
            let reading = self.compare(&part).await?;
            tally = reading.tally.unwrap_or(tally);
            next = reading.next;
        }
        self.compare_seats(&tally).await?;
        self.save(revision).await.map(Some)
    }

    fn options(&self, name: &'static str) -> WriteOptions {
        self.fence.map_or_else(|| name.into(), |fence| WriteOptions::fenced(name, fence))
    }

    /// Compares a part with the rules: in a read snapshot and, if it differs there, again under the lock.
    async fn compare(&mut self, part: &Part) -> Result<PartReading> {
        let db = &self.app.db;
        let seen = db.read(self.organization, "self_check", async |tx: &mut ReadTx| part.compare(tx).await).await?;
        if seen.differences.is_empty() {
            return Ok(seen);
        }
        let options = self.options("confirm_self_check");
        let mut confirmed =
            db.write(self.organization, options, async |tx: &mut WriteTx| part.compare(tx).await).await?;
        self.differences.add(std::mem::take(&mut confirmed.differences));
        Ok(confirmed)
    }

    /// Compares the seats that were counted part by part and, if they differ, counts them at once under the lock.
    async fn compare_seats(&mut self, tally: &SeatTally) -> Result<()> {
        let db = &self.app.db;
        let seen = db
            .read(self.organization, "self_check_seats", async |tx: &mut ReadTx| {
                Result::Ok(tally.check(tx.organization(), tally.counts()))
            })
            .await?;
        if seen.is_empty() {
            return Ok(());
        }
        let options = self.options("confirm_self_check_seats");
        let mut confirmed = db
            .write(self.organization, options, async |tx: &mut WriteTx| {
                let counts = seats::count_seats(tx).await?.into_iter();
                let counts = counts.map(|(seat, SeatUse { used, pending })| (seat, SeatCount { used, pending }));
                Result::Ok(tally.check(tx.organization(), &counts.collect()))
            })
            .await?;
        // Other seat types have shown no difference. Their counts under the lock contain pending seats of members who do
        // not claim the seat, which are differences of their own.
        confirmed.retain(|difference| seen.iter().any(|seen| seen.subject == difference.subject));
        self.differences.add(confirmed);
        Ok(())
    }

    /// Keeps the result and logs its differences: only their numbers, because ids of members may be addresses.
    async fn save(self, revision: i64) -> Result<SelfCheck> {
        let Self { app, organization, fence, .. } = self;
        let options = self.options("save_self_check");
        let differences = self.differences;
        let total = differences.total();
        let saved = app
            .db
            .write(organization, options, async |tx: &mut WriteTx| {
                let check = SelfCheck { revision, time: tx.now(), differences: differences.clone() };
                store::upsert_self_check(tx, &check).await?;
                if let Some(fence) = fence {
                    let counts = [(CHECKED, 1), (DIFFERENCES, i64::from(total))];
                    store_jobs::add_progress_in(tx, fence, &counts).await?;
                }
                Result::Ok(check)
            })
            .await?;
        for (rule, count) in &saved.differences.counts {
            let rule = rule.as_str();
            tracing::error!(%organization, revision, rule, count, "stored data differs from a rule; see GetSelfCheck");
        }
        Ok(saved)
    }
}
