//! The printed table, plain or as Markdown.

use std::fmt::Write as _;

use prost::Message;
use rollcall_bench::{
    directory::SampleDirectory,
    ratio::Measured,
    table::{COLUMNS, cells, markdown},
};
use rollcall_proto::v1::EmailExport;

use crate::{
    Arguments,
    steps::{STEPS, Step},
};

/// Renders the whole result.
pub(crate) fn table(
    machine: &str,
    arguments: &Arguments,
    directory: &SampleDirectory,
    measured: &[Measured],
) -> String {
    let rows: Vec<Vec<String>> = STEPS.iter().zip(measured).map(|(step, measured)| row(*step, measured)).collect();
    let (members, groups) = (directory.people.len(), directory.groups.len());
    let memberships = directory.memberships.len();
    let young = if arguments.young { "Statistics and cached plans are older than each organization.\n" } else { "" };
    let text = format!(
        "{members} members, {groups} groups, {memberships} memberships; medians of {} pairs, each an organization of \
         its own.\n{young}Machine: {machine}.\n{}",
        arguments.pairs,
        memory_of_sync(directory, measured)
    );
    let since_start = measured.iter().any(|measured| measured.peak.is_some_and(|peak| peak.since_start));
    let note = if since_start { "\nThe peaks are since the server's start.\n" } else { "" };
    let table = if arguments.markdown { markdown(&COLUMNS, &rows) } else { plain(&rows) };
    format!("{text}\n{table}{note}")
}

/// Says how much memory a sync takes for each byte of its messages. The service's budget of memory assumes a factor.
fn memory_of_sync(directory: &SampleDirectory, measured: &[Measured]) -> String {
    let bytes: usize = directory.full_sync("organizations/bench-1").iter().map(Message::encoded_len).sum();
    let peaks = STEPS.iter().zip(measured).filter(|(step, _)| matches!(step, Step::Sync | Step::SyncAgain));
    let peak = peaks.filter_map(|(_, measured)| Some(measured.peak?.bytes)).max();
    let mib = |bytes: u64| bytes >> 20;
    let sent = u64::try_from(bytes).unwrap_or(u64::MAX);
    let times = peak.map(|peak| format!("; the server's peak is {} times that", peak / sent.max(1)));
    format!("A sync has {} MiB on the wire{}.\n", mib(sent), times.unwrap_or_default())
}

/// Prints the slow statements of Postgres.
pub(crate) fn statements(pair: u32, slow: &[String]) {
    println!("pair {pair}, statements over 20 ms, in order:");
    for line in slow {
        println!("  {line}");
    }
}

fn row(step: Step, measured: &Measured) -> Vec<String> {
    let what = match step {
        Step::Sync => "first FULL sync",
        Step::Enter => "everyone enters a new first assignment",
        Step::Choose(EmailExport::Export) => "EXPORT chosen for everyone",
        Step::Choose(_) => "DO_NOT_EXPORT chosen for everyone",
        Step::SyncAgain => "the same FULL sync again",
    };
    cells(what, measured)
}

fn plain(rows: &[Vec<String>]) -> String {
    let columns = COLUMNS.map(str::to_owned).to_vec();
    let width = |column: usize| {
        let lengths = [&columns].into_iter().chain(rows).map(|row| row[column].len());
        lengths.max().unwrap_or_default()
    };
    let mut text = String::new();
    for row in [&columns].into_iter().chain(rows) {
        let _ = write!(text, "{:width$}", row[0], width = width(0));
        for (column, cell) in row.iter().enumerate().skip(1) {
            let _ = write!(text, "  {cell:>width$}", width = width(column));
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rollcall_bench::memory::Peak;

    use super::*;

    fn measured() -> Measured {
        let mut measured = Measured { peak: Some(Peak { bytes: 300 << 20, since_start: false }), ..Default::default() };
        measured.times.push(Duration::from_millis(2500), Duration::from_secs(1));
        measured
    }

    #[test]
    fn a_row_has_times_ratio_and_memory() {
        let row = row(Step::Sync, &measured());
        assert_eq!(row, ["first FULL sync", "2.50 s", "1.00 s", "2.50 (2.50 to 2.50)", "300 MiB"]);
        assert!(
            markdown(&COLUMNS, &[row])
                .ends_with("| first FULL sync | 2.50 s | 1.00 s | 2.50 (2.50 to 2.50) | 300 MiB |\n")
        );
    }

    #[test]
    fn an_unknown_peak_is_not_measured() {
        assert_eq!(row(Step::Enter, &Measured { peak: None, ..measured() })[4], "not measured");
    }
}
