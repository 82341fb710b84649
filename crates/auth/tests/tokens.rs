//! Which tokens are accepted, and which are refused for which reason.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use rollcall_auth::{AuthConfig, Authenticator, CallerRole, OrganizationGrant, RefreshTimes, TokenRejection};
use rollcall_testkit::issuer::TestIssuer;
use serde_json::{Value, json};

fn start(issuer: &TestIssuer) -> Authenticator {
    Authenticator::start(AuthConfig::parse(&issuer.config()).unwrap(), RefreshTimes::default()).unwrap()
}

async fn refused(authenticator: &Authenticator, token: &str) -> Option<TokenRejection> {
    authenticator.verify(token).await.err()
}

/// Returns the text of a token with this header and an empty signature.
fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(header), part(claims))
}

#[tokio::test]
async fn a_token_says_who_the_caller_is() {
    let issuer = TestIssuer::start().await;
    let authenticator = start(&issuer);
    let token = issuer.token("ann", &["READER", "unknown"], &["acme", "umbrella"]);
    let verified = authenticator.verify(&token).await.unwrap();
    let principal = verified.principal();
    assert_eq!(&*principal.name, "test:ann");
    assert!(principal.roles.contains(CallerRole::Reader) && !principal.roles.contains(CallerRole::TechAdmin));
    let named = ["acme", "umbrella", "other"].map(|id| principal.organizations.includes(id));
    assert_eq!((named, principal.organizations.is_all()), ([true, true, false], false));
    assert!((600..=631).contains(&verified.expires_in().as_secs()), "{verified:?}");

    let all = authenticator.verify(&issuer.token("bob", &["OPERATOR"], &["*"])).await.unwrap();
    assert_eq!(all.principal().organizations, OrganizationGrant::All);
    let none = authenticator.verify(&issuer.sign(&json!({}))).await.unwrap();
    assert!(CallerRole::ALL.into_iter().all(|role| !none.principal().roles.contains(role)));
    assert!(!none.principal().organizations.includes("acme"));
}

#[tokio::test]
async fn values_of_claims_are_mapped_to_roles() {
    let issuer = TestIssuer::start().await;
    let mut config: Value = serde_json::from_str(&issuer.config()).unwrap();
    config["issuers"][0]["roles"] = json!({"admins": ["TECH_ADMIN", "REPORT_READER"]});
    config["issuers"][0]["roles_claim"] = "/realm_access/roles".into();
    let config = AuthConfig::parse(&config.to_string()).unwrap();
    let authenticator = Authenticator::start(config, RefreshTimes::default()).unwrap();
    let token = issuer.sign(&json!({"realm_access": {"roles": ["admins", "OPERATOR"]}, "roles": ["OPERATOR"]}));
    let roles = authenticator.verify(&token).await.unwrap().principal().roles;
    let given: Vec<_> =
        CallerRole::ALL.into_iter().filter(|role| roles.contains(*role)).map(CallerRole::name).collect();
    assert_eq!(given, ["TECH_ADMIN", "READER", "EXPORT_CHECKER", "REPORT_READER"]);
}

#[tokio::test]
async fn claims_of_other_services_times_and_issuers_are_refused() {
    let issuer = TestIssuer::start().await;
    let authenticator = start(&issuer);
    let now = get_current_timestamp();
    let slash = format!("{}/", issuer.url());
    let cases = [
        (json!({"exp": now - 31}), TokenRejection::Expired),
        (json!({"nbf": now + 60}), TokenRejection::NotYetValid),
        (json!({"aud": "other"}), TokenRejection::Audience),
        (json!({"aud": ["other", "ROLLCALL"]}), TokenRejection::Audience),
        (json!({"aud": []}), TokenRejection::Audience),
        (json!({"aud": null}), TokenRejection::Claims),
        (json!({"iss": "https://other.example"}), TokenRejection::Issuer),
        (json!({ "iss": slash }), TokenRejection::Issuer),
        (json!({"iss": [issuer.url()]}), TokenRejection::Claims),
        (json!({"iss": null}), TokenRejection::Claims),
        (json!({"exp": null}), TokenRejection::Claims),
        (json!({"exp": "tomorrow"}), TokenRejection::Claims),
        (json!({"exp": -1}), TokenRejection::Claims),
        (json!({"sub": null}), TokenRejection::Subject),
        (json!({"sub": ""}), TokenRejection::Subject),
        (json!({"sub": "a\nb"}), TokenRejection::Subject),
        (json!({"sub": "x".repeat(256)}), TokenRejection::Subject),
        (json!({"roles": "x".repeat(8 << 10)}), TokenRejection::TooLarge),
    ];
    for (claims, expected) in cases {
        let token = issuer.sign(&claims);
        assert_eq!(refused(&authenticator, &token).await, Some(expected), "{claims}");
    }
    // Within the leeway, and one of several audiences.
    for claims in [json!({"exp": now - 20}), json!({"nbf": now + 10}), json!({"aud": ["other", "rollcall"]})] {
        assert_eq!(refused(&authenticator, &issuer.sign(&claims)).await, None, "{claims}");
    }
}

