//! The harness against a trip that books three things and can be wrong in every way the harness is for.

use bongsu_core::{Aggregate, Ctx, Decider, Effect, Input, Messages, Process, Route, message};

use super::{Ending, Saga, Survived, saga};

#[message("trip.begun", version = 1)]
struct Begun {}
#[message("carrier.booked", version = 1)]
struct Booked {
    leg: u8,
}
#[message("carrier.full", version = 1)]
struct Full {
    leg: u8,
}
#[derive(Clone, Debug, PartialEq, Messages)]
enum Heard {
    Begun(Begun),
    Booked(Booked),
    Full(Full),
}

#[message("trip.ask", version = 1)]
struct Ask {
    leg: u8,
}
#[message("trip.give-up", version = 1)]
struct GiveUp {
    leg: u8,
}
#[derive(Clone, Debug, PartialEq, Messages)]
enum Command {
    Ask(Ask),
    GiveUp(GiveUp),
}

#[message("trip.asked", version = 1)]
struct Asked {
    leg: u8,
}
#[message("trip.given-up", version = 1)]
struct GivenUp {
    leg: u8,
}
#[derive(Clone, Debug, PartialEq, Messages)]
enum Event {
    Begun(Begun),
    Asked(Asked),
    GivenUp(GivenUp),
}

#[message("trip.no", version = 1)]
struct No {}

/// What the context keeps of the legs: asked for, given up.
struct Legs;

/// How the process is wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wrong {
    Not,
    /// The undo of what may have been executed is skipped.
    Skips,
    /// Undoes itself, earliest first.
    InOrder,
    /// Undoes by itself and unwinds too.
    Twice,
    /// Goes on after it has undone.
    GoesOn,
    /// Never ends when a carrier is silent.
    Waits,
    /// A fact heard again counts again.
    Counts,
    /// A late booking is kept.
    KeepsLate,
}

struct Trip(Wrong);

#[derive(Clone, Debug, Default, PartialEq)]
struct State {
    asked: u8,
    booked: Vec<u8>,
    over: bool,
    /// Before the last input.
    was_over: bool,
}

impl Aggregate for Legs {
    const NAME: &'static str = "trip";
    type Event = Event;
    type State = (Vec<u8>, Vec<u8>);

    fn evolve((asked, given_up): &mut Self::State, event: &Event) {
        match event {
            Event::Begun(_) => {}
            Event::Asked(e) => asked.push(e.leg),
            Event::GivenUp(e) => given_up.push(e.leg),
        }
    }
}

impl Decider for Legs {
    type Command = Command;
    type Rejection = No;

    fn target(&self, _: &Command, _: &Ctx) -> String {
        "t".into()
    }

    fn decide(&self, (asked, given_up): &Self::State, command: Command, _: &Ctx) -> Result<Vec<Event>, No> {
        match command {
            Command::Ask(Ask { leg }) if !asked.contains(&leg) => Ok(vec![Asked { leg }.into()]),
            Command::GiveUp(GiveUp { leg }) if !given_up.contains(&leg) => Ok(vec![GivenUp { leg }.into()]),
            _ => Err(No {}),
        }
    }
}

impl Trip {
    fn ask(&self, leg: u8) -> Effect<Command> {
        let (run, undo) = (Ask { leg }.into(), GiveUp { leg }.into());
        if self.0 == Wrong::Skips && leg == 2 || self.0 == Wrong::InOrder {
            Effect::Send(run)
        } else {
            Effect::SendUndo { run, undo }
        }
    }

    fn give_up(&self, state: &State) -> Vec<Effect<Command>> {
        let by_hand = (1..=state.asked).map(|leg| Effect::Send(GiveUp { leg }.into()));
        let mut effects = vec![Effect::CancelWake("late")];
        match self.0 {
            Wrong::InOrder => effects.extend(by_hand.chain([Effect::Done])),
            Wrong::Twice => effects.extend(by_hand.chain([Effect::Unwind])),
            Wrong::GoesOn => effects.extend([Effect::Unwind, Effect::Send(Ask { leg: 9 }.into())]),
            _ => effects.push(Effect::Unwind),
        }
        effects
    }
}

impl Process for Trip {
    const NAME: &'static str = "trip";
    type Heard = Heard;
    type State = State;
    type Command = Command;

    fn route(&self, heard: &Heard) -> Route {
        match heard {
            Heard::Begun(_) => Route::Start("t".into()),
            Heard::Booked(_) | Heard::Full(_) => Route::Continue("t".into()),
        }
    }

