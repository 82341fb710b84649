//! Reads the keys of an issuer: its discovery document, and the key set that the document names.

use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use reqwest::{Client, redirect::Policy};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use url::Url;

use crate::config::is_local;

/// How long one document may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The largest document, in bytes.
const DOCUMENT_MAX: usize = 256 << 10;

/// The most keys of an issuer.
const KEYS_MAX: usize = 100;

/// Why the keys of an issuer cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiscoveryError {
    #[error("the server does not answer {url} with a document")]
    Http { url: Url, source: reqwest::Error },
    #[error("the document at {0} is larger than 256 KiB")]
    TooLarge(Url),
    #[error("the document at {url} is not as OpenID Connect Discovery describes it")]
    Format { url: Url, source: serde_json::Error },
    #[error("{url} is the document of the issuer {found}: correct `issuer` in the configuration")]
    OtherIssuer { url: Url, found: String },
    #[error("the key set {0} is not at an https:// URL")]
    Insecure(Url),
    #[error("the URL of the issuer, or of its key set, cannot be used")]
    Url(#[from] url::ParseError),
}

/// What Rollcall needs of a discovery document.
#[derive(Deserialize)]
struct DiscoveryDocument {
    issuer: String,
    jwks_uri: String,
}

/// A key set. Keys are parsed one by one, so that a key of an unknown type does not hide the others.
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

/// Returns a client for an issuer. It follows no redirects.
pub(crate) fn client(issuer: &str) -> reqwest::Result<Client> {
    let builder = Client::builder().redirect(Policy::none()).timeout(TIMEOUT);
    let local = Url::parse(issuer).is_ok_and(|url| is_local(&url));
    if local { builder.no_proxy().build() } else { builder.build() }
}

/// Reads the published keys of an issuer.
pub(crate) async fn list_keys(client: &Client, issuer: &str) -> Result<Vec<Jwk>, DiscoveryError> {
    let discovery = Url::parse(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')))?;
    let document: DiscoveryDocument = get(client, &discovery).await?;
    if document.issuer != issuer {
        return Err(DiscoveryError::OtherIssuer { url: discovery, found: document.issuer });
    }
    let jwks = Url::parse(&document.jwks_uri)?;
    if jwks.scheme() != "https" && !(is_local(&discovery) && is_local(&jwks)) {
        return Err(DiscoveryError::Insecure(jwks));
    }
    let set: KeySet = get(client, &jwks).await?;
    Ok(set.keys.into_iter().take(KEYS_MAX).filter_map(|key| serde_json::from_value(key).ok()).collect())
}

async fn get<T: DeserializeOwned>(client: &Client, url: &Url) -> Result<T, DiscoveryError> {
    let failed = |source| DiscoveryError::Http { url: url.clone(), source };
    let mut response = client.get(url.clone()).send().await.map_err(failed)?.error_for_status().map_err(failed)?;
    let mut document = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(failed)? {
        if document.len() + piece.len() > DOCUMENT_MAX {
            return Err(DiscoveryError::TooLarge(url.clone()));
        }
        document.extend_from_slice(&piece);
    }
    serde_json::from_slice(&document).map_err(|source| DiscoveryError::Format { url: url.clone(), source })
}
