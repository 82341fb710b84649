//! What is printed: the table of docs/benchmarks/nightly.md, and where Postgres spent its time.

use std::{collections::HashMap, fmt::Write as _};

use rollcall_bench::memory::Peak;

use crate::{
    Arguments,
    run::{Measured, Results},
    seed::MEMBERS,
};

/// How many statements are listed.
const LISTED: usize = 12;

/// The whole result.
pub(crate) fn render(arguments: Arguments, results: &Results) -> String {
    let members = arguments.organizations() * MEMBERS;
    let mut text = format!(
        "{members} members in {} organizations, all in mixed assignments; medians of {} pairs.\nMachine: {}.\n\n\
         | what | service | raw SQL | ratio: median (min to max) | server's peak memory |\n|---|--:|--:|--:|--:|\n",
        arguments.organizations(),
        arguments.pairs,
        results.machine
    );
    text += &row("settings migration", &results.migration);
    text += &row(&format!("mixed-settings report, {} MB", results.report_bytes / 1_000_000), &results.report);
    if let Some(export) = results.export {
        let megabytes = export.bytes / 1_000_000;
        let what = format!("ExportMembersCsv of {} members, {megabytes} MB", export.lines.saturating_sub(1));
        let _ = writeln!(text, "| {what} | {:.2} s | | | {} |", export.took.as_secs_f64(), mebibytes(export.peak));
    }
    text
}

fn row(what: &str, measured: &Measured) -> String {
    let (times, ratio) = (&measured.times, measured.times.ratio());
    format!(
        "| {what} | {:.2} s | {:.2} s | {:.2} ({:.2} to {:.2}) | {} |\n",
        times.measured().median,
        times.floor().median,
        ratio.median,
        ratio.min,
        ratio.max,
        mebibytes(measured.peak)
    )
}

fn mebibytes(peak: Option<Peak>) -> String {
    peak.map_or_else(|| "not measured".to_owned(), |peak| format!("{} MiB", peak.bytes >> 20))
}

/// The statements that Postgres spent the most time on, by their first lines, from lines such as
/// `1.234 ms  execute s1: -- Every member's old setting ...`.
pub(crate) fn statements(logged: &[String]) -> String {
    let mut spent: HashMap<&str, (f64, usize)> = HashMap::new();
    for line in logged {
        let Some((took, what)) = line.split_once(" ms  ") else { continue };
        let Some((_, what)) = what.split_once(": ") else { continue };
        let statement = spent.entry(what).or_default();
        statement.0 += took.parse().unwrap_or(0.0);
        statement.1 += 1;
    }
    let mut sorted: Vec<_> = spent.into_iter().collect();
    sorted.sort_by(|(_, a), (_, b)| b.0.total_cmp(&a.0));
    let mut text = String::new();
    for (what, (milliseconds, times)) in sorted.into_iter().take(LISTED) {
        let _ = writeln!(text, "{:>9.2} s  {times:>7} times  {what}", milliseconds / 1e3);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_summed_by_their_first_lines() {
        let logged = ["500.0 ms  execute s1: -- A.", "750.0 ms  execute s2: -- A.", "1.0 ms  parse s1: COMMIT", "odd"];
        let text = statements(&logged.map(str::to_owned));
        assert_eq!(text, "     1.25 s        2 times  -- A.\n     0.00 s        1 times  COMMIT\n");
    }

    #[test]
    fn what_cannot_be_measured_is_said() {
        assert!(row("report", &Measured::default()).ends_with("| not measured |\n"));
    }
}
