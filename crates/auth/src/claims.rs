//! Reads the roles and the organizations of a principal from the claims of a verified token.

use serde_json::Value;

use crate::{
    config::IssuerConfig,
    principal::{CallerRole, CallerRoles, OrganizationGrant, Principal, is_printable},
    rejection::TokenRejection,
};

/// The longest subject, in bytes. OpenID Connect allows 255.
const SUBJECT_MAX: usize = 255;

/// Where a claim is: its name, or a JSON pointer if it begins with `/`. Names such as `https://corp.example/roles` have
/// slashes, too.
pub(crate) struct ClaimPath<'a>(&'a str);

impl<'a> ClaimPath<'a> {
    /// Returns whether a text says where a claim is.
    pub(crate) fn is_valid(text: &str) -> bool {
        !text.is_empty() && text != "/"
    }

    /// Returns the values of the claim: the strings of an array, the words of a string, or the keys of an object.
    fn values(&self, claims: &'a Value) -> Vec<&'a str> {
        let found = if self.0.starts_with('/') { claims.pointer(self.0) } else { claims.get(self.0) };
        match found {
            Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(text)) => text.split_ascii_whitespace().collect(),
            Some(Value::Object(values)) => values.keys().map(String::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

/// Returns the principal of a token's claims.
///
/// # Errors
/// The subject is absent, too long, or not printable.
pub(crate) fn to_principal(issuer: &IssuerConfig, claims: &Value) -> Result<Principal, TokenRejection> {
    let subject = claims.get("sub").and_then(Value::as_str).filter(|subject| is_printable(subject, SUBJECT_MAX));
    let subject = subject.ok_or(TokenRejection::Subject)?;
    Ok(Principal {
        name: format!("{}:{subject}", issuer.name).into(),
        roles: roles(issuer, claims),
        organizations: organizations(issuer, claims),
    })
}

fn roles(issuer: &IssuerConfig, claims: &Value) -> CallerRoles {
    let values = ClaimPath(&issuer.roles_claim).values(claims);
    match &issuer.roles {
        None => values.into_iter().filter_map(CallerRole::parse).collect(),
        Some(map) => values.into_iter().filter_map(|value| map.get(value)).flatten().copied().collect(),
    }
}

fn organizations(issuer: &IssuerConfig, claims: &Value) -> OrganizationGrant {
    let values = ClaimPath(&issuer.organizations_claim).values(claims);
    let all = issuer.all_organizations_value.as_deref();
    if values.iter().any(|value| Some(*value) == all) {
        return OrganizationGrant::All;
    }
    OrganizationGrant::Named(values.into_iter().map(Box::from).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn claims_are_arrays_words_or_keys() {
        let claims = json!({
            "roles": ["a", 1, "b"], "scope": "c d", "urn:project:roles": {"e": {"1": "corp"}},
            "realm_access": {"roles": ["f"]}, "https://corp.example/roles": ["g"], "number": 7
        });
        let values = |path| ClaimPath(path).values(&claims);
        assert_eq!(values("roles"), ["a", "b"]);
        assert_eq!(values("scope"), ["c", "d"]);
        assert_eq!(values("urn:project:roles"), ["e"]);
        assert_eq!(values("/realm_access/roles"), ["f"]);
        assert_eq!(values("https://corp.example/roles"), ["g"]);
        assert!(["number", "absent", "/absent/roles"].into_iter().all(|path| values(path).is_empty()));
    }
}
