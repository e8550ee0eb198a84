//! Sagas as state machines: what must happen over time, and how it is undone.

use serde::{Deserialize, Serialize};

use crate::{
    Ctx,
    wire::{Wire, key_of},
};

/// A state machine over facts, own events and time.
///
/// For every input the runtime first calls [`evolve`](Self::evolve), then [`react`](Self::react), once;
/// after a crash it only folds. Input and effects are one Commit. `react` runs also after
/// [`Effect::Done`], so that a late reply can be answered.
///
/// ```
/// use bongsu_core::{CommandId, Ctx, Effect, Input, Messages, Process, message};
///
/// #[message("question.asked", version = 1, key = id)]
/// struct Asked { id: String }
/// #[message("question.answered", version = 1, key = id)]
/// struct Answered { id: String }
/// #[message("question.remind", version = 1, key = id)]
/// struct Remind { id: String }
/// #[derive(Clone, Debug, PartialEq, Messages)]
/// enum Heard { #[starts] Asked(Asked), Answered(Answered) }
///
/// struct Reminder;
/// impl Process for Reminder {
///     const NAME: &'static str = "reminder";
///     type Heard = Heard;
///     type State = String;
///     type Command = Remind;
///     fn evolve(id: &mut String, input: &Input<'_, Heard>) {
///         if let Input::Heard(Heard::Asked(asked)) = input { *id = asked.id.clone(); }
///     }
///     fn react(&self, id: &String, input: &Input<'_, Heard>, ctx: &Ctx) -> Vec<Effect<Remind>> {
///         match input {
///             Input::Heard(Heard::Asked(_)) => vec![Effect::Wake { name: "late", at_ms: ctx.now_ms + 1_000 }],
///             Input::Heard(Heard::Answered(_)) => vec![Effect::CancelWake("late"), Effect::Done],
///             Input::Woke { .. } => vec![Effect::Send(Remind { id: id.clone() })],
///             Input::Refused { .. } => vec![Effect::Done],
///         }
///     }
/// }
///
/// let ctx = Ctx::new(0, CommandId(1), "test");
/// let asked = Heard::from(Asked { id: "q1".into() });
/// assert_eq!(Reminder.react(&"q1".into(), &Input::Heard(&asked), &ctx), vec![Effect::Wake { name: "late", at_ms: 1_000 }]);
/// ```
pub trait Process {
    /// Names the process and its consumer; never changes.
    const NAME: &'static str;
    /// Facts of other contexts and private events of its own.
    type Heard: Wire;
    /// Folded from its inputs.
    type State: Default;
    /// What it asks its own context for.
    type Command: Wire;

    /// Which instance an input is for: that of the message's key. It begins one if the message is marked `#[starts]`.
    /// Written out where it is otherwise.
    fn route(&self, heard: &Self::Heard) -> Route {
        const {
            assert!(
                Self::Heard::STARTS,
                "no method says what begins an instance, and no message is marked `#[starts]`"
            );
        }
        let key = key_of(heard);
        if heard.starts() { Route::Start(key) } else { Route::Continue(key) }
    }

    /// Folds one input. Static, so that recovery cannot depend on configuration.
    fn evolve(state: &mut Self::State, input: &Input<'_, Self::Heard>);

    /// What follows from an input, given the state after it.
    fn react(&self, state: &Self::State, input: &Input<'_, Self::Heard>, ctx: &Ctx) -> Vec<Effect<Self::Command>>;
}

/// Where an input goes.
///
/// ```
/// use bongsu_core::Route;
/// assert_ne!(Route::Start("a".into()), Route::Continue("a".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// Starts the instance of this key, or continues it.
    Start(String),
    /// Continues it; before the start, waits in that key's queue.
    Continue(String),
    /// Not for this process.
    Ignore,
}

/// What a process is told.
///
/// ```
/// use bongsu_core::Input;
/// let woke: Input<'_, ()> = Input::Woke { name: "deadline" };
/// assert!(matches!(woke, Input::Woke { name: "deadline" }));
/// ```
#[derive(Debug)]
pub enum Input<'a, H> {
    /// A fact, or an own event.
    Heard(&'a H),
    /// A timer set by [`Effect::Wake`] is due.
    Woke {
        /// The timer's name.
        name: &'a str,
    },
    /// A command it sent was rejected.
    Refused {
        /// Which one.
        effect: EffectId,
        /// The encoded rejection.
        rejection: &'a [u8],
    },
}

/// Names one effect: the ordinal of the input it followed from (from 1) and its place among that input's effects.
///
/// ```
/// use bongsu_core::EffectId;
/// assert_eq!(EffectId { input: 2, ordinal: 0 }, EffectId { input: 2, ordinal: 0 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EffectId {
    /// Ordinal of the input.
    pub input: u64,
    /// Place among the effects of that input, from 0.
    pub ordinal: u32,
}

/// What a process wants, one effect after the other; [`Course`](crate::Course) says how a list goes. See [`Process`] for
/// an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect<C> {
    /// Send a command.
    Send(C),
    /// Send a command and remember how to undo it.
    SendUndo {
        /// Sent now.
        run: C,
        /// Sent by [`Effect::Unwind`], latest first, if `run` was accepted.
        undo: C,
    },
    /// Set (or move) the timer of this name; durable wall time in milliseconds since the Unix epoch.
    Wake {
        /// The timer's name.
        name: &'static str,
        /// When.
        at_ms: i64,
    },
    /// Clear the timer of this name, if it is set.
    CancelWake(&'static str),
    /// Clear every timer, send every remembered undo, latest first, and end Unwound. Ends the list.
    Unwind,
    /// Clear every timer and end. Ends the list.
    Done,
}
