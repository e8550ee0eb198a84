//! Opens a case for every question and looks the answer up in a library outside.

use std::time::Duration;

use bongsu_core::{Aggregate, Ctx, Decider, Policy, Public, version, wire};
use bongsu_runtime::{
    Activity, Service, Unavailable,
    ports::{
        Fut,
        env::{HttpClient, HttpRequest},
    },
};
use serde::{Deserialize, Serialize};

/// The desk's fact, as far as the clerk cares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct QuestionAsked {
    question: String,
}
version!(QuestionAsked, "desk.question-asked", 1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct OpenCase {
    question: String,
}
version!(OpenCase, "clerk.open-case", 1);
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct CloseCase {
    question: String,
    text: String,
}
version!(CloseCase, "clerk.close-case", 1);
wire! { pub(super) enum Command { Open(OpenCase), Close(CloseCase) } }

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct CaseOpened {
    question: String,
}
version!(CaseOpened, "clerk.case-opened", 1);
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct CaseClosed {
    question: String,
    text: String,
}
version!(CaseClosed, "clerk.case-closed", 1);
wire! { pub(super) enum Event { Opened(CaseOpened), Closed(CaseClosed) } }

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct NotNow {}
version!(NotNow, "clerk.not-now", 1);

struct Cases;
struct TakeQuestions;
struct Lookup;

pub(super) fn service() -> Service {
    Service::new("clerk")
        .decider(Cases, |id, event: &Event, _| match event {
            Event::Opened(_) => None,
            Event::Closed(closed) => Some(Public::new(id, closed)),
        })
        .policy(TakeQuestions, &["desk.question-asked.v1"])
        .activity(Lookup)
}

impl Aggregate for Cases {
    const NAME: &'static str = "case";
    type Event = Event;
    /// Events so far: 0 unknown, 1 open, 2 closed.
    type State = u32;

    fn evolve(state: &mut u32, _: &Event) {
        *state += 1;
    }
}

impl Decider for Cases {
    type Command = Command;
    type Rejection = NotNow;

    fn target(&self, command: &Command, _: &Ctx) -> String {
        match command {
            Command::Open(OpenCase { question }) | Command::Close(CloseCase { question, .. }) => question.clone(),
        }
    }

    fn decide(&self, state: &u32, command: Command, _: &Ctx) -> Result<Vec<Event>, NotNow> {
        match (state, command) {
            (0, Command::Open(OpenCase { question })) => Ok(vec![CaseOpened { question }.into()]),
            (1, Command::Close(CloseCase { question, text })) => Ok(vec![CaseClosed { question, text }.into()]),
            _ => Err(NotNow {}),
        }
    }
}

impl Policy for TakeQuestions {
    const NAME: &'static str = "take-questions";
    type Fact = QuestionAsked;
    type Command = OpenCase;

    fn react(&self, fact: &QuestionAsked, _: &Ctx) -> Vec<OpenCase> {
        vec![OpenCase { question: fact.question.clone() }]
    }
}

impl Activity for Lookup {
    const NAME: &'static str = "lookup";
    type Event = CaseOpened;
    type Command = CloseCase;

    fn run<'a>(
        &'a self,
        key: &'a str,
        event: CaseOpened,
        http: &'a dyn HttpClient,
    ) -> Fut<'a, Result<CloseCase, Unavailable>> {
        Box::pin(async move {
            let request = HttpRequest {
                method: "POST",
                url: format!("http://library/{key}"),
                headers: Vec::new(),
                body: event.question.clone().into(),
                deadline: Duration::from_secs(1),
            };
            let response = http.send(request).await.map_err(|error| Unavailable(error.0))?;
            let text = String::from_utf8_lossy(&response.body).into_owned();
            Ok(CloseCase { question: event.question, text })
        })
    }
}
