//! Numbers of things in messages.

/// Returns a number with its noun, such as `1 member` or `2 members`.
#[must_use]
pub fn counted(number: u32, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        number => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        assert_eq!([0, 1, 2].map(|number| counted(number, "pin")), ["0 pins", "1 pin", "2 pins"]);
    }
}
