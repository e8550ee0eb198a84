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
    Activity, Aggregate, Ctx, Decider, Handle, Outcome, Public, Service, Unavailable,
    host::{
        command::{self, Command},
        config::within,
        problem::Problem,
    },
    ports::{Fut, env::HttpClient},
    version, wire,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A customer asks for a drink.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    drink: String,
}
version!(Order, "coffee.order", 1);

/// A barista has brewed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Finish {
    cup: String,
}
version!(Finish, "coffee.finish", 1);

wire! { enum Ask { Order(Order), Finish(Finish) } }

/// A cup stands in the queue. Private: it is what wakes a barista.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Ordered {
    cup: String,
    drink: String,
}
version!(Ordered, "coffee.ordered", 1);

/// A cup was brewed. Private; what the others hear is the buzzer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Brewed {}
version!(Brewed, "coffee.brewed", 1);

wire! { enum Happened { Ordered(Ordered), Brewed(Brewed) } }

/// The buzzer: a public fact that any other service may hear.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct CoffeeReady {
    cup: String,
    drink: String,
}
version!(CoffeeReady, "coffee.coffee-ready", 1);

/// Why the counter refuses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct NotOnTheMenu {}
version!(NotOnTheMenu, "coffee.not-on-the-menu", 1);

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
        match ask {
            Ask::Order(_) => ctx.id("cup", 0), // the same id when the same request comes again
            Ask::Finish(finish) => finish.cup.clone(),
        }
    }

    fn decide(&self, cup: &Cup, ask: Ask, ctx: &Ctx) -> Result<Vec<Happened>, NotOnTheMenu> {
        match ask {
            Ask::Order(Order { drink }) if ["espresso", "latte"].contains(&drink.as_str()) => {
                Ok(vec![Ordered { cup: ctx.id("cup", 0), drink }.into()])
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
        Happened::Brewed(_) => Some(Public::new(id, &CoffeeReady { cup: id.into(), drink: cup.drink.clone() })),
    }
}

fn service(settings: &Settings) -> Service {
    Service::new("coffee").decider(Cups, buzzer).activity(Barista { brew: Duration::from_millis(settings.brew_ms) })
}
// end: README

/// Brews one cup at a time. Here a timer stands in for the espresso machine; a real one would be asked through
/// `http` with the key, which is the same in every attempt, so that it recognises a cup it has brewed already.
struct Barista {
    brew: Duration,
}

impl Activity for Barista {
    const NAME: &'static str = "barista";
    type Event = Ordered;
    type Command = Finish;

    fn run<'a>(
        &'a self,
        _key: &'a str,
        ordered: Ordered,
        _http: &'a dyn HttpClient,
    ) -> Fut<'a, Result<Finish, Unavailable>> {
        Box::pin(async move {
            tokio::time::sleep(self.brew).await;
            Ok(Finish { cup: ordered.cup })
        })
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
    let answer = handle.execute(&command.body, command.call(), &|outcome| match outcome {
        Outcome::Accepted { id, .. } => command::reply(StatusCode::ACCEPTED, &json!({ "cup": id })),
        Outcome::Rejected { .. } => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not-on-the-menu", "We do not make that").reply()
        }
    });
    Ok(command::respond(answer.await?))
}

async fn look(State(handle): State<Handle>, Path(cup): Path<String>) -> Result<Json<Value>, Problem> {
    match handle.load::<Cups>(&cup).await? {
        (_, 0) => Err(Problem::not_found("There is no such cup.")),
        (state, _) => Ok(Json(json!({ "cup": cup, "drink": state.drink, "ready": state.ready }))),
    }
}

fn main() -> ExitCode {
    bongsu::main("coffee", service, routes)
}
