//! What a run measures.

use std::time::Duration;

use rollcall_bench::{memory::Peak, ratio::Measured};

/// The results of all pairs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Results {
    pub(crate) machine: String,
    pub(crate) migration: Measured,
    pub(crate) report: Measured,
    pub(crate) report_bytes: usize,
    pub(crate) export: Option<Export>,
}

/// The result of the team members report of the large organization.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Export {
    pub(crate) took: Duration,
    pub(crate) bytes: usize,
    pub(crate) lines: usize,
    pub(crate) peak: Option<Peak>,
}
