//! People for demonstrations, and tokens in their name: only where the settings say `environment = "dev"`, and for operators.
//!
//! A person made here is as real as one who signed up; only how they come about is not.

use std::collections::BTreeSet;

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::post,
};
use bongsu_host::{command::Caller, json, problem::Problem};
use bongsu_keys::OPERATOR;
use bongsu_runtime::{CommandError, Handle};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::{
    accounts::{
        login_id, normalised,
        sign_up::{Newcomer, NotSignedUp, sign_up},
    },
    desk::Desk,
    oidc::{claims::access_to_show, refusal},
    person::{PersonId, Role},
    private::tables::Login,
    settings::{Environment, Settings},
};

/// Somebody for demonstrations.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Somebody {
    pub email: String,
    pub name: String,
    pub password: String,
    pub roles: BTreeSet<Role>,
}

/// For whom a token is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whose {
    email: String,
}

/// Why nobody was made.
#[derive(Debug, thiserror::Error)]
pub enum NotSeeded {
    /// The settings do not say `environment = "dev"`.
    #[error("people for demonstrations are made only where the settings say environment = \"dev\"")]
    NotHere,
    /// Address, name, password or role cannot be taken.
    #[error("somebody for demonstrations cannot be signed up: {0}")]
    Unfit(String),
    /// The store did not answer, or not well.
    #[error("the store did not take somebody for demonstrations")]
    Store(#[source] CommandError),
}

/// Signs these people up, except those whose address is taken; returns who has each address.
///
/// # Errors
/// See [`NotSeeded`].
pub async fn seed(handle: Handle, settings: &Settings, people: Vec<Somebody>) -> Result<Vec<PersonId>, NotSeeded> {
    if settings.environment != Environment::Dev {
        return Err(NotSeeded::NotHere);
    }
    let desk = Desk::new(handle, settings.clone());
    let mut made = Vec::new();
    for somebody in people {
        made.push(one(&desk, somebody).await?);
    }
    Ok(made)
}

async fn one(desk: &Desk, somebody: Somebody) -> Result<PersonId, NotSeeded> {
    let Somebody { email, name, password, roles } = somebody;
    let newcomer = Newcomer { email: email.clone(), name, password, locale: "ko".into() };
    match sign_up(desk, newcomer, roles).await.map_err(NotSeeded::Store)? {
        Ok(person) => Ok(person),
        Err(NotSignedUp::Taken) => {
            let there = whose(desk, &email).await.map_err(NotSeeded::Store)?;
            there.ok_or_else(|| NotSeeded::Unfit("somebody had the address and has gone".into()))
        }
        Err(why) => Err(NotSeeded::Unfit(format!("{why:?}").to_lowercase())),
    }
}

async fn whose(desk: &Desk, email: &str) -> Result<Option<PersonId>, CommandError> {
    let Some(email) = normalised(email) else { return Ok(None) };
    let login = login_id(desk.private.pepper().await?, &email);
    Ok(desk.private.get::<Login>(&login).await?.map(|login| login.person))
}

/// `POST /identity/demonstration/people` and `…/tokens`; nothing where people are real.
pub(crate) fn routes(desk: Desk) -> Router {
    if desk.settings.environment != Environment::Dev {
        return Router::new();
    }
    let routes = Router::new().route("/identity/demonstration/people", post(people));
    routes.route("/identity/demonstration/tokens", post(tokens)).with_state(desk)
}

/// These are no routes of the API, which says of each who may.
fn for_operators(caller: &Caller) -> Result<(), Problem> {
    let principal = &caller.principal;
    if principal.is(OPERATOR) { Ok(()) } else { Err(Problem::not_an_operator(principal.as_str())) }
}

async fn people(
    State(desk): State<Desk>,
    caller: Caller,
    json::Json(somebody): json::Json<Somebody>,
) -> Result<Response, Problem> {
    for_operators(&caller)?;
    match one(&desk, somebody).await {
        Ok(person) => Ok((StatusCode::CREATED, Json(json!({ "id": person }))).into_response()),
        Err(NotSeeded::Store(error)) => Err(error.into()),
        Err(why) => Err(Problem::invalid("", why.to_string())),
    }
}

async fn tokens(
    State(desk): State<Desk>,
    caller: Caller,
    json::Json(whose_token): json::Json<Whose>,
) -> Result<Response, Problem> {
    for_operators(&caller)?;
    let nobody = || Problem::not_found("Nobody has this address.");
    let person = whose(&desk, &whose_token.email).await?.ok_or_else(nobody)?;
    let state = desk.person(&person).await?;
    if !state.may_come_in() {
        return Err(nobody());
    }
    let access = access_to_show(&desk, &person, &state).await?;
    let expires_in = desk.settings.access_token_s;
    let body = json!({ "access_token": access, "token_type": "Bearer", "expires_in": expires_in, "id": person });
    Ok(refusal::json(StatusCode::OK, &body))
}
