//! Arrays that a statement binds and unnests.

/// How many rows one statement writes or looks up at most. The database limits the time of a statement, and the process
/// holds the arrays of one statement at a time. So a change of any number of rows stays below both limits.
pub(crate) const SLICE_ROWS: usize = 10_000;

/// Divides rows into slices, one for each statement; none if there are no rows. Statements that write all slices in one
/// transaction have the effect of one statement, unless a constraint holds only for all rows together.
pub(crate) fn slices<R>(rows: &[R]) -> impl Iterator<Item = &[R]> {
    rows.chunks(SLICE_ROWS)
}

/// One column of rows, as an array.
pub(crate) fn column<'a, R, V>(rows: &'a [R], value: impl Fn(&'a R) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}
