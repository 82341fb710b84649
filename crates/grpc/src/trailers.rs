//! An error travels in the trailers of its response, and clients take only so much there, some no more than 8 KiB. What
//! is longer would not only lose the error but end the connection, with every other call on it.

use std::borrow::Cow;

use rollcall_domain::Violation;
use tonic_types::ErrorDetails;

/// How many bytes of a message are sent; it is there twice.
const MESSAGE_MAX: usize = 1_000;

/// How many bytes of a value in the metadata.
const VALUE_MAX: usize = 800;

/// How many bytes of a violation's field, of its description, and of all violations together.
const FIELD_MAX: usize = 200;
const DESCRIPTION_MAX: usize = 500;
const VIOLATIONS_MAX: usize = 2_500;

/// A message that can be sent.
pub(crate) fn message(text: &str) -> Cow<'_, str> {
    cut(text, MESSAGE_MAX)
}

/// A value in the metadata that can be sent.
pub(crate) fn value(text: &str) -> String {
    cut(text, VALUE_MAX).into_owned()
}

/// Adds the violations that can be sent, and how many are left out.
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
    fn as_many_violations_are_sent_as_there_is_room_for_and_the_others_are_counted() {
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
