//! How the keys of an issuer are read, kept and forgotten.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

use std::time::Duration;

use rollcall_auth::{AuthConfig, Authenticator, RefreshTimes, TokenRejection};
use rollcall_testkit::issuer::{TestIssuer, ok};
use serde_json::json;

/// Each unknown key lets the keys be read again.
const AT_ONCE: RefreshTimes = RefreshTimes { unknown_key: Duration::ZERO, periodic: Duration::from_secs(600) };

fn start(issuer: &TestIssuer, times: RefreshTimes) -> Authenticator {
    Authenticator::start(AuthConfig::parse(&issuer.config()).unwrap(), times).unwrap()
}

#[tokio::test]
async fn a_verified_token_is_remembered_until_its_key_is_gone() {
    let issuer = TestIssuer::start().await;
    let authenticator = start(&issuer, AT_ONCE);
    let old = issuer.sign(&json!({}));
    assert!(authenticator.find_verified(&old).is_none());
    authenticator.verify(&old).await.unwrap();
    assert!(authenticator.find_verified(&old).is_some());

    issuer.rotate("second");
    assert!(authenticator.find_verified(&old).is_some());
    authenticator.verify(&issuer.sign(&json!({}))).await.unwrap();
    assert!(authenticator.find_verified(&old).is_none());
    assert_eq!(authenticator.verify(&old).await.unwrap_err(), TokenRejection::UnknownKey);
}

#[tokio::test]
async fn a_remembered_token_expires() {
    let issuer = TestIssuer::start().await;
    let authenticator = start(&issuer, AT_ONCE);
    let now = jsonwebtoken::get_current_timestamp();
    // One second of the leeway is left.
    let token = issuer.sign(&json!({"exp": now - 29}));
    let verified = authenticator.verify(&token).await.unwrap();
    tokio::time::sleep(verified.expires_in() + Duration::from_millis(1)).await;
    assert!(authenticator.find_verified(&token).is_none());
    assert_eq!(authenticator.verify(&token).await.unwrap_err(), TokenRejection::Expired);
}

#[tokio::test]
async fn a_key_that_is_published_again_keeps_its_tokens() {
    let issuer = TestIssuer::start().await;
    let authenticator = start(&issuer, AT_ONCE);
    let token = issuer.sign(&json!({}));
    authenticator.verify(&token).await.unwrap();
    let reads = issuer.reads();
    let unknown = jsonwebtoken::Header { kid: Some("unknown".to_owned()), ..issuer.header() };
    let refused = authenticator.verify(&issuer.sign_with(&unknown, &json!({}))).await.unwrap_err();
    assert_eq!((refused, issuer.reads()), (TokenRejection::UnknownKey, reads + 1));
    assert!(authenticator.find_verified(&token).is_some());
}

#[tokio::test]
async fn unknown_keys_are_looked_for_at_most_once_a_minute() {
    let issuer = TestIssuer::start().await;
    let authenticator = start(&issuer, RefreshTimes::default());
    authenticator.verify(&issuer.sign(&json!({}))).await.unwrap();
    for number in 0..20 {
        let header = jsonwebtoken::Header { kid: Some(format!("unknown-{number}")), ..issuer.header() };
        let refused = authenticator.verify(&issuer.sign_with(&header, &json!({}))).await.unwrap_err();
        assert_eq!(refused, TokenRejection::UnknownKey);
    }
    assert_eq!(issuer.reads(), 1);
}

#[tokio::test]
async fn keys_are_kept_while_the_issuer_is_away() {
    let issuer = TestIssuer::start().await;
    let authenticator = start(&issuer, AT_ONCE);
    authenticator.verify(&issuer.sign(&json!({}))).await.unwrap();
    issuer.answer_discovery("HTTP/1.1 503 Service Unavailable\r\n\r\n");
    let unknown = jsonwebtoken::Header { kid: Some("unknown".to_owned()), ..issuer.header() };
    let refused = authenticator.verify(&issuer.sign_with(&unknown, &json!({}))).await.unwrap_err();
    assert_eq!(refused, TokenRejection::UnknownKey);
    authenticator.verify(&issuer.token("bob", &[], &[])).await.unwrap();
}

#[tokio::test]
async fn documents_that_cannot_be_trusted_give_no_keys() {
    let issuer = TestIssuer::start().await;
    let url = issuer.url();
    let document = |issuer: &str, keys: &str| ok(&json!({"issuer": issuer, "jwks_uri": keys}).to_string());
    let keys = format!("{url}/keys");
    let mut cases = vec![
        document("https://other.example", &keys),
        document(&format!("{url}/"), &keys),
        document(url, "http://keys.example/keys"),
        document(url, "keys"),
        format!("HTTP/1.1 302 Found\r\nlocation: {url}/elsewhere\r\ncontent-length: 0\r\n\r\n"),
        ok("{}"),
        ok(&" ".repeat((256 << 10) + 1)),
    ];
    for response in cases.drain(..) {
        issuer.answer_discovery(&response);
        let authenticator = start(&issuer, AT_ONCE);
        let refused = authenticator.verify(&issuer.sign(&json!({}))).await.unwrap_err();
        let shown = &response[..response.len().min(200)];
        assert_eq!(
            (refused, refused.is_temporary(), issuer.reads()),
            (TokenRejection::IssuerUnavailable, true, 0),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_key_of_an_unknown_type_does_not_hide_the_others() {
    let issuer = TestIssuer::start().await;
    let public = serde_json::to_value(issuer.public_key()).unwrap();
    let symmetric = json!({"kty": "oct", "kid": "first", "k": "c2VjcmV0", "alg": "HS256"});
    let odd = json!({"kty": "new", "kid": 7});
    issuer.answer_key_set(&ok(&json!({"keys": [odd, symmetric, public]}).to_string()));
    let authenticator = start(&issuer, RefreshTimes::default());
    authenticator.verify(&issuer.sign(&json!({}))).await.unwrap();
    let header = jsonwebtoken::Header { kid: Some("first".to_owned()), ..Default::default() };
    let secret = jsonwebtoken::EncodingKey::from_secret(b"secret");
    let token = jsonwebtoken::encode(&header, &issuer.claims(&json!({})), &secret).unwrap();
    assert_eq!(authenticator.verify(&token).await.unwrap_err(), TokenRejection::Algorithm);
}
