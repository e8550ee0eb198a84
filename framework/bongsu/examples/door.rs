//! A house with doors: the smallest service there is, and the one the tests of this crate start and stop.
//!
//! `cargo run -p bongsu --example door`, then
//! `curl -X POST -H 'x-bongsu-principal: ann' -H 'idempotency-key: 1' 127.0.0.1:PORT/doors/front/open`.

use std::process::ExitCode;

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::post,
};
use bongsu::{
    Aggregate, Ctx, Decider, Handle, Outcome, Public, Service,
    host::{
        command::{self, Command, NoBody},
        problem::Problem,
    },
    message,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

#[message("door.open", version = 1, key = door)]
struct Open {
    door: String,
}

#[message("door.opened", version = 1)]
struct Opened {
    by: String,
}

#[message("door.already-open", version = 1)]
struct AlreadyOpen {}

/// The fact others may hear.
#[message("house.door-opened", version = 1)]
struct DoorOpened {
    by: String,
}

/// The `[service]` table.
#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    greeting: String,
    bell_password: String,
    /// How whoever opens a door is called, from now on.
    title: String,
}

struct Door {
    title: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self { greeting: "welcome".to_owned(), bell_password: "knock knock".to_owned(), title: String::new() }
    }
}

impl Aggregate for Door {
    const NAME: &'static str = "door";
    type Event = Opened;
    type State = bool;

    fn evolve(open: &mut bool, _: &Opened) {
        *open = true;
    }
}

impl Decider for Door {
    type Command = Open;
    type Rejection = AlreadyOpen;

    fn target(&self, command: &Open, _: &Ctx) -> String {
        command.door.clone()
    }

    fn decide(&self, open: &bool, _: Open, ctx: &Ctx) -> Result<Vec<Opened>, AlreadyOpen> {
        if *open { Err(AlreadyOpen {}) } else { Ok(vec![Opened { by: format!("{}{}", self.title, ctx.actor) }]) }
    }
}

fn service(settings: &Settings) -> Service {
    let door = Door { title: settings.title.clone() };
    Service::new("house").decider(door, |id, event, _| Some(Public::new(id, &DoorOpened { by: event.by.clone() })))
}

fn routes(handle: Handle, settings: &Settings) -> Router {
    Router::new().route("/doors/{door}/open", post(open)).with_state((handle, settings.greeting.clone()))
}

async fn open(
    State((handle, greeting)): State<(Handle, String)>,
    Path(door): Path<String>,
    command: Command<NoBody>,
) -> Result<Response, Problem> {
    let open = Open { door };
    let answer = handle
        .execute::<Door, _>(open, command.call(), |outcome| match outcome {
            Outcome::Accepted { id, .. } => {
                command::reply(StatusCode::ACCEPTED, &json!({ "door": id, "greeting": greeting }))
            }
            Outcome::Rejected(_) => {
                Problem::new(StatusCode::CONFLICT, "already-open", "The door is already open").reply()
            }
        })
        .await?;
    Ok(command::respond(answer))
}

fn main() -> ExitCode {
    bongsu::main_live("house", &["title"], service, routes)
}
