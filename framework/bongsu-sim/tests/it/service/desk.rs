//! Takes questions; a process waits for the clerk and gives up after a while; a board shows what became of them.

use bongsu_core::{
    Aggregate, Ctx, Decider, Effect, Input, Messages, Metadata, Process, Projection, Public, Route, message,
};
use bongsu_runtime::Service;
use serde::{Deserialize, Serialize};

#[message("desk.ask", version = 1)]
pub(super) struct Ask {
    pub(super) question: String,
}
#[message("desk.give", version = 1, key = question)]
pub(super) struct Give {
    question: String,
    text: String,
}
#[message("desk.expire", version = 1, key = question)]
pub(super) struct Expire {
    question: String,
}
#[derive(Clone, Debug, PartialEq, Messages)]
pub(super) enum Command {
    Ask(Ask),
    Give(Give),
    Expire(Expire),
}
#[derive(Clone, Debug, PartialEq, Messages)]
pub(super) enum Own {
    Give(Give),
    Expire(Expire),
}

#[message("desk.asked", version = 1, key = question)]
pub(super) struct Asked {
    question: String,
}
#[message("desk.answered", version = 1)]
pub(super) struct Answered {
    text: String,
}
#[message("desk.expired", version = 1)]
pub(super) struct Expired {}
#[derive(Clone, Debug, PartialEq, Messages)]
pub(super) enum Event {
    Asked(Asked),
    Answered(Answered),
    Expired(Expired),
}

#[message("desk.not-open", version = 1)]
pub(super) struct NotOpen {}

#[message("desk.question-asked", version = 1, key = question)]
pub(super) struct QuestionAsked {
    question: String,
}
#[message("desk.question-closed", version = 1, key = question)]
pub(super) struct QuestionClosed {
    question: String,
}
#[derive(Clone, Debug, PartialEq, Messages)]
pub(super) enum QuestionFact {
    Asked(QuestionAsked),
    Closed(QuestionClosed),
}

/// The clerk's fact, as far as the desk cares.
#[message("clerk.case-closed", version = 1, key = question)]
pub(super) struct CaseClosed {
    question: String,
    text: String,
}
#[derive(Clone, Debug, PartialEq, Messages)]
pub(super) enum Heard {
    Asked(Asked),
    Closed(CaseClosed),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) enum State {
    #[default]
    Unknown,
    Open,
    Closed,
}

struct Questions;
struct Patience;
pub(super) struct Board;

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) asked: u32,
    pub(super) closed: u32,
}

pub(super) fn service() -> Service {
    Service::new("desk").decider(Questions, tell).process(Patience).projection::<Board>()
}

fn tell(id: &str, event: &Event, _: &State) -> Option<Public> {
    let question = id.to_owned();
    Some(match event {
        Event::Asked(_) => Public::new(id, &QuestionAsked { question }),
        Event::Answered(_) | Event::Expired(_) => Public::new(id, &QuestionClosed { question }),
    })
}

impl Aggregate for Questions {
    const NAME: &'static str = "question";
    type Event = Event;
    type State = State;

    fn evolve(state: &mut State, event: &Event) {
        *state = if matches!(event, Event::Asked(_)) { State::Open } else { State::Closed };
    }
}

impl Decider for Questions {
    type Command = Command;
    type Rejection = NotOpen;

    fn target(&self, command: &Command, _: &Ctx) -> String {
        match command {
            Command::Ask(Ask { question }) | Command::Give(Give { question, .. }) => question.clone(),
            Command::Expire(Expire { question }) => question.clone(),
        }
    }

    fn decide(&self, state: &State, command: Command, _: &Ctx) -> Result<Vec<Event>, NotOpen> {
        match (state, command) {
            (State::Unknown, Command::Ask(Ask { question })) => Ok(vec![Asked { question }.into()]),
            (State::Open, Command::Give(Give { text, .. })) => Ok(vec![Answered { text }.into()]),
            (State::Open, Command::Expire(_)) => Ok(vec![Expired {}.into()]),
            _ => Err(NotOpen {}),
        }
    }
}

impl Process for Patience {
    const NAME: &'static str = "patience";
    type Heard = Heard;
    type State = String;
    type Command = Own;

    fn route(&self, heard: &Heard) -> Route {
        match heard {
            Heard::Asked(asked) => Route::Start(asked.question.clone()),
            Heard::Closed(closed) => Route::Continue(closed.question.clone()),
        }
    }

    fn evolve(question: &mut String, input: &Input<'_, Heard>) {
        if let Input::Heard(Heard::Asked(asked)) = input {
            question.clone_from(&asked.question);
        }
    }

    fn react(&self, question: &String, input: &Input<'_, Heard>, ctx: &Ctx) -> Vec<Effect<Own>> {
        let question = question.clone();
        match input {
            Input::Heard(Heard::Asked(_)) => vec![Effect::Wake { name: "late", at_ms: ctx.now_ms + 4_000 }],
            Input::Heard(Heard::Closed(closed)) => {
                let give = Give { question, text: closed.text.clone() };
                vec![Effect::CancelWake("late"), Effect::Send(give.into()), Effect::Done]
            }
            Input::Woke { .. } => vec![Effect::Send(Expire { question }.into()), Effect::Done],
            Input::Refused { .. } => Vec::new(),
        }
    }
}

impl Projection for Board {
    const NAME: &'static str = "board";
    const VERSION: u32 = 1;
    type Event = QuestionFact;
    type Row = Row;

    fn keys(event: &QuestionFact) -> Vec<String> {
        match event {
            QuestionFact::Asked(QuestionAsked { question }) | QuestionFact::Closed(QuestionClosed { question }) => {
                vec![question.clone()]
            }
        }
    }

    fn fold(_: &str, row: Option<Row>, event: &QuestionFact, _: &Metadata) -> Option<Row> {
        let Row { asked, closed } = row.unwrap_or_default();
        Some(match event {
            QuestionFact::Asked(_) => Row { asked: asked + 1, closed },
            QuestionFact::Closed(_) => Row { asked, closed: closed + 1 },
        })
    }
}
