//! Text that a spreadsheet program would run as a formula (product.md 8).

use std::borrow::Cow;

/// A cell that begins with one of these characters is run as a formula.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Puts an apostrophe before text that a spreadsheet would run as a formula.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if text.starts_with(FORMULA_STARTS) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// Removes the apostrophe that [`escape`] added.
#[must_use]
pub fn unescape(text: &str) -> &str {
    text.strip_prefix('\'').filter(|bare| bare.starts_with(FORMULA_STARTS)).unwrap_or(text)
}
