//! Opens a case for every question and looks the answer up in a library outside.

use std::time::Duration;

use bongsu_core::{Aggregate, Ctx, Decider, Messages, Public, message};
use bongsu_runtime::{Activity, Attempt, Service, Unavailable, ports::env::HttpRequest};

/// The desk's fact, as far as the clerk cares.
#[message("desk.question-asked", version = 1, key = question)]
struct QuestionAsked {
    question: String,
}

#[message("clerk.open-case", version = 1, key = question)]
pub(super) struct OpenCase {
    question: String,
}
#[message("clerk.close-case", version = 1, key = question)]
pub(super) struct CloseCase {
    question: String,
    text: String,
}
#[derive(Clone, Debug, PartialEq, Messages)]
pub(super) enum Command {
    Open(OpenCase),
    Close(CloseCase),
}

#[message("clerk.case-opened", version = 1, key = question)]
pub(super) struct CaseOpened {
    question: String,
}
#[message("clerk.case-closed", version = 1, key = question)]
pub(super) struct CaseClosed {
    question: String,
    text: String,
}
#[derive(Clone, Debug, PartialEq, Messages)]
pub(super) enum Event {
    Opened(CaseOpened),
    Closed(CaseClosed),
}

#[message("clerk.not-now", version = 1)]
pub(super) struct NotNow {}

struct Cases;
struct Lookup;

pub(super) fn service() -> Service {
    Service::new("clerk")
        .decider(Cases, |id, event: &Event, _| match event {
            Event::Opened(_) => None,
            Event::Closed(closed) => Some(Public::new(id, closed)),
        })
        .policy("take-questions", take_questions)
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

fn take_questions(fact: &QuestionAsked, _: &Ctx) -> Vec<OpenCase> {
    vec![OpenCase { question: fact.question.clone() }]
}

impl Activity for Lookup {
    const NAME: &'static str = "lookup";
    type Event = CaseOpened;
    type Command = CloseCase;

    async fn run(&self, event: CaseOpened, attempt: &Attempt<'_>) -> Result<CloseCase, Unavailable> {
        let request = HttpRequest {
            method: "POST",
            url: format!("http://library/{}", attempt.key),
            headers: Vec::new(),
            body: event.question.clone().into(),
            deadline: Duration::from_secs(1),
        };
        let response = attempt.http.send(request).await.map_err(|error| Unavailable(error.0))?;
        let text = String::from_utf8_lossy(&response.body).into_owned();
        Ok(CloseCase { question: event.question, text })
    }
}
