//! Sagas under every fault: a process, the context that carries out what it asks for, and a script of what the others
//! say.
//!
//! [`saga`] goes every way through the script: facts and timers in every order, a timer as soon as it is set or last
//! of all, every fact once more at any later moment (after the end too), every command refused once. On each way it
//! checks (effects go through [`Course`](bongsu_core::Course), as they do in the runtime) that
//!
//! - the process ends: Done, Unwound, or in need of a person;
//! - what is undone is what was carried out or may have been, latest first, and nothing else;
//! - nothing stands after `Done` or `Unwind` in a list of effects, where it would never be carried out;
//! - no step forward is carried out after the first undo, and none after the end;
//! - a reply after the end is answered by the undo it calls for;
//! - state is what folding the inputs anew gives, because that is what a crash leaves;
//! - a fact that is repeated changes nothing, and a command that is repeated is refused or without effect.
//!
//! `xtask tidy` wants every process of the repository in it. The guide to testing shows one.

mod choices;
mod run;
mod judge;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt};

use bongsu_core::{Decider, Process};

use self::{choices::Choices, run::Run};

/// More ways than this would take minutes: a script that has them should be split.
const MOST: u64 = 300_000;

/// What others say once a command is carried out: one of these sequences.
type Replies<'s, P> = Box<dyn Fn(&<P as Process>::Command) -> Vec<Vec<<P as Process>::Heard>> + 's>;
/// The command that undoes another.
type Undo<'s, P> = Box<dyn Fn(&<P as Process>::Command) -> Option<<P as Process>::Command> + 's>;
/// The command that a late reply must be answered by.
type Late<'s, P> = Box<dyn Fn(&<P as Process>::Heard) -> Option<<P as Process>::Command> + 's>;

/// A process in its world. See [`saga`].
pub struct Saga<'s, P: Process, D: Decider> {
    process: &'s P,
    context: &'s D,
    begins: Vec<D::Event>,
    voices: Vec<Vec<Vec<P::Heard>>>,
    requests: Vec<D::Command>,
    refusal: D::Rejection,
    replies: Replies<'s, P>,
    undone_by: Undo<'s, P>,
    late: Late<'s, P>,
    waits: bool,
}

/// How a saga ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// By [`Effect::Done`](bongsu_core::Effect::Done).
    Done,
    /// By [`Effect::Unwind`](bongsu_core::Effect::Unwind).
    Unwound,
    /// An undo was refused.
    NeedsHuman,
    /// It still waits for somebody who said nothing, which its script allows.
    Waiting,
}

/// What was tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survived {
    /// Ways gone.
    pub ways: u64,
    /// Inputs taken on all of them.
    pub inputs: u64,
    /// Commands carried out.
    pub carried_out: u64,
    /// Commands refused, by the context itself or for the test.
    pub refused: u64,
    /// Facts of others delivered.
    pub heard: u64,
    /// Facts delivered once more.
    pub repeated: u64,
    /// Timers that fired.
    pub woken: u64,
    /// Undos sent.
    pub undone: u64,
    /// How they ended.
    pub endings: BTreeMap<Ending, u64>,
}

/// Begins the script of a process and of the context that decides its commands. `begins` are the context's own
/// events so far; those the process hears are its first inputs. `refusal` is what a command is refused with.
///
/// ```
/// use bongsu_core::{Aggregate, Ctx, Decider, Effect, Input, Process, Route, message, Messages};
/// use bongsu_given::saga::{Ending, saga};
///
/// #[message("question.asked", version = 1)]
/// struct Asked {}
/// #[message("clerk.answered", version = 1)]
/// struct Answered {}
/// #[message("question.expire", version = 1)]
/// struct Expire {}
/// #[message("question.expired", version = 1)]
/// struct Expired {}
/// #[derive(Clone, Debug, PartialEq, Messages)]
/// enum Heard { Asked(Asked), Answered(Answered) }
/// #[derive(Clone, Debug, PartialEq, Messages)]
/// enum Event { Asked(Asked), Expired(Expired) }
///
/// struct Questions;
/// impl Aggregate for Questions {
///     const NAME: &'static str = "question";
///     type Event = Event;
///     type State = bool;
///     fn evolve(expired: &mut bool, event: &Event) { *expired = matches!(event, Event::Expired(_)); }
/// }
/// impl Decider for Questions {
///     type Command = Expire;
///     type Rejection = Expired;
///     fn target(&self, _: &Expire, _: &Ctx) -> String { "q".into() }
///     fn decide(&self, expired: &bool, _: Expire, _: &Ctx) -> Result<Vec<Event>, Expired> {
///         if *expired { Err(Expired {}) } else { Ok(vec![Expired {}.into()]) }
///     }
/// }
///
/// struct Patience;
/// impl Process for Patience {
///     const NAME: &'static str = "patience";
///     type Heard = Heard;
///     type State = bool;
///     type Command = Expire;
///     fn route(&self, heard: &Heard) -> Route {
///         match heard { Heard::Asked(_) => Route::Start("q".into()), Heard::Answered(_) => Route::Continue("q".into()) }
///     }
///     fn evolve(over: &mut bool, input: &Input<'_, Heard>) { *over |= !matches!(input, Input::Heard(Heard::Asked(_))); }
///     fn react(&self, over: &bool, input: &Input<'_, Heard>, ctx: &Ctx) -> Vec<Effect<Expire>> {
///         match input {
///             Input::Heard(Heard::Asked(_)) if !over => vec![Effect::Wake { name: "late", at_ms: ctx.now_ms + 9 }],
///             Input::Heard(_) => vec![Effect::CancelWake("late"), Effect::Done],
///             Input::Woke { .. } => vec![Effect::Send(Expire {}), Effect::Done],
///             Input::Refused { .. } => vec![],
///         }
///     }
/// }
///
/// let survived = saga(&Patience, &Questions, [Asked {}.into()], Expired {})
///     .hears([vec![Answered {}.into()], vec![]])
///     .goes_every_way();
/// assert!(survived.endings[&Ending::Done] == survived.ways && survived.repeated > 0 && survived.woken > 0);
/// ```
pub fn saga<'s, P: Process, D: Decider>(
    process: &'s P,
    context: &'s D,
    begins: impl Into<Vec<D::Event>>,
    refusal: D::Rejection,
) -> Saga<'s, P, D> {
    Saga {
        process,
        context,
        begins: begins.into(),
        voices: Vec::new(),
        requests: Vec::new(),
        refusal,
        replies: Box::new(|_| vec![vec![]]),
        undone_by: Box::new(|_| None),
        late: Box::new(|_| None),
        waits: false,
    }
}

