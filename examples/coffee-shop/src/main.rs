//! The first service: a counter takes orders at once, baristas brew, and a buzzer says when a coffee is ready.
//!
//! Read it from top to bottom: what is said (the messages), what is decided (`Cups`), the work (`Barista`), the map
//! (`service`), and two HTTP handlers that only translate. The README beside this folder runs it.
#![forbid(unsafe_code)]

use std::{process::ExitCode, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
    routing::{get, post},
};
use bongsu::{
    Activity, Aggregate, Attempt, Ctx, Decider, Handle, Messages, Outcome, Public, Service, Unavailable, Wire as _,
    host::{
        command::{self, Command},
        config::within,
        problem::Problem,
    },
    id, message,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A cup in the queue.
#[id]
struct CupId(String);

/// A customer asks for a drink.
#[message("coffee.order", version = 1)]
struct Order {
    drink: String,
}

/// A barista has brewed it.
#[message("coffee.finish", version = 1, key = cup)]
struct Finish {
    cup: CupId,
}

#[derive(Clone, Debug, PartialEq, Messages)]
enum Ask {
    Order(Order),
    Finish(Finish),
}

/// A cup stands in the queue. Private: it is what wakes a barista.
#[message("coffee.ordered", version = 1, key = cup)]
struct Ordered {
    cup: CupId,
    drink: String,
}

/// A cup was brewed. Private; what the others hear is the buzzer.
#[message("coffee.brewed", version = 1)]
struct Brewed {}

#[derive(Clone, Debug, PartialEq, Messages)]
enum Happened {
    Ordered(Ordered),
    Brewed(Brewed),
}

/// The buzzer: a public fact that any other service may hear.
#[message("coffee.coffee-ready", version = 1, key = cup)]
struct CoffeeReady {
    cup: CupId,
    drink: String,
}

/// Why the counter refuses.
#[message("coffee.not-on-the-menu", version = 1)]
struct NotOnTheMenu {}

struct Cups;

#[derive(Clone, Default, Serialize, Deserialize)]
struct Cup {
    drink: String,
    ready: bool,
}

impl Aggregate for Cups {
    const NAME: &'static str = "cup";
    type Event = Happened;
    type State = Cup;

    fn evolve(cup: &mut Cup, event: &Happened) {
        match event {
            Happened::Ordered(ordered) => cup.drink.clone_from(&ordered.drink),
            Happened::Brewed(_) => cup.ready = true,
        }
    }
}

// begin: README
impl Decider for Cups {
    type Command = Ask;
    type Rejection = NotOnTheMenu;

    fn target(&self, ask: &Ask, ctx: &Ctx) -> String {
        ask.key().unwrap_or_else(|| ctx.id("cup", 0)) // the same id when the same request comes again
    }

    fn decide(&self, cup: &Cup, ask: Ask, ctx: &Ctx) -> Result<Vec<Happened>, NotOnTheMenu> {
        match ask {
            Ask::Order(Order { drink }) if ["espresso", "latte"].contains(&drink.as_str()) => {
                Ok(vec![Ordered { cup: ctx.id("cup", 0).into(), drink }.into()])
            }
            Ask::Order(_) => Err(NotOnTheMenu {}),
            Ask::Finish(_) if cup.ready => Ok(vec![]),
            Ask::Finish(_) => Ok(vec![Brewed {}.into()]),
        }
    }
}

fn buzzer(id: &str, event: &Happened, cup: &Cup) -> Option<Public> {
    match event {
        Happened::Ordered(_) => None,
        Happened::Brewed(_) => Some(Public::of(&CoffeeReady { cup: id.into(), drink: cup.drink.clone() })),
    }
}

fn service(settings: &Settings) -> Service {
    Service::new("coffee").decider(Cups, buzzer).activity(Barista { brew: Duration::from_millis(settings.brew_ms) })
}
// end: README

/// Brews one cup at a time. Here a timer stands in for the espresso machine; a real one would be asked through
/// the attempt's `http` with its `key`, which is the same in every attempt, so that it recognises a cup it has brewed already.
struct Barista {
    brew: Duration,
}

impl Activity for Barista {
    const NAME: &'static str = "barista";
    type Event = Ordered;
    type Command = Finish;

    async fn run(&self, ordered: Ordered, _: &Attempt<'_>) -> Result<Finish, Unavailable> {
        tokio::time::sleep(self.brew).await;
        Ok(Finish { cup: ordered.cup })
    }
}

/// The `[service]` table of the configuration.
#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// How long a barista brews, in milliseconds.
    #[serde(deserialize_with = "within::<_, _, 0, 3_600_000>")]
    brew_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { brew_ms: 2_000 }
    }
}

fn routes(handle: Handle, _: &Settings) -> Router {
    Router::new().route("/orders", post(order)).route("/cups/{cup}", get(look)).with_state(handle)
}

/// 202 as soon as the order is stored; nobody waits for a barista.
async fn order(State(handle): State<Handle>, command: Command<Order>) -> Result<Response, Problem> {
    let answer = handle.execute::<Cups, _>(command.body.clone(), command.call(), |outcome| match outcome {
        Outcome::Accepted { id, .. } => command::reply(StatusCode::ACCEPTED, &json!({ "cup": id })),
        Outcome::Rejected(_) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not-on-the-menu", "We do not make that").reply()
        }
    });
    Ok(command::respond(answer.await?))
}

async fn look(State(handle): State<Handle>, Path(cup): Path<CupId>) -> Result<Json<Value>, Problem> {
    match handle.load::<Cups>(&cup).await? {
        (_, 0) => Err(Problem::not_found("There is no such cup.")),
        (state, _) => Ok(Json(json!({ "cup": cup, "drink": state.drink, "ready": state.ready }))),
    }
}

fn main() -> ExitCode {
    bongsu::main("coffee", service, routes)
}
