//! `/logout` (RP-Initiated Logout 1.0): a session ends, and the browser goes where the client may send it.
//!
//! With an ID token of this very session it is done at once; without one, anybody could have written the link, and the
//! person is asked.

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use bongsu_runtime::CommandError;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::{
    claims::hinted,
    form::{Form, Params, Unreadable, with_query},
    refusal::Refusal,
};
use crate::{
    accounts::sessions,
    desk::Desk,
    pages::{self, cookies, guard::is_ours, signed_out},
    settings::Client,
};

/// What an ID token says about who logs out.
struct Hint {
    client: String,
    sid: String,
}

pub(crate) async fn by_address(State(desk): State<Desk>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    answer(&desk, &headers, Params::parse(query.unwrap_or_default().as_bytes())).await
}

pub(crate) async fn by_form(State(desk): State<Desk>, headers: HeaderMap, Form(params): Form) -> Response {
    answer(&desk, &headers, params).await
}

async fn answer(desk: &Desk, headers: &HeaderMap, params: Result<Params, Unreadable>) -> Response {
    let answered = match params {
        Ok(params) => log_out(desk, headers, &params).await,
        Err(Unreadable { status, why }) => return pages::refused(desk, headers, status, why),
    };
    answered.unwrap_or_else(|error| pages::unavailable(Refusal::from(error)))
}

async fn log_out(desk: &Desk, headers: &HeaderMap, params: &Params) -> Result<Response, CommandError> {
    let bad = |why| Ok(pages::refused(desk, headers, StatusCode::BAD_REQUEST, why));
    let hint = match params.get("id_token_hint") {
        Some(token) => hint(desk, token).await?,
        None => None,
    };
    let named = params.get("client_id").or(hint.as_ref().map(|hint| hint.client.as_str()));
    if hint.as_ref().is_some_and(|hint| named != Some(hint.client.as_str())) {
        return bad("the id_token_hint is of another client");
    }
    let client = named.and_then(|id| desk.settings.client(id));
    let Ok(back) = destination(client, params) else {
        return bad("the post_logout_redirect_uri is not one of the client's");
    };
    let here = sessions::of_cookie(desk, cookies::session(desk, headers).as_deref()).await?;
    if let Some(here) = here {
        let is_meant = hint.is_some_and(|hint| hint.sid == here.session.sid);
        if !is_meant && !is_ours(desk, headers, signed_out::FORM, params).await? {
            return signed_out::ask(desk, headers, params).await;
        }
        sessions::end(&desk.private, &here.session.sid).await?;
    } else if let Some(hint) = hint {
        sessions::end(&desk.private, &hint.sid).await?;
    }
    let mut response = back.map_or_else(|| signed_out::done(desk, headers), |back| pages::see(&back));
    cookies::drop_session(desk, &mut response);
    Ok(response)
}

async fn hint(desk: &Desk, token: &str) -> Result<Option<Hint>, CommandError> {
    let claims = hinted(desk, token).await?;
    let text = |name: &str| claims.as_ref()?.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
    Ok(text("aud").zip(text("sid")).map(|(client, sid)| Hint { client, sid }))
}

/// Where to go afterwards, if the client may say so.
fn destination(client: Option<&Client>, params: &Params) -> Result<Option<String>, ()> {
    let Some(uri) = params.get("post_logout_redirect_uri") else { return Ok(None) };
    let client = client.filter(|client| client.post_logout_redirect_uris.iter().any(|known| known == uri));
    let state: Vec<_> = params.get("state").map(|state| ("state", state)).into_iter().collect();
    match client {
        Some(_) if state.is_empty() => Ok(Some(uri.to_owned())),
        Some(_) => Ok(Some(with_query(uri, &state))),
        None => Err(()),
    }
}
