//! `/revoke` (RFC 7009): a client gives a token back. What is not its own, or none, is answered in the same way.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::{
    claims::{ours, revoke_family},
    client_auth::client,
    form::{Form, Params},
    grants::refresh::read,
    refusal::{Refusal, json as answer},
};
use crate::{
    desk::Desk,
    private::tables::{Document as _, Family, Revoked},
};

pub(crate) async fn revoke(State(desk): State<Desk>, headers: HeaderMap, Form(params): Form) -> Response {
    let revoked = async { take_back(&desk, &headers, &params?).await };
    match revoked.await {
        Ok(()) => answer(StatusCode::OK, &json!({})),
        Err(refusal) => refusal.into_response(),
    }
}

async fn take_back(desk: &Desk, headers: &HeaderMap, params: &Params) -> Result<(), Refusal> {
    let client = client(&desk.settings, headers, params)?;
    let token = params.get("token").ok_or_else(|| Refusal::new("invalid_request", "there is no token"))?;
    if let Some((gid, secret)) = read(token) {
        let family = desk.private.get::<Family>(gid).await?;
        let is_its_own = |family: &Family| family.consent.client == client.id && family.has(secret);
        if family.as_ref().is_some_and(is_its_own) {
            revoke_family(desk, gid).await?;
        }
        return Ok(());
    }
    let Some(access) = ours(desk, token).await?.filter(|access| access.client_id == client.id) else { return Ok(()) };
    let noted = desk.private.transact(Vec::new(), |script| {
        Revoked { expires_ms: access.exp * 1_000 }.put(script, &access.jti);
        Ok::<(), ()>(())
    });
    Ok(noted.await.map(drop)?)
}
