//! Takes questions; a process waits for the clerk and gives up after a while; a board shows what became of them.

use bongsu_core::{Aggregate, Ctx, Decider, Effect, Input, Process, Projection, Public, Route, version, wire};
use bongsu_runtime::Service;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Ask {
    pub(super) question: String,
}
version!(Ask, "desk.ask", 1);
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Give {
    question: String,
    text: String,
}
version!(Give, "desk.give", 1);
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Expire {
    question: String,
}
version!(Expire, "desk.expire", 1);
wire! { pub(super) enum Command { Ask(Ask), Give(Give), Expire(Expire) } }
wire! { pub(super) enum Own { Give(Give), Expire(Expire) } }

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Asked {
    question: String,
}
version!(Asked, "desk.asked", 1);
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Answered {
    text: String,
}
version!(Answered, "desk.answered", 1);
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Expired {}
version!(Expired, "desk.expired", 1);
wire! { pub(super) enum Event { Asked(Asked), Answered(Answered), Expired(Expired) } }

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct NotOpen {}
version!(NotOpen, "desk.not-open", 1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct QuestionAsked {
    question: String,
}
version!(QuestionAsked, "desk.question-asked", 1);
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct QuestionClosed {
    question: String,
}
version!(QuestionClosed, "desk.question-closed", 1);
wire! { pub(super) enum Told { Asked(QuestionAsked), Closed(QuestionClosed) } }

/// The clerk's fact, as far as the desk cares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct CaseClosed {
    question: String,
    text: String,
}
version!(CaseClosed, "clerk.case-closed", 1);
wire! { pub(super) enum Heard { Asked(Asked), Closed(CaseClosed) } }

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
    Service::new("desk")
        .decider(Questions, tell)
        .process(Patience, &["clerk.case-closed.v1"])
        .projection::<Board>(&["desk.question-asked.v1", "desk.question-closed.v1"])
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
    type Event = Told;
    type Row = Row;

    fn keys(event: &Told) -> Vec<String> {
        match event {
            Told::Asked(QuestionAsked { question }) | Told::Closed(QuestionClosed { question }) => {
                vec![question.clone()]
            }
        }
    }

    fn fold(_: &str, row: Option<Row>, event: &Told) -> Option<Row> {
        let Row { asked, closed } = row.unwrap_or_default();
        Some(match event {
            Told::Asked(_) => Row { asked: asked + 1, closed },
            Told::Closed(_) => Row { asked, closed: closed + 1 },
        })
    }
}
