//! A house that counts its visitors, in two builds: `service.version` says which VERSION of the read model this one has.
//! The tests of this crate roll the second out beside the first, and back.

use std::process::ExitCode;

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::post,
};
use bongsu::{
    Aggregate, Ctx, Decider, Handle, Metadata, Outcome, Projection, Public, Service,
    host::{
        after::After,
        command::{self, Command, NoBody},
        problem::Problem,
    },
    message,
};
use http::StatusCode;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

#[message("guest.visit", version = 1, key = guest)]
struct Visit {
    guest: String,
}

#[message("guest.visited", version = 1)]
struct Visited {
    number: u64,
}

#[message("guest.never", version = 1)]
struct Never {}

/// The fact this house hears itself.
#[message("visits.guest-visited", version = 1, key = guest)]
struct GuestVisited {
    guest: String,
    number: u64,
}

#[message("host.thank", version = 1, key = guest)]
struct Thank {
    guest: String,
}

#[message("host.thanked", version = 1)]
struct Thanked {}

/// The `[service]` table.
#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    version: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { version: 1 }
    }
}

struct Guest;

impl Aggregate for Guest {
    const NAME: &'static str = "guest";
    type Event = Visited;
    type State = u64;

    fn evolve(visits: &mut u64, _: &Visited) {
        *visits += 1;
    }
}

impl Decider for Guest {
    type Command = Visit;
    type Rejection = Never;

    fn target(&self, command: &Visit, _: &Ctx) -> String {
        command.guest.clone()
    }

    fn decide(&self, visits: &u64, _: Visit, _: &Ctx) -> Result<Vec<Visited>, Never> {
        Ok(vec![Visited { number: visits + 1 }])
    }
}

/// Thanks a guest once for every visit: what both builds do, and must not do twice.
struct Host;

impl Aggregate for Host {
    const NAME: &'static str = "host";
    type Event = Thanked;
    type State = ();

    fn evolve((): &mut (), _: &Thanked) {}
}

impl Decider for Host {
    type Command = Thank;
    type Rejection = Never;

    fn target(&self, command: &Thank, _: &Ctx) -> String {
        command.guest.clone()
    }

    fn decide(&self, (): &(), _: Thank, _: &Ctx) -> Result<Vec<Thanked>, Never> {
        Ok(vec![Thanked {}])
    }
}

fn thank_for_visits(fact: &GuestVisited, _: &Ctx) -> Vec<Thank> {
    vec![Thank { guest: fact.guest.clone() }]
}

/// Visits by guest.
struct Visits;

impl Projection for Visits {
    const NAME: &'static str = "visits";
    const VERSION: u32 = 1;
    type Event = GuestVisited;
    type Row = (u64,);

    fn keys(event: &GuestVisited) -> Vec<String> {
        vec![event.guest.clone()]
    }

    fn fold(_: &str, row: Option<(u64,)>, _: &GuestVisited, _: &Metadata) -> Option<(u64,)> {
        Some((row.unwrap_or_default().0 + 1,))
    }
}

/// The next version: with the sum of the numbers, which tells a fact that is missing from one that came twice.
struct VisitsAndSum;

impl Projection for VisitsAndSum {
    const NAME: &'static str = Visits::NAME;
    const VERSION: u32 = 2;
    type Event = GuestVisited;
    type Row = (u64, u64);

    fn keys(event: &GuestVisited) -> Vec<String> {
        Visits::keys(event)
    }

    fn fold(_: &str, row: Option<(u64, u64)>, event: &GuestVisited, _: &Metadata) -> Option<(u64, u64)> {
        let (count, sum) = row.unwrap_or_default();
        Some((count + 1, sum + event.number))
    }
}

fn service(settings: &Settings) -> Service {
    let service = Service::new("visits")
        .decider(Guest, |id, event, _| {
            Some(Public::new(id, &GuestVisited { guest: id.to_owned(), number: event.number }))
        })
        .decider(Host, |_, _, ()| None)
        .policy("thank-for-visits", thank_for_visits);
    match settings.version {
        1 => service.projection::<Visits>(),
        _ => service.projection::<VisitsAndSum>(),
    }
}

fn routes(handle: Handle, settings: &Settings) -> Router {
    let router = Router::new().route("/guests/{guest}", post(visit));
    let router = match settings.version {
        1 => router.route("/guests/{guest}", axum::routing::get(read::<Visits>)),
        _ => router.route("/guests/{guest}", axum::routing::get(read::<VisitsAndSum>)),
    };
    router.with_state(handle)
}

async fn visit(
    State(handle): State<Handle>,
    Path(guest): Path<String>,
    command: Command<NoBody>,
) -> Result<Response, Problem> {
    let answer = handle
        .execute::<Guest, _>(Visit { guest }, command.call(), |outcome| match outcome {
            Outcome::Accepted { version, token, .. } => {
                command::reply(StatusCode::ACCEPTED, &json!({ "visits": version, "position": token.to_string() }))
            }
            Outcome::Rejected(_) => Problem::new(StatusCode::CONFLICT, "already-open", "Closed").reply(),
        })
        .await?;
    Ok(command::respond(answer))
}

/// The row as JSON, `null` when there is none.
async fn read<P: Projection>(
    State(handle): State<Handle>,
    Path(guest): Path<String>,
    after: After,
) -> Result<axum::Json<Option<P::Row>>, Problem>
where
    P::Row: Serialize + DeserializeOwned,
{
    after.shown_by::<P>(&handle).await?;
    Ok(axum::Json(handle.row::<P>(&guest).await?))
}

fn main() -> ExitCode {
    bongsu::main("visits", service, routes)
}
