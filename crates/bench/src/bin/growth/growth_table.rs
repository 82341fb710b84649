//! The table of docs/benchmarks/growth.md: the time of each call in each scene, its ratio to the floor of the same scene,
//! and the exponents: 0 is a constant cost, 1 a cost that grows as the size.

use std::fmt::Write as _;

use rollcall_bench::{
    ratio::Measured,
    table::{markdown, mebibytes},
};

use crate::{
    calls::{CALLS, GrowsWith, GrowthCall},
    measure::SceneResults,
    scene::Scene,
};

/// The results of all scenes.
pub(crate) struct GrowthTable<'a> {
    results: &'a [SceneResults],
}

/// A direction in which scenes grow, with the exponent of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Exponent {
    axis: GrowsWith,
    value: f64,
}

const AXES: [GrowsWith; 3] = [GrowsWith::Members, GrowsWith::Assignments, GrowsWith::Organizations];

impl<'a> GrowthTable<'a> {
    pub(crate) fn new(results: &'a [SceneResults]) -> Self {
        Self { results }
    }

    /// Returns the page.
    pub(crate) fn render(&self, machine: &str, calls: u32) -> String {
        let mut columns = vec!["call".to_owned()];
        columns.extend(self.results.iter().map(|result| result.scene.to_string()));
        columns.extend(AXES.map(|axis| format!("exponent, {}", axis_name(axis))));
        columns.push("server's peak memory".to_owned());
        let rows: Vec<Vec<String>> = CALLS.iter().enumerate().map(|(place, call)| self.row(place, call)).collect();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let table = markdown(&columns, &rows);
        let worst = self.worst();
        format!(
            "# Growth\n\n    cargo build --release --bin rollcall\n    cargo run --release -p rollcall-bench --bin \
             growth\n\nMachine: {machine}. Medians of {calls} calls, and of 3 calls where the answer grows.\n\n\
             Each cell has the time and, in parentheses, its ratio to raw SQL in the same scene: to the read of one \
             member by its key or, where the answer grows, to the read of all of its rows. An exponent of 0 is a \
             constant cost; of 1, a cost that grows as the size. An exponent in parentheses belongs to a call whose \
             answer or work grows with this size.\n\n{table}\n{worst}"
        )
    }

    fn row(&self, place: usize, call: &GrowthCall) -> Vec<String> {
        let what = if call.what.is_empty() { String::new() } else { format!(", {}", call.what) };
        let mut cells = vec![format!("{}{what}", call.rpc)];
        cells.extend(self.results.iter().map(|result| cell(&result.calls[place])));
        cells.extend(AXES.map(|axis| match self.exponent(place, axis) {
            Some(exponent) if call.grows_with == axis => format!("({exponent:.2})"),
            Some(exponent) => format!("{exponent:.2}"),
            None => String::new(),
        }));
        let peaks = self.results.iter().filter_map(|result| result.calls[place].peak);
        cells.push(mebibytes(peaks.max_by_key(|peak| peak.bytes)));
        cells
    }

    /// The exponent of a call along an axis, over the scenes that differ from the first one of the axis only in its number.
    fn exponent(&self, place: usize, axis: GrowsWith) -> Option<f64> {
        let points: Vec<(f64, f64)> = self.along(axis).map(|result| point(result, axis, place)).collect();
        slope(&points)
    }

    fn along(&self, axis: GrowsWith) -> impl Iterator<Item = &SceneResults> {
        let last = self.results.iter().max_by_key(|result| number(result.scene, axis)).map(|result| result.scene);
        let is_along = move |result: &&SceneResults| last.is_some_and(|last| same_otherwise(result.scene, last, axis));
        self.results.iter().filter(is_along)
    }

    /// The worst exponents of calls whose answer and work do not grow, and the calls that grow by more than a fifth.
    fn worst(&self) -> String {
        let mut flat: Vec<(f64, Exponent, &GrowthCall)> = Vec::new();
        let constant = CALLS.iter().enumerate().filter(|(_, call)| call.grows_with == GrowsWith::Nothing);
        for (place, call) in constant {
            for axis in AXES {
                if let Some(value) = self.exponent(place, axis) {
                    flat.push((self.growth(place, axis), Exponent { axis, value }, call));
                }
            }
        }
        flat.sort_by(|(_, a, _), (_, b, _)| b.value.total_cmp(&a.value));
        let mut text = String::from("The largest exponents of calls whose answer and work do not grow:\n\n");
        for (growth, exponent, call) in flat.iter().take(5) {
            let name = format!("{} {}", call.rpc, call.what);
            let _ = writeln!(
                text,
                "* {}: {:.2}, with the number of {}; {growth:.2} times the time of the smallest",
                name.trim_end(),
                exponent.value,
                axis_name(exponent.axis)
            );
        }
        let above = flat.iter().filter(|(growth, ..)| *growth > 1.2).count();
        let _ = writeln!(text, "\n{above} of {} such figures grow by more than a fifth.", flat.len());
        text
    }

