//! Numbers, counts and times as the page writes them. The template passes fields by reference and results by value, so
//! the functions take both.

use std::borrow::Borrow;

use rollcall_domain::Timestamp;

/// Returns a number with a comma between groups of three digits.
pub(super) fn grouped(number: impl Borrow<u64>) -> String {
    let digits = number.borrow().to_string();
    let is_start = |place: usize| place > 0 && (digits.len() - place).is_multiple_of(3);
    let separated = digits.char_indices().map(
        |(place, digit)| {
            if is_start(place) { format!(",{digit}") } else { digit.to_string() }
        },
    );
    separated.collect()
}

/// Returns a number with its noun, such as `1 member` or `2,000 members`.
pub(super) fn counted(number: impl Borrow<u64>, one: &str, many: &str) -> String {
    let number = *number.borrow();
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// Returns a time to the minute.
pub(super) fn minute(time: Timestamp) -> String {
    time.format("%-d %B %Y, %H:%M UTC").to_string()
}

/// Returns a size in bytes, kilobytes or megabytes.
pub(super) fn size(bytes: impl Borrow<u64>) -> String {
    match *bytes.borrow() {
        bytes @ 0..1_000 => counted(bytes, "byte", "bytes"),
        bytes @ 1_000..1_000_000 => format!("{} kB", grouped(bytes.div_ceil(1_000))),
        bytes => format!("{} MB", grouped(bytes.div_ceil(1_000_000))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_have_the_right_noun() {
        let members = |number: u64| counted(number, "member", "members");
        let shown = [0, 1, 2, 999, 1_000, 1_234_567].map(members);
        let expected = ["0 members", "1 member", "2 members", "999 members", "1,000 members", "1,234,567 members"];
        assert_eq!(shown, expected);
        assert_eq!([1, 999, 1_001, 2_500_000].map(size), ["1 byte", "999 bytes", "2 kB", "3 MB"]);
    }
}
