//! An OpenID Connect issuer on this machine, which signs tokens with keys of its own.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp, jwk::Jwk};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// The audience of the tokens.
pub const AUDIENCE: &str = "rollcall";

/// A running issuer. Dropping the value ends it.
pub struct TestIssuer {
    url: String,
    state: Arc<IssuerState>,
    server: JoinHandle<()>,
}

struct IssuerState {
    reads: AtomicUsize,
    key: Mutex<(EncodingKey, Jwk)>,
    /// The discovery document and the key set, or other answers in their place.
    discovery: Mutex<String>,
    key_set: Mutex<String>,
}

impl TestIssuer {
    /// Starts an issuer with one key.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let key = new_key("first");
        let discovery = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
        let state = Arc::new(IssuerState {
            reads: AtomicUsize::new(0),
            discovery: Mutex::new(ok(&discovery.to_string())),
            key_set: Mutex::new(key_set(&[&key.1])),
            key: Mutex::new(key),
        });
        let serving = state.clone();
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, serving.clone()));
            }
        });
        Self { url, state, server }
    }

    /// Returns the URL of the issuer.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns a configuration that accepts the issuer's tokens under the name `test`.
    #[must_use]
    pub fn config(&self) -> String {
        let issuer = json!({
            "name": "test", "issuer": self.url, "audiences": [AUDIENCE], "roles_claim": "roles",
            "organizations_claim": "organizations", "all_organizations_value": "*"
        });
        json!({"issuers": [issuer]}).to_string()
    }

    /// Returns a token of a caller with these roles in these organizations.
    #[must_use]
    pub fn token(&self, subject: &str, roles: &[&str], organizations: &[&str]) -> String {
        self.sign(&json!({"sub": subject, "roles": roles, "organizations": organizations}))
    }

    /// Signs a token. Claims that every token needs are added; a claim that is `null` is left out.
    #[must_use]
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with(&self.header(), claims)
    }

    /// Signs a token with another header.
    #[must_use]
    pub fn sign_with(&self, header: &Header, claims: &Value) -> String {
        encode(header, &self.claims(claims), &self.state.key.lock().unwrap().0).unwrap()
    }

    /// Returns the header of tokens.
    #[must_use]
    pub fn header(&self) -> Header {
        Header { kid: self.public_key().common.key_id, ..Header::new(Algorithm::ES256) }
    }

    /// Returns the claims of a token, with those that every token needs.
    #[must_use]
    pub fn claims(&self, claims: &Value) -> Value {
        let exp = get_current_timestamp() + 600;
        let mut all = json!({"iss": self.url, "aud": AUDIENCE, "exp": exp, "sub": "ann"});
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        all
    }

    /// Returns the public key with which tokens are verified.
    #[must_use]
    pub fn public_key(&self) -> Jwk {
        self.state.key.lock().unwrap().1.clone()
    }

    /// Signs with a new key, and publishes it in the place of the old one.
    pub fn rotate(&self, kid: &str) {
        let key = new_key(kid);
        *self.state.key_set.lock().unwrap() = key_set(&[&key.1]);
        *self.state.key.lock().unwrap() = key;
    }

    /// Answers with this HTTP response instead of the discovery document.
    pub fn answer_discovery(&self, response: &str) {
        response.clone_into(&mut self.state.discovery.lock().unwrap());
    }

    /// Answers with this HTTP response instead of the key set.
    pub fn answer_key_set(&self, response: &str) {
        response.clone_into(&mut self.state.key_set.lock().unwrap());
    }

    /// Returns how often the key set was read.
    #[must_use]
    pub fn reads(&self) -> usize {
        self.state.reads.load(Ordering::SeqCst)
    }
}

impl Drop for TestIssuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Returns a private key and its public key.
fn new_key(kid: &str) -> (EncodingKey, Jwk) {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    let key = EncodingKey::from_ec_der(pkcs8.as_ref());
    let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
    public.common.key_id = Some(kid.to_owned());
    (key, public)
}

fn key_set(keys: &[&Jwk]) -> String {
    ok(&json!({ "keys": keys }).to_string())
}

/// Returns an HTTP response with a body.
#[must_use]
pub fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

async fn answer(mut stream: TcpStream, state: Arc<IssuerState>) {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut request).await.is_ok_and(|read| read == 0) {
            return;
        }
    }
    let response = if request.starts_with(b"GET /keys ") {
        state.reads.fetch_add(1, Ordering::SeqCst);
        state.key_set.lock().unwrap().clone()
    } else {
        state.discovery.lock().unwrap().clone()
    };
    // A client that is gone reads no answer.
    let _ = stream.write_all(response.replacen("\r\n", "\r\nconnection: close\r\n", 1).as_bytes()).await;
}