    /// The time in the largest scene divided by the time in the smallest.
    fn growth(&self, place: usize, axis: GrowsWith) -> f64 {
        let mut points: Vec<(f64, f64)> = self.along(axis).map(|result| point(result, axis, place)).collect();
        points.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let time = |found: Option<&(f64, f64)>| found.map_or(f64::NAN, |(_, time)| *time);
        time(points.last()) / time(points.first())
    }
}

fn point(result: &SceneResults, axis: GrowsWith, place: usize) -> (f64, f64) {
    #[expect(clippy::cast_precision_loss, reason = "at most a million")]
    let size = number(result.scene, axis) as f64;
    (size, result.calls[place].times.measured().median)
}

/// The number of a scene that grows along an axis.
fn number(scene: Scene, axis: GrowsWith) -> usize {
    match axis {
        GrowsWith::Members | GrowsWith::Nothing => scene.members,
        GrowsWith::Assignments => scene.assignments,
        GrowsWith::Organizations => scene.organizations,
    }
}

fn axis_name(axis: GrowsWith) -> &'static str {
    match axis {
        GrowsWith::Members | GrowsWith::Nothing => "members",
        GrowsWith::Assignments => "assignments",
        GrowsWith::Organizations => "organizations",
    }
}

/// Whether two scenes differ at most in the number of an axis.
fn same_otherwise(a: Scene, b: Scene, axis: GrowsWith) -> bool {
    AXES.into_iter().all(|other| other == axis || number(a, other) == number(b, other))
}

/// The slope of the straight line through the logarithms of the points, by least squares; `None` with fewer than two
/// sizes.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let logarithms: Vec<(f64, f64)> = points.iter().map(|(size, time)| (size.ln(), time.ln())).collect();
    #[expect(clippy::cast_precision_loss, reason = "a few points")]
    let count = logarithms.len() as f64;
    let mean = |pick: fn(&(f64, f64)) -> f64| logarithms.iter().map(pick).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = logarithms.iter().map(|point| (point.0 - x).powi(2)).sum();
    let product: f64 = logarithms.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    (spread > 0.0).then(|| product / spread)
}

/// The time and its ratio to the floor.
fn cell(measured: &Measured) -> String {
    let (time, ratio) = (measured.times.measured().median, measured.times.ratio().median);
    let time = if time < 1.0 { format!("{:.2} ms", time * 1e3) } else { format!("{time:.2} s") };
    format!("{time} ({ratio:.1})")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_slope_is_the_exponent() {
        let points = |exponent: f64| [1e3, 1e4, 1e5].map(|size: f64| (size, 2.0 * size.powf(exponent)));
        for exponent in [0.0, 0.5, 1.0, 2.0] {
            assert!((slope(&points(exponent)).unwrap() - exponent).abs() < 1e-9, "{exponent}");
        }
        assert_eq!(slope(&[(1e3, 1.0)]), None);
    }

    #[test]
    fn each_exponent_is_of_the_scenes_that_differ_in_one_number() {
        let result = |members, assignments, organizations, milliseconds| {
            let mut measured = Measured::default();
            measured.push(Duration::from_millis(milliseconds), Duration::from_millis(1), None);
            let scene = Scene { members, assignments, organizations };
            SceneResults { scene, calls: vec![measured; CALLS.len()] }
        };
        let results = [
            result(1_000, 10, 1, 1),
            result(10_000, 10, 1, 10),
            result(100_000, 10, 1, 100),
            result(10_000, 10_000, 1, 10),
            result(1_000, 10, 10_000, 100),
        ];
        let table = GrowthTable::new(&results);
        let exponents = AXES.map(|axis| table.exponent(0, axis).unwrap());
        assert!((exponents[0] - 1.0).abs() < 1e-9 && exponents[1].abs() < 1e-9, "{exponents:?}");
        assert!((exponents[2] - 0.5).abs() < 1e-9, "{exponents:?}");
        let text = table.render("a machine", 3);
        assert!(
            text.contains(
                "* EmailExportService/CheckEmailExport by id: 1.00, with the number of members; 100.00 times"
            )
        );
    }
}
