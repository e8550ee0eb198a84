//! `/identity/persons`: what operators do about a person, who is an opaque id here, too.
//!
//! The system lists these routes as operators' routes, and the service looks once more.

mod problems;

use std::collections::BTreeSet;

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
};
use bongsu_host::{
    allow::Allow,
    command::{self, Caller, Command, NoBody},
    idempotency::IdempotencyKey,
    openapi::{Api, routes},
    problem::Problem,
};
use bongsu_runtime::{Handle, Outcome, Reply};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::problems::problem;
use crate::{
    accounts::forget::{self, Left},
    desk::Desk,
    person::{
        ChangeRoles, Lock, PersonCommand, PersonId, PersonRejection, PersonState, Persons, Role, Standing, Unlock,
    },
    private::Private,
};

/// Who looks after persons.
const OPERATORS: Allow = Allow::Roles(&["operator"]);

/// What operators do about persons.
pub fn api() -> Api<Handle> {
    Api::new("identity")
        .about("Persons: who may come in, and as what.")
        .routes(OPERATORS, routes!(one, forget))
        .routes(OPERATORS, routes!(change_roles))
        .routes(OPERATORS, routes!(lock))
        .routes(OPERATORS, routes!(unlock))
}

/// [`api`] of a running service.
pub fn routes(handle: Handle) -> Router {
    api().serve(handle)
}

/// The same for who has a desk.
pub(crate) fn routes_at(desk: &Desk) -> Router {
    routes(desk.handle.clone())
}

/// A person.
#[derive(Serialize, ToSchema)]
struct Person {
    #[schema(value_type = String)]
    id: PersonId,
    standing: PersonStanding,
    #[schema(value_type = Vec<String>)]
    roles: BTreeSet<Role>,
    /// Whether something of somebody who is forgotten may still lie in a file here; asked again, it is tried again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    outstanding: bool,
}

/// Whether somebody may come in.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum PersonStanding {
    Active,
    Locked,
    /// Everything deletable about them is deleted.
    Forgotten,
}

/// What somebody may do.
#[derive(Clone, Deserialize, ToSchema)]
struct Roles {
    /// These and no others.
    #[schema(value_type = Vec<String>)]
    roles: BTreeSet<Role>,
}

/// A change that was made.
#[derive(Serialize, ToSchema)]
struct Changed {
    #[schema(value_type = String)]
    id: PersonId,
    /// For reading on from there.
    position: String,
}

/// Somebody's standing and roles.
#[utoipa::path(
    get, path = "/identity/persons/{person}", operation_id = "readPerson",
    responses((status = 200, description = "As it is now.", body = Person)),
)]
async fn one(State(handle): State<Handle>, Path(person): Path<PersonId>) -> Result<axum::Json<Person>, Problem> {
    let (state, _) = handle.load::<Persons>(known(&person)?).await?;
    Person::of(person, state).map(axum::Json)
}

/// Forgets somebody: what they told is deleted, and so is every session and token. Asked again, it says the same.
#[utoipa::path(
    delete, path = "/identity/persons/{person}", operation_id = "forgetPerson",
    responses((status = 200, description = "Forgotten.", body = Person)),
)]
async fn forget(
    State(handle): State<Handle>,
    Path(person): Path<PersonId>,
    caller: Caller,
) -> Result<axum::Json<Person>, Problem> {
    known(&person)?;
    let left = forget::forget(&Private::new(handle), &person, caller.principal.as_str()).await?;
    let outstanding = left.map_err(problem)? == Left::InFiles;
    Ok(axum::Json(Person { id: person, standing: PersonStanding::Forgotten, roles: BTreeSet::new(), outstanding }))
}

/// Gives somebody these roles and no others. Tokens given before say so within five minutes.
#[utoipa::path(
    post, path = "/identity/persons/{person}/roles", operation_id = "changeRoles", params(IdempotencyKey),
    request_body = Roles, responses((status = 200, description = "Changed.", body = Changed)),
)]
async fn change_roles(
    State(handle): State<Handle>,
    Path(person): Path<PersonId>,
    command: Command<Roles>,
) -> Result<Response, Problem> {
    let change = ChangeRoles { person, roles: command.body.roles.clone() };
    execute(&handle, change.person.clone(), change.into(), &command).await
}

/// Keeps somebody out: sessions at once, tokens given before within five minutes.
#[utoipa::path(
    post, path = "/identity/persons/{person}/lock", operation_id = "lockPerson", params(IdempotencyKey),
    request_body = NoBody, responses((status = 200, description = "Locked.", body = Changed)),
)]
async fn lock(
    State(handle): State<Handle>,
    Path(person): Path<PersonId>,
    command: Command<NoBody>,
) -> Result<Response, Problem> {
    execute(&handle, person.clone(), Lock { person }.into(), &command).await
}

/// Lets somebody in again.
#[utoipa::path(
    post, path = "/identity/persons/{person}/unlock", operation_id = "unlockPerson", params(IdempotencyKey),
    request_body = NoBody, responses((status = 200, description = "Unlocked.", body = Changed)),
)]
async fn unlock(
    State(handle): State<Handle>,
    Path(person): Path<PersonId>,
    command: Command<NoBody>,
) -> Result<Response, Problem> {
    execute(&handle, person.clone(), Unlock { person }.into(), &command).await
}

async fn execute<B>(
    handle: &Handle,
    person: PersonId,
    order: PersonCommand,
    command: &Command<B>,
) -> Result<Response, Problem> {
    known(&person)?;
    let answer = handle.execute::<Persons, _>(order, command.call(), reply).await?;
    Ok(command::respond(answer))
}

fn reply(outcome: Outcome<'_, PersonRejection>) -> Reply {
    match outcome {
        Outcome::Accepted { id, token, .. } => {
            command::reply(StatusCode::OK, &Changed { id: id.into(), position: token.to_string() })
        }
        Outcome::Rejected(rejection) => problem(rejection).reply(),
    }
}
/// An id that can be somebody's; others are not even looked up.
fn known(person: &PersonId) -> Result<&str, Problem> {
    let fits = person.starts_with("usr_") && person.len() <= 64 && person.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(person) } else { Err(problem(PersonRejection::NotRegistered)) }
}

impl Person {
    fn of(id: PersonId, state: PersonState) -> Result<Self, Problem> {
        let standing = match state.standing {
            Standing::Unknown => return Err(problem(PersonRejection::NotRegistered)),
            Standing::Active => PersonStanding::Active,
            Standing::Locked => PersonStanding::Locked,
            Standing::Forgotten => PersonStanding::Forgotten,
        };
        Ok(Self { id, standing, roles: state.roles, outstanding: false })
    }
}
