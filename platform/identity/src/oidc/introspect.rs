//! `/introspect` (RFC 7662): whether a token counts now, for clients with a secret.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use bongsu_runtime::CommandError;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::{
    claims::believed,
    client_auth::client,
    form::{Form, Params},
    grants::refresh::read,
    refusal::{Refusal, json as answer},
};
use crate::{desk::Desk, private::tables::Family, settings::Client};

pub(crate) async fn introspect(State(desk): State<Desk>, headers: HeaderMap, Form(params): Form) -> Response {
    let looked = async { look(&desk, &headers, &params?).await };
    match looked.await {
        Ok(body) => answer(StatusCode::OK, &body),
        Err(refusal) => refusal.into_response(),
    }
}

async fn look(desk: &Desk, headers: &HeaderMap, params: &Params) -> Result<Value, Refusal> {
    let client = client(&desk.settings, headers, params)?;
    if client.is_public() {
        return Err(Refusal::client("this is for clients with a secret"));
    }
    let token = params.get("token").ok_or_else(|| Refusal::new("invalid_request", "there is no token"))?;
    if let Some((gid, secret)) = read(token) {
        return Ok(of_refresh(desk, client, gid, secret).await?);
    }
    let Some(access) = believed(desk, token).await? else { return Ok(json!({ "active": false })) };
    let mut told = json!(access);
    told["active"] = true.into();
    told["token_type"] = "Bearer".into();
    // What only this service knows what to do with.
    if let Some(members) = told.as_object_mut() {
        members.remove("gid");
    }
    Ok(told)
}

/// Only of the client's own: what is anybody else's does not count for it.
async fn of_refresh(desk: &Desk, client: &Client, gid: &str, secret: &str) -> Result<Value, CommandError> {
    let family = desk.private.get::<Family>(gid).await?;
    let counts = |family: &Family| {
        let is_its_own = family.consent.client == client.id && family.is_current(secret);
        is_its_own && !family.revoked && family.expires_ms > desk.now_ms()
    };
    let Some(family) = family.filter(counts) else { return Ok(json!({ "active": false })) };
    if !desk.person(&family.consent.person).await?.may_come_in() {
        return Ok(json!({ "active": false }));
    }
    let consent = &family.consent;
    Ok(json!({
        "active": true, "iss": desk.settings.issuer, "sub": consent.person, "client_id": consent.client,
        "scope": consent.scope, "sid": consent.sid, "exp": family.expires_ms / 1_000,
    }))
}