impl<'s, P: Process, D: Decider> Saga<'s, P, D> {
    /// Another context says one of these sequences; an empty one is silence.
    #[must_use]
    pub fn hears(mut self, alternatives: impl Into<Vec<Vec<P::Heard>>>) -> Self {
        self.voices.push(alternatives.into());
        self
    }

    /// Somebody may ask the context for this, at any moment or never.
    #[must_use]
    pub fn asked(mut self, request: impl Into<D::Command>) -> Self {
        self.requests.push(request.into());
        self
    }

    /// What others say once a command was carried out: one of these sequences.
    #[must_use]
    pub fn replied(mut self, replies: impl Fn(&P::Command) -> Vec<Vec<P::Heard>> + 's) -> Self {
        self.replies = Box::new(replies);
        self
    }

    /// Which command undoes a step that the process undoes itself, without [`Effect::SendUndo`](bongsu_core::Effect).
    #[must_use]
    pub fn undone_by(mut self, undo: impl Fn(&P::Command) -> Option<P::Command> + 's) -> Self {
        self.undone_by = Box::new(undo);
        self
    }

    /// Which command must follow from a reply that comes after everything was undone.
    #[must_use]
    pub fn late(mut self, late: impl Fn(&P::Heard) -> Option<P::Command> + 's) -> Self {
        self.late = Box::new(late);
        self
    }

    /// It may wait for ever for somebody who says nothing: it has no deadline on purpose.
    #[must_use]
    pub fn may_wait(mut self) -> Self {
        self.waits = true;
        self
    }
}

impl<P: Process, D: Decider> Saga<'_, P, D>
where
    P::Heard: Clone,
    P::Command: Clone + PartialEq + fmt::Debug,
    P::State: PartialEq + fmt::Debug,
    D::Command: Clone,
    D::Rejection: Clone,
    D::State: Clone + PartialEq + fmt::Debug,
{
    /// Goes every way there is.
    ///
    /// # Panics
    /// On the first way on which a rule is broken, with the way in words; when a fault could not be tried at all;
    /// and when there are more ways than anybody waits for.
    #[track_caller]
    pub fn goes_every_way(&self) -> Survived {
        let mut choices = Choices::default();
        let mut survived = Survived::default();
        loop {
            let ran = Run::explore(self, &mut choices);
            judge::judge(self, &ran);
            survived.add(&ran);
            assert!(survived.ways <= MOST, "more than {MOST} ways: split the script");
            if !choices.another() {
                break;
            }
        }
        survived.tried_everything();
        survived
    }
}

impl Survived {
    fn add<P: Process, D: Decider>(&mut self, ran: &Run<'_, P, D>) {
        self.ways += 1;
        self.inputs += ran.inputs.len() as u64;
        self.carried_out += ran.sent.iter().filter(|sent| sent.carried_out).count() as u64;
        self.refused += ran.sent.iter().filter(|sent| !sent.carried_out).count() as u64;
        self.undone += ran.sent.iter().filter(|sent| sent.undo).count() as u64;
        self.heard += ran.delivered.len() as u64;
        self.repeated += ran.repeated;
        self.woken += ran.woken;
        let ending = match ran.ending() {
            None => Ending::Waiting,
            Some(bongsu_core::Ending::Done) => Ending::Done,
            Some(bongsu_core::Ending::Unwound) => Ending::Unwound,
            Some(bongsu_core::Ending::NeedsHuman) => Ending::NeedsHuman,
        };
        *self.endings.entry(ending).or_default() += 1;
    }

    /// What could not be tried was not tested.
    #[track_caller]
    fn tried_everything(&self) {
        assert!(self.repeated > 0 || self.heard == 0, "nothing was repeated: {self:?}");
        assert!(self.carried_out > 0 && self.refused > 0, "no command was carried out, or none refused: {self:?}");
        assert!(self.endings.keys().any(|ending| *ending != Ending::Waiting), "it never ends: {self:?}");
    }
}
