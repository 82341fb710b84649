//! Which URLs of report stores are accepted, and what the errors for the others say.
//!
//! The Cargo features decide which stores are built in, so every test passes with any of them.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

use rollcall_app::reports::{parse_reports_url, redact_reports_url};

const ADVICE: &str =
    "give a file://, s3://, gs:// or az:// URL, such as file:///var/lib/rollcall/reports or s3://bucket/prefix";
const SECRET: &str =
    "give it without user, password and query: credentials are read from the environment, as docs/operations.md says";

fn refusal(url: &str) -> String {
    parse_reports_url(url).unwrap_err().to_string()
}

#[test]
fn a_url_that_does_not_work_says_which_do() {
    for url in
        ["", "/var/reports", "file://host/reports", "memory:///", "ftp://host/x", "https://example.com/x", "s3:///x"]
    {
        assert_eq!(refusal(url), format!("the reports URL `{url}` cannot be used: {ADVICE}"));
    }
    assert!(parse_reports_url("file:///var/lib/reports").is_ok());
}

#[test]
fn a_store_that_was_not_built_in_names_its_feature() {
    for (url, feature, built_in) in [
        ("s3://bucket/reports", "aws", cfg!(feature = "aws")),
        ("https://bucket.s3.eu-west-1.amazonaws.com/reports", "aws", cfg!(feature = "aws")),
        ("gs://bucket", "gcp", cfg!(feature = "gcp")),
        ("az://container@account.dfs.core.windows.net/reports", "azure", cfg!(feature = "azure")),
    ] {
        match parse_reports_url(url) {
            Ok(_) => assert!(built_in, "{url}"),
            Err(error) => {
                let said = error.to_string();
                assert!(!built_in && said.contains(&format!("built with --features {feature};")), "{said}");
            }
        }
    }
}

#[test]
fn a_url_with_a_secret_is_refused_and_does_not_show_it() {
    for (url, shown) in [
        ("s3://AKIA:secret@bucket/reports", "s3://***@bucket/reports"),
        ("s3://secret@bucket/reports", "s3://***@bucket/reports"),
        ("gs://bucket/reports?token=secret", "gs://bucket/reports?***"),
        ("az://container:secret@account/reports", "az://***@account/reports"),
        ("https://a.blob.core.windows.net/c?sig=secret#x", "https://a.blob.core.windows.net/c?***"),
        ("file:///x?secret", "file:///x?***"),
    ] {
        assert_eq!(refusal(url), format!("the reports URL `{shown}` cannot be used: {SECRET}"));
    }
    for url in ["secret@bucket", "://secret@bucket", "no://sec?ret@bucket/secret"] {
        assert!(!redact_reports_url(url).contains("secret"), "{url}");
    }
}
