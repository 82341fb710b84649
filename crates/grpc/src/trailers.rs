//! Limits the size of an error. Errors are sent in the trailers of a response, and some clients accept no more than 8 KiB
//! there. A client ends the connection, with every other call on it, when it receives more.

use std::borrow::Cow;

use rollcall_domain::Violation;
use tonic_types::ErrorDetails;

/// How many bytes of a message are sent. The message is sent twice.
const MESSAGE_MAX: usize = 1_000;

/// How many bytes of a metadata value are sent.
const VALUE_MAX: usize = 800;

/// How many bytes of a violation's field are sent.
const FIELD_MAX: usize = 200;

/// How many bytes of a violation's description are sent.
const DESCRIPTION_MAX: usize = 500;

/// How many bytes of all violations together are sent.
const VIOLATIONS_MAX: usize = 2_500;

/// Returns a message, cut to the limit.
pub(crate) fn message(text: &str) -> Cow<'_, str> {
    cut(text, MESSAGE_MAX)
}

/// Returns a metadata value, cut to the limit.
pub(crate) fn value(text: &str) -> String {
    cut(text, VALUE_MAX).into_owned()
}

/// Adds violations to the details up to the limit, and the number of those that are left out.
pub(crate) fn add_violations(details: &mut ErrorDetails, violations: &[Violation]) {
    let mut room = VIOLATIONS_MAX;
    for (index, violation) in violations.iter().enumerate() {
        let (field, description) = (cut(&violation.field, FIELD_MAX), cut(&violation.description, DESCRIPTION_MAX));
        let Some(left) = room.checked_sub(field.len() + description.len()) else {
            let more = violations.len() - index;
            details.add_bad_request_violation("", format!("{more} more violations are left out; correct these first"));
            return;
        };
        room = left;
        details.add_bad_request_violation(field, description);
    }
}

fn cut(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max {
        return text.into();
    }
    format!("{}…", &text[..text.floor_char_boundary(max)]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "abc…");
        assert_eq!(cut("aé日", 4), "aé…");
    }

    #[test]
    fn violations_beyond_the_limit_are_counted() {
        let sent = |count: usize, length: usize| {
            let mut details = ErrorDetails::new();
            let violation = Violation::invalid("field", "x".repeat(length));
            add_violations(&mut details, &vec![violation; count]);
            details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default()
        };
        assert_eq!((sent(0, 0).len(), sent(1, 1_000_000).len(), sent(20, 100).len()), (0, 1, 20));
        let many = sent(10_000, 100);
        let last = many.last().map(|last| (last.field.as_str(), last.description.as_str()));
        assert_eq!((many.len(), last), (24, Some(("", "9977 more violations are left out; correct these first"))));
    }
}
