//! The service under test: doors that can be opened, and handlers that fail in every way.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bongsu_core::{Aggregate, Ctx, Decider, Public, message};
use bongsu_host::{
    command::{self, Caller, Command, NoBody},
    json::Json,
    problem::Problem,
    sse::{EventStream, SseItem},
};
use bongsu_runtime::{Followed, Handle, Outcome, Service};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;

#[message("door.opened", version = 1)]
pub(crate) struct Opened {
    by: String,
}

#[message("door.open", version = 1, key = door)]
pub(crate) struct Open {
    door: String,
}

#[message("door.already-open", version = 1)]
pub(crate) struct AlreadyOpen {
    by: String,
}

pub(crate) struct Door;

impl Aggregate for Door {
    const NAME: &'static str = "door";
    type Event = Opened;
    type State = Option<String>;

    fn evolve(by: &mut Option<String>, event: &Opened) {
        *by = Some(event.by.clone());
    }
}

impl Decider for Door {
    type Command = Open;
    type Rejection = AlreadyOpen;

    fn target(&self, command: &Open, _: &Ctx) -> String {
        command.door.clone()
    }

    fn decide(&self, by: &Option<String>, _: Open, ctx: &Ctx) -> Result<Vec<Opened>, AlreadyOpen> {
        match by {
            Some(by) => Err(AlreadyOpen { by: by.clone() }),
            None => Ok(vec![Opened { by: ctx.actor.clone() }]),
        }
    }
}

/// Holds a request until the test lets it go.
pub(crate) struct Gate {
    pub(crate) entered: Semaphore,
    pub(crate) open: Semaphore,
    pub(crate) left: Semaphore,
}

#[derive(Clone)]
struct App {
    handle: Handle,
    gate: Arc<Gate>,
}

#[derive(Deserialize)]
struct Who {
    name: String,
    #[serde(default)]
    steps: Vec<Stride>,
}

#[derive(Deserialize)]
struct Stride {
    length: u32,
}

pub(crate) fn service() -> Service {
    Service::new("house").decider(Door, |id, event, _| Some(Public::new(id, &DoorOpened { by: event.by.clone() })))
}

#[message("house.door-opened", version = 1)]
struct DoorOpened {
    by: String,
}

pub(crate) fn routes(handle: Handle, gate: Arc<Gate>) -> Router {
    Router::new()
        .route("/doors/{door}/open", post(open))
        .route("/doors/{door}", get(show))
        .route("/doors/{door}/events", get(follow))
        .route("/greetings", post(greet))
        .route("/numbers/{number}", get(async |Path(number): Path<u32>| number.to_string()))
        .route("/callers", get(async |caller: Caller| caller.principal.as_str().to_owned()))
        .route("/gate", get(wait_at_gate))
        .route("/panics", get(async || -> StatusCode { panic!("hunter2") }))
        .route("/fails", get(async || (StatusCode::INTERNAL_SERVER_ERROR, "hunter2")))
        .with_state(App { handle, gate })
}

async fn open(State(app): State<App>, Path(door): Path<String>, command: Command<NoBody>) -> Result<Response, Problem> {
    let open = Open { door };
    let answer = app
        .handle
        .execute::<Door, _>(open, command.call(), |outcome| match outcome {
            Outcome::Accepted { id, version, token } => {
                let body = json!({ "door": id, "version": version, "position": token.to_string() });
                command::reply(StatusCode::ACCEPTED, &body)
            }
            Outcome::Rejected(AlreadyOpen { by }) => {
                Problem::new(StatusCode::CONFLICT, "already-open", "The door is open").with("by", by).reply()
            }
        })
        .await?;
    Ok(command::respond(answer))
}

async fn show(State(app): State<App>, Path(door): Path<String>) -> Result<Response, Problem> {
    match app.handle.load::<Door>(&door).await? {
        (Some(by), _) => Ok(by.into_response()),
        (None, _) => Err(Problem::not_found("This door was never opened.")),
    }
}

/// A door opens once; it may be watched before and after.
async fn follow(State(app): State<App>, Path(door): Path<String>, stream: EventStream) -> Result<Response, Problem> {
    let (_, version) = app.handle.load::<Door>(&door).await?;
    let tell = |change: &Followed<Opened, Option<String>>| SseItem {
        event: "door-opened",
        data: json!({ "by": change.event.by }),
        last: door_is_last(&change.event),
    };
    stream.follow(app.handle.follow::<Door>(&door), version, false, tell)
}

/// Nobody opens a door after the janitor.
fn door_is_last(opened: &Opened) -> bool {
    opened.by == "janitor"
}

async fn greet(Json(who): Json<Who>) -> String {
    let length: u64 = who.steps.iter().map(|step| u64::from(step.length)).sum();
    format!("hello {} over {length}", who.name)
}

async fn wait_at_gate(State(app): State<App>) -> &'static str {
    app.gate.entered.add_permits(1);
    if let Ok(permit) = app.gate.open.acquire().await {
        permit.forget();
    }
    app.gate.left.add_permits(1);
    "through"
}
