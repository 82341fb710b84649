//! Opening every kind of store.

use super::*;

#[test]
fn every_store_that_is_built_in_opens_without_being_asked_anything() {
    for (url, built_in) in [
        ("s3://bucket/a/b", cfg!(feature = "aws")),
        ("gs://bucket/a", cfg!(feature = "gcp")),
        ("az://container@account.dfs.core.windows.net/a", cfg!(feature = "azure")),
    ] {
        for retries in [RetryPolicy::Retry, RetryPolicy::FailFast] {
            let opened = open(&Url::parse(url).unwrap(), retries);
            assert_eq!(opened.is_ok(), built_in, "{url}: {opened:?}");
        }
    }
}
