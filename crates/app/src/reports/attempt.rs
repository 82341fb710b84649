//! The attempt of a run at the mixed-settings report, as the job gives it to the report.

use futures::future::BoxFuture;
use rollcall_store::{Fence, jobs::JobRun};

use crate::jobs::IsStopped;

/// An attempt at a report.
#[derive(Clone, Copy)]
pub struct ReportAttempt<'a> {
    /// The claim of the run.
    pub fence: Fence,
    /// The run.
    pub run: &'a JobRun,
    /// Whether no other attempt follows if this one fails. The last attempt leaves out every organization that it cannot
    /// read. An earlier attempt fails if the server seems to be at fault.
    pub is_last: bool,
    /// Whether the attempt has to stop.
    pub stopped: IsStopped<'a>,
    /// Waits after a fault of the database; the argument is the number of faults in a row.
    pub pause: Pause<'a>,
}

/// A function that waits after a fault. It returns early when the attempt has to stop.
pub type Pause<'a> = &'a (dyn Fn(u32) -> BoxFuture<'a, ()> + Send + Sync);
