//! The clients that may ask for tokens, and which redirect URI, grant and scope is theirs.

use std::{collections::BTreeSet, path::PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    crypto::{digest, same},
    person::Role,
    settings::is_loopback,
};

/// Shortest secret that is taken: 32 characters are 128 bits even if only hexadecimal digits were drawn.
const SHORTEST_SECRET: usize = 32;

/// Who may ask for tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Form")]
pub struct Client {
    /// Its name, which is public.
    pub id: String,
    /// The file with its secret. Without one it is public: whoever has its program has all it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// Where a person may be sent back to, letter by letter.
    pub redirect_uris: Vec<String>,
    /// Where a person may be sent after logging out, letter by letter.
    pub post_logout_redirect_uris: Vec<String>,
    /// A program on a person's own machine: of a loopback redirect URI the port may differ (RFC 8252 §7.3).
    pub any_loopback_port: bool,
    pub grants: BTreeSet<Grant>,
    /// What it may ask for.
    pub scopes: BTreeSet<String>,
    /// What its ID tokens are signed with.
    pub id_token_signed_response_alg: SigningAlg,
    /// What it may do itself, with client credentials.
    pub roles: BTreeSet<Role>,
    /// SHA-256 of the secret.
    #[serde(skip)]
    secret: Option<String>,
}

/// How tokens may be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    AuthorizationCode,
    RefreshToken,
    ClientCredentials,
}

/// What a signature is made with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SigningAlg {
    #[default]
    ES256,
    RS256,
}

/// A client as it is written in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    id: String,
    secret_file: Option<PathBuf>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    #[serde(default)]
    post_logout_redirect_uris: Vec<String>,
    #[serde(default)]
    any_loopback_port: bool,
    grants: BTreeSet<Grant>,
    scopes: BTreeSet<String>,
    #[serde(default)]
    id_token_signed_response_alg: SigningAlg,
    #[serde(default)]
    roles: BTreeSet<Role>,
}

impl SigningAlg {
    /// As the protocol writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ES256 => "ES256",
            Self::RS256 => "RS256",
        }
    }
}

impl Client {
    /// A client with a secret, as tests and demonstrations make it.
    #[must_use]
    pub fn with_secret(mut self, secret: &str) -> Self {
        self.secret = Some(digest(secret));
        self
    }

    /// Whether it has no secret.
    pub fn is_public(&self) -> bool {
        self.secret.is_none()
    }

    /// Whether this is its secret. Takes the same time whatever was given.
    pub(crate) fn proves(&self, secret: &str) -> bool {
        self.secret.as_ref().is_some_and(|kept| same(kept, &digest(secret)))
    }

    /// Whether a person may be sent there.
    pub(crate) fn may_redirect(&self, uri: &str) -> bool {
        self.redirect_uris.iter().any(|known| known == uri || self.is_public() && self.differs_in_port(known, uri))
    }

    fn differs_in_port(&self, known: &str, uri: &str) -> bool {
        let (Ok(mut known), Ok(mut given)) = (Url::parse(known), Url::parse(uri)) else { return false };
        let is_here = known.scheme() == "http" && is_loopback(&known) && known.domain().is_none();
        // What the parser tidied up was not written letter by letter.
        if !self.any_loopback_port || !is_here || given.as_str() != uri {
            return false;
        }
        known.set_port(None).is_ok() && given.set_port(None).is_ok() && known == given
    }

    /// What is granted of what was asked for; nothing asked for is all of it. `None` for a scope that is not its own.
    pub(crate) fn granted(&self, asked: Option<&str>) -> Option<String> {
        let Some(asked) = asked else { return Some(self.scopes.iter().cloned().collect::<Vec<_>>().join(" ")) };
        let asked: BTreeSet<&str> = asked.split(' ').filter(|scope| !scope.is_empty()).collect();
        let is_its_own = asked.iter().all(|scope| self.scopes.contains(*scope));
        is_its_own.then(|| asked.into_iter().collect::<Vec<_>>().join(" "))
    }
}

impl TryFrom<Form> for Client {
    type Error = String;

    fn try_from(form: Form) -> Result<Self, String> {
        let Form { id, secret_file, redirect_uris, post_logout_redirect_uris, .. } = form;
        if id.is_empty() || id.len() > 64 || !id.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it)) {
            return Err(format!("{id:?} is no client's id: 1 to 64 of A-Z, a-z, 0-9, - _ ."));
        }
        let of = |why: String| format!("client {id}: {why}");
        for uri in redirect_uris.iter().chain(&post_logout_redirect_uris) {
            check_uri(uri).map_err(of)?;
        }
        if let Some(scope) = form.scopes.iter().find(|scope| !is_scope(scope)) {
            return Err(of(format!("scopes: {scope:?} is no scope")));
        }
        let has = |grant| form.grants.contains(&grant);
        if has(Grant::AuthorizationCode) == redirect_uris.is_empty() {
            return Err(of("redirect_uris: at least one with the grant authorization_code, none without".into()));
        }
        if has(Grant::ClientCredentials) && secret_file.is_none() {
            return Err(of("secret_file: the grant client_credentials needs one".into()));
        }
        if form.any_loopback_port && secret_file.is_some() {
            return Err(of("any_loopback_port: only for a client without a secret".into()));
        }
        let secret = secret_file.as_ref().map(read_secret).transpose().map_err(of)?;
        Ok(Self {
            id,
            secret_file,
            redirect_uris,
            post_logout_redirect_uris,
            any_loopback_port: form.any_loopback_port,
            grants: form.grants,
            scopes: form.scopes,
            id_token_signed_response_alg: form.id_token_signed_response_alg,
            roles: form.roles,
            secret,
        })
    }
}

fn is_scope(scope: &str) -> bool {
    (1..=64).contains(&scope.len()) && scope.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte))
}

/// https anywhere, http on this machine, or a program's own scheme, which has a dot in it (RFC 8252 §7.1).
fn check_uri(uri: &str) -> Result<(), String> {
    let wrong = |why: &str| Err(format!("redirect_uris: {uri:?} {why}"));
    let Ok(at) = Url::parse(uri) else { return wrong("is no address") };
    if uri.len() > 512 || at.fragment().is_some() || !at.username().is_empty() || at.password().is_some() {
        return wrong("has a fragment or a user in it, or is over 512 characters");
    }
    match at.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(&at) => Ok(()),
        "http" => wrong("without https must be on this machine"),
        own if own.contains('.') => Ok(()),
        _ => wrong("is neither https nor of a scheme like com.example.app"),
    }
}

fn read_secret(file: &PathBuf) -> Result<String, String> {
    let text =
        std::fs::read_to_string(file).map_err(|why| format!("secret_file: cannot read {}: {why}", file.display()))?;
    let secret = text.trim();
    if secret.len() < SHORTEST_SECRET {
        return Err(format!("secret_file: {} holds fewer than {SHORTEST_SECRET} characters", file.display()));
    }
    Ok(digest(secret))
}
