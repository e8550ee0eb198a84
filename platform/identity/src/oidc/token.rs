//! `/token`: what a client has is exchanged for tokens.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::{
    client_auth::client,
    form::{Form, Params},
    grants::{code, credentials, refresh},
    refusal::{Refusal, json},
};
use crate::{desk::Desk, settings::clients::Grant};

pub(crate) async fn token(State(desk): State<Desk>, headers: HeaderMap, Form(params): Form) -> Response {
    let answered = async { answer(&desk, &headers, &params?).await };
    match answered.await {
        Ok(body) => json(StatusCode::OK, &body),
        Err(refusal) => refusal.into_response(),
    }
}

async fn answer(desk: &Desk, headers: &HeaderMap, params: &Params) -> Result<Value, Refusal> {
    let client = client(&desk.settings, headers, params)?;
    let grant = match params.get("grant_type") {
        Some("authorization_code") => Grant::AuthorizationCode,
        Some("refresh_token") => Grant::RefreshToken,
        Some("client_credentials") => Grant::ClientCredentials,
        Some(_) => return Err(Refusal::new("unsupported_grant_type", "there is no such grant_type")),
        None => return Err(Refusal::new("invalid_request", "there is no grant_type")),
    };
    if !client.grants.contains(&grant) {
        return Err(Refusal::new("unauthorized_client", "the client may not use this grant_type"));
    }
    match grant {
        Grant::AuthorizationCode => code::exchange(desk, client, params).await,
        Grant::RefreshToken => refresh::refresh(desk, client, params).await,
        Grant::ClientCredentials => credentials::grant(desk, client, params).await,
    }
}
