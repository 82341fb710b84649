//! Every RPC with every kind of wrong credentials, while the database cannot be reached: a refused call sends no statement.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use rollcall_auth::{CallerRole, CallerRoles};
use rollcall_testkit::{Fault, TestServer, contract::Rpc, issuer::TestIssuer};
use serde_json::{Value, json};

use crate::{ROLES, SPANNING, prepare_calls, refusal};

const UNAUTHENTICATED: &str = "Unauthenticated UNAUTHENTICATED";

/// Returns tokens that no RPC accepts, with what is wrong with each. Their roles and organizations would do.
fn wrong_tokens(issuer: &TestIssuer, other: &TestIssuer) -> Vec<(&'static str, Option<String>)> {
    let rights = |claims: Value| {
        let mut all = json!({"roles": ROLES, "organizations": ["*"]});
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        all
    };
    let claims = issuer.claims(&rights(json!({})));
    let kid = issuer.header().kid;
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let none = format!("{}.{}.", part(&json!({"alg": "none", "kid": kid})), part(&claims));
    let secret = EncodingKey::from_secret(serde_json::to_string(&issuer.public_key()).unwrap().as_bytes());
    let symmetric = encode(&Header { kid, ..Header::new(Algorithm::HS256) }, &claims, &secret).unwrap();
    vec![
        ("no token", None),
        ("expired", Some(issuer.sign(&rights(json!({"exp": get_current_timestamp() - 60}))))),
        ("wrong audience", Some(issuer.sign(&rights(json!({"aud": "other"}))))),
        ("wrong issuer", Some(other.sign(&rights(json!({}))))),
        ("another issuer's key", Some(other.sign(&rights(json!({"iss": issuer.url()}))))),
        ("alg none", Some(none)),
        ("HS256 with the public key", Some(symmetric)),
    ]
}

/// Returns the roles that do not include the role of an RPC.
fn lacking_roles(rpc: &Rpc) -> Vec<&'static str> {
    let needed = CallerRole::parse(&rpc.role()).unwrap();
    let lacks = |role: &CallerRole| ![*role].into_iter().collect::<CallerRoles>().contains(needed);
    CallerRole::ALL.into_iter().filter(lacks).map(CallerRole::name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rpc_refuses_wrong_callers_without_a_statement() {
    let (server, proxy) = TestServer::start_behind_proxy().await;
    let (issuer, other) = (TestIssuer::start().await, TestIssuer::start().await);
    let channel = server.serve_guarded(&issuer).await;
    let calls = prepare_calls(&server).await;
    let wrong = wrong_tokens(&issuer, &other);
    proxy.inject(Fault::Refuse);
    let mut faults = Vec::new();
    for (rpc, request) in &calls {
        let role = rpc.role();
        let mut check = async |what: &str, token: Option<&str>, expected: &str| {
            let refused = refusal(rpc, &channel, token, request).await;
            if refused != expected {
                faults.push(format!("{} with {what}: {refused:?}", rpc.name()));
            }
        };
        for (what, token) in &wrong {
            check(what, token.as_deref(), UNAUTHENTICATED).await;
        }
        let denied = |metadata: &str| format!("PermissionDenied PERMISSION_DENIED {metadata}");
        let lacking = issuer.token("ann", &lacking_roles(rpc), &["*"]);
        check("a lacking role", Some(&lacking), &denied(&format!("role={role}"))).await;
        let organization = if SPANNING.contains(&rpc.name().as_str()) { "-" } else { "acme" };
        for granted in [&["other", "acm", "acme2", "ACME", "organizations/acme"][..], &[]] {
            let token = issuer.token("ann", &[&role], granted);
            check("other organizations", Some(&token), &denied(&format!("organization={organization}"))).await;
        }
    }
    assert_eq!(faults, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rpc_accepts_the_declared_role_in_its_organization() {
    let server = TestServer::start().await;
    let issuer = TestIssuer::start().await;
    let channel = server.serve_guarded(&issuer).await;
    let mut faults = Vec::new();
    for (rpc, request) in prepare_calls(&server).await {
        let organizations = if SPANNING.contains(&rpc.name().as_str()) { ["*"] } else { ["acme"] };
        let token = issuer.token("ann", &[&rpc.role()], &organizations);
        let refused = refusal(&rpc, &channel, Some(&token), &request).await;
        if !refused.is_empty() {
            faults.push(format!("{}: {refused}", rpc.name()));
        }
    }
    assert_eq!(faults, [""; 0]);
    server.stop().await;
}
