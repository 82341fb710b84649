//! What a configuration file may say, and which certificates it accepts.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

use rollcall_auth::{AuthConfig, Authenticator, CallerRole, CertificateNames, RefreshTimes};
use serde_json::{Value, json};

fn issuer() -> Value {
    json!({
        "name": "corp", "issuer": "https://login.corp.example", "audiences": ["rollcall"], "roles_claim": "roles",
        "organizations_claim": "organizations"
    })
}

/// Returns the issuer with another value of a field; `null` leaves the field out.
fn with(field: &str, value: Value) -> Value {
    let mut issuer = issuer();
    issuer[field] = value;
    issuer.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    json!({ "issuers": [issuer] })
}

fn certificate(names: Value) -> Value {
    let mut grant = json!({"name": "crm", "roles": ["EXPORT_CHECKER"], "organizations": ["acme"]});
    grant.as_object_mut().unwrap().extend(names.as_object().unwrap().clone());
    grant
}

#[test]
fn each_error_names_the_field_and_says_what_to_write() {
    let cases = [
        (json!({}), "issuers, certificates: give at least one"),
        (with("audiences", Value::Null), "issuers[0].audiences: give the values"),
        (with("audiences", json!([])), "issuers[0].audiences: give the values"),
        (with("audiences", json!([""])), "issuers[0].audiences: give the values"),
        (with("issuer", Value::Null), "issuers[0].issuer: give the issuer's https:// URL"),
        (with("issuer", json!("http://login.corp.example")), "issuers[0].issuer: give the issuer's https:// URL"),
        (with("issuer", json!("http://127.0.0.1.corp.example")), "issuers[0].issuer: give"),
        (with("issuer", json!("https://login.corp.example?a=b")), "issuers[0].issuer: give"),
        (with("name", json!("a b")), "issuers[0].name: give a short name"),
        (with("name", json!("certificate")), "issuers[0].name: give a short name"),
        (with("roles_claim", Value::Null), "issuers[0].roles_claim: give the name"),
        (with("organizations_claim", Value::Null), "issuers[0].organizations_claim: give the name"),
        (with("all_organizations_value", json!("")), "issuers[0].all_organizations_value: give the value"),
        (with("algorithms", json!(["HS256"])), "issuers[0].algorithms: give some of RS256"),
        (with("algorithms", json!([])), "issuers[0].algorithms: give some of RS256"),
        (with("algorithms", json!(["none"])), "issuers[0].algorithms[0]: unknown variant `none`"),
        (with("roles", json!({"admins": ["ADMIN"]})), "issuers[0].roles.admins[0]: unknown variant `ADMIN`"),
        (with("audience", json!("rollcall")), "issuers[0].audience: unknown field `audience`"),
        (json!({"issuers": [issuer(), issuer()]}), "issuers: give each issuer another"),
        (json!({"certificates": [certificate(json!({}))]}), "certificates[0]: give exactly one of `uri`"),
        (
            json!({"certificates": [certificate(json!({"uri": "", "subject": "CN=a"}))]}),
            "certificates[0]: give exactly",
        ),
        (json!({"certificates": [certificate(json!({"uri": "a", "name": ""}))]}), "certificates[0].name: give a short"),
        (json!({"certificates": [certificate(json!({"uri": "a", "roles": []}))]}), "certificates[0].roles: give roles"),
        (
            json!({"certificates": [certificate(json!({"uri": "a", "all_organizations": true}))]}),
            "certificates[0].organizations: give ids",
        ),
        (
            json!({"certificates": [certificate(json!({"uri": "a", "organizations": []}))]}),
            "certificates[0].organizations: give ids",
        ),
    ];
    for (config, expected) in cases {
        let error = AuthConfig::parse(&config.to_string()).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{config}: {error}");
    }
    assert!(AuthConfig::parse("{} x").is_err());
    for good in ["https://login.corp.example/", "http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"] {
        AuthConfig::parse(&with("issuer", json!(good)).to_string()).unwrap();
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = AuthConfig::read("/nowhere/auth.json".as_ref()).unwrap_err().to_string();
    assert!(error.starts_with("cannot read /nowhere/auth.json: "), "{error}");
}

#[tokio::test]
async fn the_names_in_a_certificate_give_a_principal() {
    let grants = [
        certificate(json!({"uri": "spiffe://corp.example/crm"})),
        certificate(json!({"dns_name": "crm.corp.example", "name": "dns"})),
        certificate(json!({"subject": "CN=crm,O=Corp", "name": "subject"})),
    ];
    let config = AuthConfig::parse(&json!({ "certificates": grants }).to_string()).unwrap();
    let authenticator = Authenticator::start(config, RefreshTimes::default()).unwrap();
    let find = |uris: &[&str], dns_names: &[&str], subject: &str| {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let names = CertificateNames { uris: owned(uris), dns_names: owned(dns_names), subject: subject.to_owned() };
        authenticator.find_certificate(&names).map(|principal| principal.name.to_string())
    };
    let spiffe = "spiffe://corp.example/crm";
    assert_eq!(find(&[spiffe], &[], "").as_deref(), Some("certificate:crm"));
    assert_eq!(find(&[], &["other", "CRM.corp.example"], "").as_deref(), Some("certificate:dns"));
    assert_eq!(find(&[], &[], "CN=crm,O=Corp").as_deref(), Some("certificate:subject"));
    // A SPIFFE certificate has one URI. Names are compared as a whole.
    let refused = [
        find(&[spiffe, "spiffe://corp.example/other"], &[], ""),
        find(&["spiffe://corp.example/crm/x"], &[], ""),
        find(&["SPIFFE://corp.example/crm"], &[], ""),
        find(&[], &["x.crm.corp.example"], ""),
        find(&[], &[], "CN=crm,O=Corp,C=DE"),
        find(&[], &[], ""),
    ];
    assert_eq!(refused, [const { None }; 6]);
    let names = CertificateNames { uris: vec![spiffe.to_owned()], ..Default::default() };
    let principal = authenticator.find_certificate(&names).unwrap();
    assert!(principal.roles.contains(CallerRole::ExportChecker) && !principal.roles.contains(CallerRole::Reader));
    assert!(principal.organizations.includes("acme") && !principal.organizations.includes("other"));
}
