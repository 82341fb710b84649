//! Email addresses and their domains: which texts are accepted, from a directory, an import or a request.

use proptest::prelude::*;
use rollcall_domain::{Email, email::parse_domain};

#[test]
fn addresses_of_real_directories_are_accepted_and_lower_cased() {
    let longest = format!("{}@{}.example", "a".repeat(64), "b".repeat(63));
    for (given, address) in [
        ("Ada.Lovelace@Acme.Example", "ada.lovelace@acme.example"),
        ("ada+crm@acme.example", "ada+crm@acme.example"),
        ("o'hara@acme.example", "o'hara@acme.example"),
        ("svc_report-1@mail.eu.acme.example", "svc_report-1@mail.eu.acme.example"),
        ("1234@acme.example", "1234@acme.example"),
        ("a/b=c@acme.example", "a/b=c@acme.example"),
        ("x@a.de", "x@a.de"),
        ("x@acme.photography", "x@acme.photography"),
        ("x@3m.example", "x@3m.example"),
        ("x@ab--cd.example", "x@ab--cd.example"),
        ("x@xn--bcher-kva.example", "x@xn--bcher-kva.example"),
        ("JÜRGEN@BÜCHER.example", "jürgen@bücher.example"),
        ("संपर्क@डेटामेल.भारत", "संपर्क@डेटामेल.भारत"),
        ("用户@例子.广告", "用户@例子.广告"),
        (&longest, &longest),
    ] {
        assert_eq!(Email::parse(given).as_ref().map(Email::as_str), Ok(address), "{given}");
    }
}

#[test]
fn what_is_not_one_address_is_refused() {
    let long = format!("{}@x.example", "a".repeat(65));
    for given in [
        "a@b",
        "a@localhost",
        "a@x.example,b@x.example",
        "a@x.example;b@x.example",
        "a@x.example b@x.example",
        "mailto:q@x.example",
        "q@@x.example",
        "q@x@x.example",
        "Ann Lee <ann@x.example>",
        "<ann@x.example>",
        "\"ann lee\"@x.example",
        "\"ann\"@x.example",
        "ann@[192.0.2.1]",
        "ann(work)@x.example",
        ".ann@x.example",
        "ann.@x.example",
        "an..n@x.example",
        "ann@.example",
        "ann@x..example",
        "ann@x.example.",
        "ann@-x.example",
        "ann@x_y.example",
        "ann@x!y.example",
        "ann@\u{a0}x.example",
        "@x.example",
        "ann@",
        "ann",
        "",
        &long,
    ] {
        let violation = Email::parse(given).expect_err(given);
        assert!(!violation.description.is_empty());
    }
}

#[test]
fn a_domain_is_lower_cased() {
    for (given, domain) in [
        ("Company.Example", "company.example"),
        ("a-1.b.CO", "a-1.b.co"),
        ("BÜCHER.de", "bücher.de"),
        ("भारत.भारत", "भारत.भारत"),
    ] {
        assert_eq!(parse_domain(given), Ok(domain.to_owned()));
    }
}

#[test]
fn what_is_no_domain_is_refused() {
    let (long, longer) = (format!("{}.example", "a".repeat(64)), "a.".repeat(126) + "de");
    for given in [
        "",
        "localhost",
        ".de",
        "a..de",
        "a.de.",
        "-a.de",
        "a-.de",
        "a b.de",
        "@a.de",
        "x@a.de",
        "a_b.de",
        &long,
        &longer,
    ] {
        assert!(parse_domain(given).is_err(), "{given}");
    }
}

/// An address as directories have them.
fn address() -> impl Strategy<Value = String> {
    let local = "[A-Za-z0-9_'+é日-]{1,10}(\\.[A-Za-z0-9_'+é日-]{1,5})?";
    (local, "([a-zü0-9]{1,8}(-[a-z]{1,4})?\\.){1,3}[a-z]{2,12}").prop_map(|(local, domain)| format!("{local}@{domain}"))
}

proptest! {
    #[test]
    fn each_address_is_accepted_in_lower_case(address in address()) {
        let email = Email::parse(&address).unwrap();
        let lower = address.to_lowercase();
        prop_assert_eq!(email.as_str(), &lower);
        prop_assert_eq!(Some(email.domain()), lower.split('@').nth(1));
    }

    #[test]
    fn two_addresses_are_never_one(one in address(), between in "[,;: /|]?(mailto:|<)?", other in address()) {
        let text = format!("{one}{between}{other}");
        prop_assert!(Email::parse(&text).is_err());
    }

    /// Mostly texts near the limits of what is an address.
    #[test]
    fn an_accepted_text_is_one_address_and_stays_the_same(text in "[a-zA-Z0-9.@\"<>(),:;\\[\\] éß_-]{1,12}@?[a-zA-Z.-]{1,8}|\\PC{1,20}") {
        if let Ok(email) = Email::parse(&text) {
            let (local, domain) = email.as_str().split_once('@').unwrap();
            prop_assert!(!local.is_empty() && domain.contains('.') && !domain.contains('@'));
            prop_assert!(!email.as_str().contains(|c: char| c.is_whitespace() || "\"<>(),:;[]\\".contains(c)));
            prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
        }
    }
}
