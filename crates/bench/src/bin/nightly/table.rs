//! The printed table of docs/benchmarks/nightly.md, and the statements that Postgres spent its time on.

use std::{collections::HashMap, fmt::Write as _};

use rollcall_bench::table::{COLUMNS, cells, markdown, mebibytes};

use crate::{Arguments, MEMBERS, results::Results};

/// How many statements are listed.
const LISTED: usize = 12;

/// Renders the whole result.
pub(crate) fn render(arguments: Arguments, results: &Results) -> String {
    let members = arguments.organizations() * MEMBERS;
    let mut rows = vec![cells("settings migration", &results.migration)];
    let report = format!("mixed-settings report, {} MB", results.report_bytes / 1_000_000);
    rows.push(cells(&report, &results.report));
    if let Some(export) = results.export {
        let megabytes = export.bytes / 1_000_000;
        let what = format!("ExportMembersCsv of {} members, {megabytes} MB", export.lines.saturating_sub(1));
        let seconds = format!("{:.2} s", export.took.as_secs_f64());
        rows.push(vec![what, seconds, String::new(), String::new(), mebibytes(export.peak)]);
    }
    let table = markdown(&COLUMNS, &rows);
    let (organizations, pairs, machine) = (arguments.organizations(), arguments.pairs, &results.machine);
    format!(
        "{members} members in {organizations} organizations, all in mixed assignments; medians of {pairs} pairs.\n\
         Machine: {machine}.\n\n{table}"
    )
}

/// Returns the statements that Postgres spent the most time on, by their first lines, from lines such as
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
    fn an_unknown_peak_is_not_measured() {
        assert_eq!(mebibytes(None), "not measured");
    }
}
