//! The harness catches what it is there to catch: every check here has been seen to fail.

use bongsu_core::{
    Aggregate, Changes, Ctx, Decision, Effect, Input, Messages, Metadata, Process, Projection, Route, StreamRef, View,
    message,
};
use serde_json::json;

use super::{Ending, contract, decision, every_end, process, rows, the_end};

#[message("door.opened", version = 1)]
struct Opened {}
#[message("door.closed", version = 1)]
struct Closed {}
#[message("bell.ring", version = 1)]
struct Ring {}

#[derive(Clone, Debug, PartialEq, Messages)]
enum Heard {
    Opened(Opened),
    Closed(Closed),
}

/// Rings unless the door was closed first: its end depends on what is heard first.
struct Bell;

impl Process for Bell {
    const NAME: &'static str = "bell";
    type Heard = Heard;
    type State = bool;
    type Command = Ring;

    fn route(&self, _: &Heard) -> Route {
        Route::Start("bell".into())
    }

    fn evolve(closed: &mut bool, input: &Input<'_, Heard>) {
        *closed |= matches!(input, Input::Heard(Heard::Closed(_)));
    }

    fn react(&self, closed: &bool, input: &Input<'_, Heard>, ctx: &Ctx) -> Vec<Effect<Ring>> {
        match input {
            Input::Heard(Heard::Opened(_)) if !closed => vec![Effect::Wake { name: "ring", at_ms: ctx.now_ms }],
            Input::Woke { .. } => vec![Effect::SendUndo { run: Ring {}, undo: Ring {} }],
            Input::Heard(Heard::Closed(_)) => vec![Effect::CancelWake("ring"), Effect::Unwind],
            Input::Heard(Heard::Opened(_)) => vec![Effect::Send(Ring {}), Effect::Done],
            Input::Refused { .. } => vec![Effect::Done],
        }
    }
}

/// Never starts.
struct Waiter;

impl Process for Waiter {
    const NAME: &'static str = "waiter";
    type Heard = Heard;
    type State = ();
    type Command = Ring;

    fn route(&self, _: &Heard) -> Route {
        Route::Continue("bell".into())
    }

    fn evolve((): &mut (), _: &Input<'_, Heard>) {}

    fn react(&self, (): &(), _: &Input<'_, Heard>, _: &Ctx) -> Vec<Effect<Ring>> {
        vec![]
    }
}

/// Keeps the name heard last: its rows depend on the sequence.
struct Latest;

impl Projection for Latest {
    const NAME: &'static str = "latest";
    const VERSION: u32 = 1;
    type Event = Heard;
    type Row = bool;

    fn keys(_: &Heard) -> Vec<String> {
        vec!["door".into()]
    }

    fn fold(_: &str, _: Option<bool>, event: &Heard, _: &Metadata) -> Option<bool> {
        Some(matches!(event, Heard::Opened(_)))
    }
}

struct Door;

impl Aggregate for Door {
    const NAME: &'static str = "door";
    type Event = Opened;
    type State = u32;

    fn evolve(opened: &mut u32, _: &Opened) {
        *opened += 1;
    }
}

/// Reads the front door and opens the back door too.
struct OpenBoth;

impl Decision for OpenBoth {
    const NAME: &'static str = "open-both";
    type Command = Opened;
    type Rejection = Closed;

    fn reads(&self, _: &Opened, _: &View, _: &Ctx) -> Vec<StreamRef> {
        vec![StreamRef::of::<Door>("front")]
    }

    fn decide(&self, _: &View, _: Opened, _: &Ctx) -> Result<Changes, Closed> {
        Ok(Changes::new().append::<Door>("front", Opened {}).append::<Door>("back", Opened {}))
    }
}

fn both() -> [Vec<Heard>; 2] {
    [vec![Opened {}.into()], vec![Closed {}.into()]]
}

#[test]
#[should_panic(expected = "ends otherwise than")]
fn a_process_whose_end_depends_on_arrival_is_caught() {
    let _ = the_end(&Bell, &both());
}

#[test]
#[should_panic(expected = "ends otherwise than")]
fn a_projection_whose_rows_depend_on_arrival_is_caught() {
    let _ = rows::<Latest>(&both());
}

#[test]
#[should_panic(expected = "door/back is changed but was not read")]
fn a_decision_that_changes_what_it_did_not_read_is_caught() {
    decision(&OpenBoth).when(Opened {}).and_nothing_else();
}

#[test]
#[should_panic(expected = "the timer ring is not set")]
fn a_timer_that_is_not_set_does_not_fire() {
    let _ = process(&Bell).wakes("ring");
}

#[test]
fn what_was_refused_is_not_undone() {
    let end = process(&Bell).hears(Opened {}).wakes("ring").refused(&Closed {}).hears(Closed {}).end().clone();
    assert_eq!((end.sent.len(), end.ending), (1, Some(Ending::Unwound)));
}

#[test]
fn the_end_clears_the_timers() {
    let end = process(&Bell).hears(Opened {}).hears(Closed {}).hears(Opened {}).end().clone();
    assert_eq!((end.timers.len(), end.ending), (0, Some(Ending::Unwound)));
}

#[test]
#[should_panic(expected = "1000 inputs wait for a start")]
fn more_inputs_than_the_runtime_keeps_cannot_wait_for_a_start() {
    let mut waiting = process(&Waiter);
    for _ in 0..=1_000 {
        waiting = waiting.hears(Opened {});
    }
}

#[test]
fn timers_fire_anywhere_but_only_while_they_are_set() {
    let mut ends = Vec::new();
    every_end(&Bell, &both(), &["ring"], |names, end| ends.push((names.join(" "), end.sent.len(), end.ending)));
    let rang: Vec<_> = ends.iter().filter(|(_, sent, _)| *sent > 1).collect();
    // Opening after closing sends once. Rung between opening and closing, and unwound by closing; in the five other sequences it is not set.
    assert_eq!(rang, [&("door.opened ring door.closed".to_owned(), 2, Some(Ending::Unwound))]);
    assert_eq!(ends.len(), 6);
}

#[test]
fn a_schema_rule_nobody_checks_is_an_error() {
    let fits = |schema, value| contract::fits(&schema, &value, true);
    assert!(fits(json!({ "pattern": "^a$" }), json!("b")).is_err_and(|why| why.contains("pattern is not supported")));
    assert!(fits(json!({ "type": "integer" }), json!(1.5)).is_err());
    assert!(fits(json!({ "enum": ["a"] }), json!("b")).is_err());
    assert!(fits(json!({ "items": { "type": "string" } }), json!(["a", 1])).is_err_and(|why| why.starts_with("/1:")));
    assert!(fits(json!({ "minItems": 1 }), json!([])).is_err());
    assert!(fits(json!({ "required": ["a"] }), json!({})).is_err());
}

#[test]
#[should_panic(expected = "there is no sample in")]
fn a_fact_without_a_sample_is_caught() {
    let nowhere = std::path::Path::new("/nowhere");
    contract::heard::<Opened>(nowhere, &["door.opened.v1"]);
}
