//! The credentials of a call: a token in the header `authorization`, or else the client certificate of its connection.

use http::{Extensions, HeaderMap, header::AUTHORIZATION};
use rollcall_auth::CertificateNames;

/// The credentials of a call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Credentials<'a> {
    /// The caller has sent none.
    None,
    /// A token, which was not verified.
    Token(&'a str),
    /// The names in a certificate, which was verified.
    Certificate(&'a CertificateNames),
    /// The header is not as it must be. The text says what to do.
    Malformed(&'static str),
}

impl<'a> Credentials<'a> {
    /// Returns the credentials of a call. A token wins over a certificate.
    pub(super) fn of(headers: &'a HeaderMap, extensions: &'a Extensions) -> Self {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else {
            return extensions.get().map_or(Self::None, Self::Certificate);
        };
        if values.next().is_some() {
            return Self::Malformed("the call has several headers `authorization`; send one");
        }
        let token = value.to_str().ok().and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        match token {
            Some(token) if !token.is_empty() => Self::Token(token),
            _ => Self::Malformed("the header `authorization` is not `Bearer` and a token; send a token in this form"),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn one_bearer_token_is_read() {
        let extensions = Extensions::new();
        let headers = |values: &[&str]| -> HeaderMap {
            let value = |value: &&str| (AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            values.iter().map(value).collect()
        };
        for good in ["Bearer a.b.c", "bearer a.b.c", "BEARER  a.b.c "] {
            assert_eq!(Credentials::of(&headers(&[good]), &extensions), Credentials::Token("a.b.c"));
        }
        for bad in [&["Basic YTpi"][..], &["Bearer"], &["Bearer "], &["a.b.c"], &[""], &["Bearer a", "Bearer a"]] {
            let headers = headers(bad);
            assert!(matches!(Credentials::of(&headers, &extensions), Credentials::Malformed(_)), "{bad:?}");
        }
        assert_eq!(Credentials::of(&HeaderMap::new(), &extensions), Credentials::None);
    }

    #[test]
    fn a_token_wins_over_a_certificate() {
        let mut extensions = Extensions::new();
        let names = CertificateNames::default();
        extensions.insert(names.clone());
        assert_eq!(Credentials::of(&HeaderMap::new(), &extensions), Credentials::Certificate(&names));
        let headers = [(AUTHORIZATION, HeaderValue::from_static("Bearer x"))].into_iter().collect();
        assert_eq!(Credentials::of(&headers, &extensions), Credentials::Token("x"));
    }
}
