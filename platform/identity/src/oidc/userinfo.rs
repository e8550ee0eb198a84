//! `/userinfo`: what a person lets a client know, as it is now.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::{
    claims::believed,
    refusal::{Challenge, Protocol, Refusal, json as answer},
};
use crate::{desk::Desk, private::tables::Profile};

pub(crate) async fn userinfo(State(desk): State<Desk>, headers: HeaderMap) -> Response {
    match told(&desk, &headers).await {
        Ok(body) => answer(StatusCode::OK, &body),
        Err(refusal) => refusal.into_response(),
    }
}

async fn told(desk: &Desk, headers: &HeaderMap) -> Result<Value, Refusal> {
    let access = believed(desk, bearer(headers)?).await?;
    let access = access.ok_or_else(|| Refusal::token("the access token does not count"))?;
    let has = |scope: &str| access.scope.split(' ').any(|granted| granted == scope);
    if !has("openid") {
        let status = StatusCode::FORBIDDEN;
        let why = "the access token is not for openid";
        let challenge = Some(Challenge::Bearer);
        return Err(Refusal::Protocol(Protocol { status, error: "insufficient_scope", why, challenge }));
    }
    let profile = desk.private.get::<Profile>(&access.sub).await?;
    let profile = profile.ok_or_else(|| Refusal::token("the access token does not count"))?;
    let mut told = json!({ "sub": access.sub });
    if has("profile") {
        told["name"] = profile.name.into();
        told["locale"] = profile.locale.into();
    }
    if has("email") {
        told["email"] = profile.email.into();
        told["email_verified"] = false.into();
    }
    if has("roles") {
        told["roles"] = json!(desk.person(&access.sub).await?.roles);
    }
    Ok(told)
}

/// The token of an `Authorization` header.
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (first, second) = (given.next(), given.next());
    let token = first.and_then(|value| value.to_str().ok()?.split_once(' '));
    match token {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && second.is_none() => Ok(token.trim()),
        Some(_) => Err(Refusal::token("one Bearer token is needed")),
        None => Err(Refusal::Protocol(Protocol {
            status: StatusCode::UNAUTHORIZED,
            error: "invalid_token",
            why: "there is no access token",
            challenge: Some(Challenge::NoBearer),
        })),
    }
}
