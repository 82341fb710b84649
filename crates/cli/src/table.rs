//! Tables with aligned columns, for a terminal.

/// Returns one line for each row. A column with `true` in `right` is aligned to the right, as numbers are.
pub(crate) fn aligned_lines<const N: usize>(rows: &[[String; N]], right: [bool; N]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    rows.iter().map(|row| line(row, &widths, right)).collect()
}

fn line<const N: usize>(row: &[String; N], widths: &[usize], right: [bool; N]) -> String {
    let cells = row.iter().zip(widths).zip(right);
    let cells =
        cells.map(|((cell, width), right)| if right { format!("{cell:>width$}") } else { format!("{cell:<width$}") });
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}