    fn evolve(state: &mut State, input: &Input<'_, Heard>) {
        state.was_over = state.over;
        match input {
            Input::Heard(Heard::Begun(_)) => state.asked = 1,
            Input::Heard(Heard::Booked(e)) if !state.over => {
                state.booked.push(e.leg);
                state.asked = state.asked.max((e.leg + 1).min(2));
            }
            Input::Heard(Heard::Booked(_)) => {}
            Input::Heard(Heard::Full(_)) | Input::Woke { .. } | Input::Refused { .. } => state.over = true,
        }
    }

    fn react(&self, state: &State, input: &Input<'_, Heard>, ctx: &Ctx) -> Vec<Effect<Command>> {
        let late = Effect::Wake { name: "late", at_ms: ctx.now_ms + 9 };
        let again = |leg: u8| state.booked.iter().filter(|booked| **booked == leg).count() > 1;
        match input {
            Input::Heard(Heard::Begun(_)) if self.0 == Wrong::Waits => vec![self.ask(1)],
            Input::Heard(Heard::Begun(_)) => vec![late, self.ask(1)],
            Input::Heard(Heard::Booked(e)) if state.over && self.0 != Wrong::KeepsLate => {
                vec![Effect::Send(GiveUp { leg: e.leg }.into())]
            }
            Input::Heard(Heard::Booked(_)) if state.over => vec![],
            Input::Heard(Heard::Booked(e)) if again(e.leg) && self.0 == Wrong::Counts => {
                vec![Effect::Send(Ask { leg: 7 }.into())]
            }
            Input::Heard(Heard::Booked(e)) if again(e.leg) => vec![],
            Input::Heard(Heard::Booked(Booked { leg: 1 })) => vec![self.ask(2)],
            Input::Heard(Heard::Booked(_)) => vec![Effect::CancelWake("late"), Effect::Done],
            Input::Refused { .. } if state.was_over => vec![],
            Input::Heard(Heard::Full(_)) | Input::Woke { .. } | Input::Refused { .. } => self.give_up(state),
        }
    }
}

fn script(trip: &Trip) -> Saga<'_, Trip, Legs> {
    let carrier = |command: &Command| match command {
        Command::Ask(Ask { leg }) => vec![vec![Booked { leg: *leg }.into()], vec![Full { leg: *leg }.into()], vec![]],
        Command::GiveUp(_) => vec![vec![]],
    };
    let undo = |command: &Command| match command {
        Command::Ask(Ask { leg }) => Some(GiveUp { leg: *leg }.into()),
        Command::GiveUp(_) => None,
    };
    let late = |heard: &Heard| match heard {
        Heard::Booked(Booked { leg }) => Some(GiveUp { leg: *leg }.into()),
        Heard::Begun(_) | Heard::Full(_) => None,
    };
    saga(trip, &Legs, [Begun {}.into()], No {}).replied(carrier).undone_by(undo).late(late)
}

fn broken(wrong: Wrong) -> String {
    let panic = std::panic::catch_unwind(|| script(&Trip(wrong)).goes_every_way()).expect_err("it is wrong");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn a_right_saga_survives_and_is_seen_to_end_in_every_way() {
    let survived = script(&Trip(Wrong::Not)).goes_every_way();
    let endings: Vec<Ending> = survived.endings.keys().copied().collect();
    assert_eq!(endings, [Ending::Done, Ending::Unwound, Ending::NeedsHuman], "{survived:?}");
    assert!(survived.undone > 0 && survived.woken > 0 && survived.repeated > 0, "{survived:?}");
}

#[test]
fn every_way_of_being_wrong_is_caught() {
    for (wrong, caught) in [
        (Wrong::Skips, "to be undone"),
        (Wrong::InOrder, "to be undone"),
        (Wrong::Twice, "to be undone"),
        (Wrong::GoesOn, "never carried out"),
        (Wrong::Waits, "has not ended"),
        (Wrong::KeepsLate, "did not follow"),
    ] {
        let why = broken(wrong);
        assert!(why.contains(caught), "{wrong:?} was caught for another reason: {why}");
    }
    let why = broken(Wrong::Counts);
    assert!(why.contains("repeated") || why.contains("after the end"), "{why}");
}

#[test]
#[should_panic(expected = "nothing was repeated")]
fn a_script_in_which_nothing_could_be_repeated_is_refused() {
    Survived { heard: 1, carried_out: 1, refused: 1, ..Survived::default() }.tried_everything();
}

#[test]
#[should_panic(expected = "no command was carried out")]
fn a_script_that_asks_for_nothing_is_refused() {
    Survived::default().tried_everything();
}