#[tokio::test]
async fn only_signatures_of_the_named_public_key_are_accepted() {
    let issuer = TestIssuer::start().await;
    let authenticator = start(&issuer);
    let (claims, header) = (issuer.claims(&json!({})), issuer.header());
    let kid = header.kid.clone();
    // The public key as the secret of a symmetric signature, in several writings.
    let public = serde_json::to_value(issuer.public_key()).unwrap();
    for secret in [public.to_string(), public["x"].as_str().unwrap().to_owned()] {
        let symmetric = Header { kid: kid.clone(), ..Header::new(Algorithm::HS256) };
        let token = encode(&symmetric, &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap();
        assert_eq!(refused(&authenticator, &token).await, Some(TokenRejection::Algorithm));
    }
    for none in ["none", "None", "NONE", "nOnE", ""] {
        let token = unsigned(&json!({"alg": none, "kid": kid}), &claims);
        assert_eq!(refused(&authenticator, &token).await, Some(TokenRejection::Algorithm), "{none:?}");
    }
    let token = issuer.sign(&json!({}));
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let changed = format!("{}{}", if signature.starts_with('A') { 'B' } else { 'A' }, &signature[1..]);
    let other = TestIssuer::start().await;
    let cases = [
        (unsigned(&json!({"alg": "ES256", "kid": kid}), &claims), TokenRejection::Signature),
        (format!("{signed}."), TokenRejection::Signature),
        (format!("{signed}.{changed}"), TokenRejection::Signature),
        (other.sign(&json!({"iss": issuer.url()})), TokenRejection::Signature),
        // A key in the header, or at a place that the header names, is never used.
        (
            other.sign_with(&Header { jwk: Some(other.public_key()), ..other.header() }, &json!({"iss": issuer.url()})),
            TokenRejection::Signature,
        ),
        (issuer.sign_with(&Header { kid: None, ..header.clone() }, &json!({})), TokenRejection::Header),
        (
            issuer.sign_with(&Header { crit: Some(vec!["exp".to_owned()]), ..header.clone() }, &json!({})),
            TokenRejection::Header,
        ),
        (
            issuer.sign_with(&Header { kid: Some("x".to_owned()), ..header.clone() }, &json!({})),
            TokenRejection::UnknownKey,
        ),
        (unsigned(&json!({"alg": "RS256", "kid": kid}), &claims), TokenRejection::UnknownKey),
        (String::new(), TokenRejection::Malformed),
        ("a.b".to_owned(), TokenRejection::Malformed),
        (format!("{token}.x"), TokenRejection::Malformed),
    ];
    for (token, expected) in cases {
        assert_eq!(refused(&authenticator, &token).await, Some(expected), "{token}");
    }
}

#[tokio::test]
async fn algorithms_can_be_narrowed() {
    let issuer = TestIssuer::start().await;
    let mut config: Value = serde_json::from_str(&issuer.config()).unwrap();
    config["issuers"][0]["algorithms"] = json!(["RS256"]);
    let config = AuthConfig::parse(&config.to_string()).unwrap();
    let authenticator = Authenticator::start(config, RefreshTimes::default()).unwrap();
    assert_eq!(refused(&authenticator, &issuer.sign(&json!({}))).await, Some(TokenRejection::Algorithm));
}
