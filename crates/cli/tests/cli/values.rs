//! The values of arguments.

use std::time::Duration;

use rollcall_cli::values::duration;

#[test]
fn times_have_a_unit() {
    assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
    assert_eq!(duration("25s"), Ok(Duration::from_secs(25)));
    assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
    for wrong in ["", "25", "s", "-1s", "1.5s", "25 s", "25sec", "99999999999s"] {
        assert!(duration(wrong).is_err(), "{wrong:?}");
    }
}
