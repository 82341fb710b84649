//! Text that a spreadsheet would run as a formula is escaped, and read back unchanged (product.md 8).

use rollcall_domain::spreadsheet::{escape, unescape};

#[test]
fn only_text_that_would_run_is_escaped() {
    for formula in ["=1+1", "+1", "-1", "@SUM", "\tx", "\rx"] {
        assert_eq!(escape(formula), format!("'{formula}"));
        assert_eq!(unescape(&escape(formula)), formula);
    }
    for plain in ["", "a=b", "'quoted", " =1"] {
        assert_eq!(escape(plain), plain);
        assert_eq!(unescape(plain), plain);
    }
}
