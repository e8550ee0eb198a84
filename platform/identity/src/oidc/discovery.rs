//! What clients read before anything else: what is offered where, and the public keys.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::refusal::{Refusal, json as answer};
use crate::desk::Desk;

/// What may be asked of a person.
pub(crate) const SCOPES: [&str; 5] = ["openid", "profile", "email", "roles", "offline_access"];

/// `/.well-known/openid-configuration`.
pub(crate) async fn configuration(State(desk): State<Desk>) -> Response {
    let settings = &desk.settings;
    let body = json!({
        "issuer": settings.issuer,
        "authorization_endpoint": settings.at("authorize"),
        "token_endpoint": settings.at("token"),
        "userinfo_endpoint": settings.at("userinfo"),
        "jwks_uri": settings.at("jwks"),
        "revocation_endpoint": settings.at("revoke"),
        "introspection_endpoint": settings.at("introspect"),
        "end_session_endpoint": settings.at("logout"),
        "scopes_supported": SCOPES,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sid", "name", "locale", "email", "email_verified", "roles"],
        "ui_locales_supported": ["ko", "en"],
        "prompt_values_supported": ["none", "login", "create"],
        "authorization_response_iss_parameter_supported": true,
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
    });
    kept(&body, settings.key_cache_s)
}

/// `/jwks`.
pub(crate) async fn jwks(State(desk): State<Desk>) -> Response {
    match desk.keys.jwks().await {
        Ok(keys) => kept(&json!(keys), desk.settings.key_cache_s),
        Err(error) => Refusal::from(error).into_response(),
    }
}

/// What clients may keep for a while, and scripts of any page may read.
fn kept(body: &Value, seconds: i64) -> Response {
    let mut response = answer(StatusCode::OK, body);
    let headers = response.headers_mut();
    headers.remove(header::PRAGMA);
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if let Ok(value) = HeaderValue::try_from(format!("public, max-age={seconds}")) {
        headers.insert(header::CACHE_CONTROL, value);
    }
    response
}
