//! Domains of email addresses.

use rollcall_domain::email::parse_domain;

#[test]
fn a_domain_is_lower_cased() {
    for (given, domain) in
        [("Company.Example", "company.example"), ("a-1.b.CO", "a-1.b.co"), ("BÜCHER.de", "bücher.de")]
    {
        assert_eq!(parse_domain(given), Ok(domain.to_owned()));
    }
}

#[test]
fn what_is_no_domain_is_refused() {
    let (long, longer) = (format!("{}.example", "a".repeat(64)), "a.".repeat(126) + "de");
    for given in
        ["", "localhost", ".de", "a..de", "a.de.", "-a.de", "a-.de", "a b.de", "@a.de", "x@a.de", &long, &longer]
    {
        assert!(parse_domain(given).is_err(), "{given}");
    }
}
