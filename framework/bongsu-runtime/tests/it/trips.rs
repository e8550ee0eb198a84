//! A context whose process cannot be undone: giving back is refused until somebody allows it.

use bongsu_core::{Aggregate, Ctx, Decider, Effect, Input, Messages, Process, Route, message};
use bongsu_runtime::{Activity, Attempt, Service, Unavailable, ports::env::HttpRequest};
use serde::{Deserialize, Serialize};

macro_rules! declare {
    ($name:ident, $wire:literal) => {
        #[message($wire, version = 1)]
        pub(crate) struct $name {
            pub(crate) trip: String,
        }
    };
}

declare!(Book, "trip.book");
declare!(Take, "trip.take");
declare!(GiveBack, "trip.give-back");
declare!(Fail, "trip.fail");
declare!(Allow, "trip.allow");
declare!(Booked, "trip.booked");
declare!(Taken, "trip.taken");
declare!(GivenBack, "trip.given-back");
declare!(Allowed, "trip.allowed");
declare!(TooLate, "trip.too-late");

#[derive(Clone, Debug, PartialEq, Messages)]
pub(crate) enum Command {
    Book(Book),
    Take(Take),
    GiveBack(GiveBack),
    Fail(Fail),
    Allow(Allow),
}
#[derive(Clone, Debug, PartialEq, Messages)]
pub(crate) enum Event {
    Booked(Booked),
    Taken(Taken),
    GivenBack(GivenBack),
    Allowed(Allowed),
}
#[derive(Clone, Debug, PartialEq, Messages)]
pub(crate) enum Own {
    Take(Take),
    GiveBack(GiveBack),
    Fail(Fail),
}

pub(crate) struct Trip;
pub(crate) struct Tour;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    allowed: bool,
    pub(crate) given_back: bool,
}

pub(crate) fn trips() -> Service {
    Service::new("trips").decider(Trip, |_, _, _| None).process(Tour)
}

/// Trips that are given back as soon as the outside agrees.
pub(crate) fn trips_given_back() -> Service {
    Service::new("trips").decider(Trip, |_, _, _| None).activity(Returning)
}

struct Returning;

impl Activity for Returning {
    const NAME: &'static str = "returning";
    type Event = Booked;
    type Command = GiveBack;

    async fn run(&self, event: Booked, attempt: &Attempt<'_>) -> Result<GiveBack, Unavailable> {
        let request = HttpRequest {
            method: "POST",
            url: format!("http://trips/{}?for={}", attempt.key, attempt.correlation),
            headers: Vec::new(),
            body: bytes::Bytes::new(),
            deadline: std::time::Duration::from_secs(1),
        };
        let answer = attempt.http.send(request).await.map_err(|error| Unavailable(error.to_string()))?;
        if answer.status == 200 { Ok(GiveBack { trip: event.trip }) } else { Err(Unavailable("503".into())) }
    }
}

impl Aggregate for Trip {
    const NAME: &'static str = "trip";
    type Event = Event;
    type State = State;

    fn evolve(state: &mut State, event: &Event) {
        match event {
            Event::Allowed(_) => state.allowed = true,
            Event::GivenBack(_) => state.given_back = true,
            Event::Booked(_) | Event::Taken(_) => {}
        }
    }
}

impl Decider for Trip {
    type Command = Command;
    type Rejection = TooLate;

    fn target(&self, command: &Command, _: &Ctx) -> String {
        match command {
            Command::Book(Book { trip }) | Command::Take(Take { trip }) | Command::GiveBack(GiveBack { trip }) => {
                trip.clone()
            }
            Command::Fail(Fail { trip }) | Command::Allow(Allow { trip }) => trip.clone(),
        }
    }

    fn decide(&self, state: &State, command: Command, _: &Ctx) -> Result<Vec<Event>, TooLate> {
        Ok(vec![match command {
            Command::Book(Book { trip }) => Booked { trip }.into(),
            Command::Take(Take { trip }) => Taken { trip }.into(),
            Command::Allow(Allow { trip }) => Allowed { trip }.into(),
            Command::GiveBack(GiveBack { trip }) if state.allowed => GivenBack { trip }.into(),
            Command::GiveBack(GiveBack { trip }) | Command::Fail(Fail { trip }) => return Err(TooLate { trip }),
        }])
    }
}

impl Process for Tour {
    const NAME: &'static str = "tour";
    type Heard = Booked;
    type State = String;
    type Command = Own;

    fn route(&self, heard: &Booked) -> Route {
        Route::Start(heard.trip.clone())
    }

    fn evolve(trip: &mut String, input: &Input<'_, Booked>) {
        if let Input::Heard(booked) = input {
            trip.clone_from(&booked.trip);
        }
    }

    fn react(&self, trip: &String, input: &Input<'_, Booked>, _: &Ctx) -> Vec<Effect<Own>> {
        let trip = trip.clone();
        match input {
            Input::Heard(_) => {
                let (run, undo) = (Take { trip: trip.clone() }.into(), GiveBack { trip: trip.clone() }.into());
                vec![Effect::SendUndo { run, undo }, Effect::Send(Fail { trip }.into())]
            }
            Input::Refused { .. } => vec![Effect::Unwind],
            Input::Woke { .. } => Vec::new(),
        }
    }
}
