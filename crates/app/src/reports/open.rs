//! Opening a report store from its URL. The URL has no credentials, because it is logged and stored with every report:
//! they come from the environment variables of each store.

use std::{path::PathBuf, sync::Arc};

use object_store::{ObjectStore, ObjectStoreScheme as Kind, local::LocalFileSystem};
use url::Url;

use super::private_files::create_folder;

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Why a report store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL cannot be used.
    #[error("the reports URL `{shown}` cannot be used: {advice}")]
    Url {
        /// The URL, without parts that may be secret.
        shown: String,
        /// What to give instead.
        advice: String,
    },
    /// The directory cannot be created or opened.
    #[error("the reports directory {directory} cannot be used: {source}")]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// The cause.
        source: AnyError,
    },
    /// The settings of the store, in its URL or in the environment, are wrong.
    #[error("the report store {url} cannot be used with these environment variables")]
    Store {
        /// The store's URL.
        url: Url,
        /// The cause.
        source: AnyError,
    },
}

const ADVICE: &str =
    "give a file://, s3://, gs:// or az:// URL, such as file:///var/lib/rollcall/reports or s3://bucket/prefix";
const SECRET: &str =
    "give it without user, password and query: credentials are read from the environment, as docs/operations.md says";

/// Parses the URL of a report store. No request is sent to the store.
///
/// # Errors
/// [`OpenError::Url`], which says what to give instead.
pub fn parse_reports_url(text: &str) -> Result<Url, OpenError> {
    let refused = |advice: &str| OpenError::Url { shown: redact_reports_url(text), advice: advice.to_owned() };
    let url = Url::parse(text).map_err(|_| refused(ADVICE))?;
    let (kind, _) = Kind::parse(&url).map_err(|_| refused(ADVICE))?;
    // In the URLs of Azure the container may be in the place of the user.
    let user = !url.username().is_empty() && kind != Kind::MicrosoftAzure;
    if user || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(refused(SECRET));
    }
    match kind {
        Kind::Local if url.to_file_path().is_ok() => Ok(url),
        kind => match feature(&kind) {
            Some((_, true)) => Ok(url),
            Some((feature, false)) => Err(refused(&format!(
                "give another URL, or use a rollcall that was built with --features {feature}; this rollcall was not"
            ))),
            None => Err(refused(ADVICE)),
        },
    }
}

/// Returns the Cargo feature that this kind of store needs, and whether it is built in.
fn feature(kind: &Kind) -> Option<(&'static str, bool)> {
    match kind {
        Kind::AmazonS3 => Some(("aws", cfg!(feature = "aws"))),
        Kind::GoogleCloudStorage => Some(("gcp", cfg!(feature = "gcp"))),
        Kind::MicrosoftAzure => Some(("azure", cfg!(feature = "azure"))),
        _ => None,
    }
}

/// Returns the URL of a report store without parts that may be secret. The URL may be invalid.
#[must_use]
pub fn redact_reports_url(text: &str) -> String {
    let (text, query) = text.split_once(['?', '#']).map_or((text, ""), |(text, _)| (text, "?***"));
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) => format!("{scheme}://***@{place}{query}"),
        (None, Some(_)) => "***".to_owned(),
        (_, None) => format!("{text}{query}"),
    }
}

/// Whether a failed request to a store is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RetryPolicy {
    /// Up to ten times within a minute, with exponential backoff.
    Retry,
    /// Never.
    FailFast,
}

/// Opens the store of a URL. A missing directory is created.
pub(super) fn open(url: &Url, retries: RetryPolicy) -> Result<Arc<dyn ObjectStore>, OpenError> {
    match url.to_file_path() {
        Ok(directory) if url.scheme() == "file" => {
            let store = open_directory(&directory).map_err(|source| OpenError::Directory { directory, source })?;
            Ok(Arc::new(store))
        }
        _ => remote(url, retries).map_err(|source| OpenError::Store { url: url.clone(), source }),
    }
}

fn open_directory(directory: &std::path::Path) -> Result<LocalFileSystem, AnyError> {
    create_folder(directory)?;
    Ok(LocalFileSystem::new_with_prefix(directory)?.with_fsync(true))
}

#[cfg(any(feature = "aws", feature = "gcp", feature = "azure"))]
fn remote(url: &Url, retries: RetryPolicy) -> Result<Arc<dyn ObjectStore>, AnyError> {
    use object_store::prefix::PrefixStore;

    // Builds a store with the settings of the environment and our limits.
    macro_rules! built {
        ($store:ident :: $builder:ident, $key:ident) => {{
            use object_store::$store::{$builder, $key};
            let builder = $builder::from_env().with_url(url.as_str()).with_retry(limits::retry(retries));
            let builder = limits::WAITS
                .into_iter()
                .fold(builder, |builder, (key, value)| builder.with_config($key::Client(key), value));
            Arc::new(builder.build()?) as Arc<dyn ObjectStore>
        }};
    }
    let (kind, prefix) = Kind::parse(url)?;
    let store = match kind {
        #[cfg(feature = "aws")]
        Kind::AmazonS3 => built!(aws::AmazonS3Builder, AmazonS3ConfigKey),
        #[cfg(feature = "gcp")]
        Kind::GoogleCloudStorage => built!(gcp::GoogleCloudStorageBuilder, GoogleConfigKey),
        #[cfg(feature = "azure")]
        Kind::MicrosoftAzure => built!(azure::MicrosoftAzureBuilder, AzureConfigKey),
        _ => return Err("this kind of store was not built in".into()),
    };
    Ok(Arc::new(PrefixStore::new(store, prefix)))
}

#[cfg(not(any(feature = "aws", feature = "gcp", feature = "azure")))]
fn remote(_: &Url, _: RetryPolicy) -> Result<Arc<dyn ObjectStore>, AnyError> {
    Err("this kind of store was not built in".into())
}

/// The limits of every wait for a remote store.
#[cfg(any(feature = "aws", feature = "gcp", feature = "azure"))]
mod limits {
    use std::time::Duration;

    use object_store::{BackoffConfig, ClientConfigKey as Key, RetryConfig};

    use super::RetryPolicy;

    /// A response must begin 30 s after the request, and continue 30 s after each piece. The whole response may take
    /// longer, because a caller may read a report slowly.
    pub(super) const WAITS: [(Key, &str); 3] =
        [(Key::ConnectTimeout, "5s"), (Key::ReadTimeout, "30s"), (Key::Timeout, "1h")];

    pub(super) fn retry(retries: RetryPolicy) -> RetryConfig {
        let max_retries = if retries == RetryPolicy::Retry { 10 } else { 0 };
        RetryConfig { backoff: BackoffConfig::default(), max_retries, retry_timeout: Duration::from_secs(60) }
    }
}

#[cfg(test)]
mod tests;
