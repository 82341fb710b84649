//! The text form of a filter of members.

use proptest::prelude::*;
use rollcall_domain::{AssignmentId, GroupId, members::MemberFilter};

fn filter(group: Option<&str>, assignment: Option<&str>, active: Option<bool>, text: Option<&str>) -> MemberFilter {
    MemberFilter {
        group: group.map(GroupId::trusted),
        assignment: assignment.map(AssignmentId::trusted),
        active,
        text: text.map(str::to_owned),
    }
}

#[test]
fn a_filter_has_each_condition_at_most_once_in_any_order() {
    for (text, expected) in [
        ("", filter(None, None, None, None)),
        (" \t", filter(None, None, None, None)),
        ("group = eng", filter(Some("eng"), None, None, None)),
        ("group=00g1/a%", filter(Some("00g1/a%"), None, None, None)),
        (r#"group = "Sales \"North\" \\ A""#, filter(Some(r#"Sales "North" \ A"#), None, None, None)),
        ("assignment = sales-2", filter(None, Some("sales-2"), None, None)),
        ("status = ACTIVE", filter(None, None, Some(true), None)),
        ("status=INACTIVE", filter(None, None, Some(false), None)),
        ("text : lee", filter(None, None, None, Some("lee"))),
        (r#"text:"Änn Lee""#, filter(None, None, None, Some("Änn Lee"))),
        (r#"text:"a = b""#, filter(None, None, None, Some("a = b"))),
        (
            r#"text:lee AND status = ACTIVE AND group = "eng" AND assignment = sales"#,
            filter(Some("eng"), Some("sales"), Some(true), Some("lee")),
        ),
    ] {
        assert_eq!(MemberFilter::parse(text), Ok(expected), "{text}");
    }
}

#[test]
fn any_other_text_is_a_violation_with_its_position() {
    for (text, position, what) in [
        ("name = x", 1, "there is no field `name`"),
        ("status", 7, "the operator `=` or `:` is missing"),
        ("status ACTIVE", 8, "the operator `=` or `:` is missing"),
        ("status != ACTIVE", 8, "the operator `=` or `:` is missing"),
        ("status > ACTIVE", 8, "the operator `=` or `:` is missing"),
        ("status = ", 10, "a value is missing"),
        ("status = = ACTIVE", 10, "a value is missing"),
        ("status : ACTIVE", 8, "the operator of `status` is `=`"),
        ("text = lee", 6, "the operator of `text` is `:`"),
        ("status = active", 10, "`active` is no status"),
        ("assignment = Sales", 14, "the assignment id `Sales` must be"),
        ("group = \"\"", 9, "the group id must have 1 to 255 characters"),
        ("text : \"\"", 8, "the text must have 1 to 254 characters"),
        ("status = ACTIVE status = INACTIVE", 17, "there must be AND between two conditions"),
        ("status = ACTIVE OR group = eng", 17, "there must be AND between two conditions"),
        ("status = ACTIVE and group = eng", 17, "there must be AND between two conditions"),
        ("status = ACTIVE AND", 20, "a field is missing"),
        ("AND status = ACTIVE", 5, "the operator `=` or `:` is missing"),
        ("status = ACTIVE AND status = ACTIVE", 21, "`status` is given twice"),
        ("NOT status = ACTIVE", 5, "the operator `=` or `:` is missing"),
        ("(status = ACTIVE)", 1, "there is no field `(status`"),
        ("\"lee\"", 1, "a field is missing"),
        ("text : \"lee", 8, "the closing quote is missing"),
        ("text : \"a\\n\"", 10, "a backslash stands only before"),
        ("text : Änn AND foo = 1", 16, "there is no field `foo`"),
    ] {
        let violation = MemberFilter::parse(text).expect_err(text);
        let start = format!("at character {position} of the filter: {what}");
        assert!(violation.description.starts_with(&start), "{text}: {}", violation.description);
        assert!(violation.description.contains("`group = ID`"), "{text}: it says what is allowed");
    }
    let long = MemberFilter::parse(&" ".repeat(2_001)).unwrap_err();
    assert_eq!(long.description, "a filter has at most 2000 bytes");
}

proptest! {
    #[test]
    fn a_quoted_value_is_taken_as_it_is(value in "[^\\p{C}]{1,30}") {
        let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
        let parsed = MemberFilter::parse(&format!("status=ACTIVE AND text:\"{quoted}\" AND group = \"{quoted}\""));
        prop_assert_eq!(parsed, Ok(filter(Some(&value), None, Some(true), Some(&value))));
    }

    #[test]
    fn any_text_is_a_filter_or_a_violation(text in "(group|status|text|AND|=|:|\"|\\\\| |ACTIVE|é|\\PC){0,12}") {
        let _ = MemberFilter::parse(&text);
    }
}
