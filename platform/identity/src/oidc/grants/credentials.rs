//! A client asks for itself.

use serde_json::{Value, json};

use crate::{
    desk::Desk,
    oidc::{claims::access_of_client, form::Params, refusal::Refusal},
    settings::Client,
};

/// What is said of persons is not granted to who is none.
const OF_PERSONS: [&str; 4] = ["openid", "profile", "email", "offline_access"];

pub(crate) async fn grant(desk: &Desk, client: &Client, params: &Params) -> Result<Value, Refusal> {
    let denied = || Refusal::new("invalid_scope", "the client may not ask for this scope");
    let asked = params.get("scope");
    let scope = client.granted(asked).ok_or_else(denied)?;
    let is_of_persons = |scope: &&str| OF_PERSONS.contains(scope);
    if asked.is_some() && scope.split(' ').any(|scope| is_of_persons(&scope)) {
        return Err(denied());
    }
    let scope = scope.split(' ').filter(|scope| !is_of_persons(scope)).collect::<Vec<_>>().join(" ");
    let access = access_of_client(desk, client, &scope).await?;
    let expires_in = desk.settings.access_token_s;
    Ok(json!({ "access_token": access, "token_type": "Bearer", "expires_in": expires_in, "scope": scope }))
}
