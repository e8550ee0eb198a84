//! Processes, step by step and over every interleaving.

use std::{collections::BTreeMap, fmt::Debug};

use bongsu_core::{Ctx, Effect, EffectId, Input, Process, Route, Wire};

use super::each_interleaving;

/// A process that is being told things. See [`process`].
pub struct Running<'p, P: Process> {
    process: &'p P,
    state: P::State,
    ctx: Ctx,
    started: bool,
    waiting: Vec<P::Heard>,
    inputs: u64,
    last: Vec<Effect<P::Command>>,
    last_sent: Option<EffectId>,
    undo: Vec<P::Command>,
    end: End<P::Command>,
}

/// What a process did from its first input to its last.
#[derive(Clone, Debug, PartialEq)]
pub struct End<C> {
    /// Every command sent, first to last; undos included.
    pub sent: Vec<C>,
    /// Timers still set.
    pub timers: BTreeMap<&'static str, i64>,
    /// How it ended, if it did.
    pub ending: Option<Ending>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By [`Effect::Done`].
    Done,
    /// By [`Effect::Unwind`].
    Unwound,
}

/// Starts a test of a process.
///
/// It does what the runtime does: first evolve, then react; what it hears before its start waits; a timer
/// wakes it only while it is set; `react` runs also after the end.
///
/// ```
/// use bongsu_core::{Ctx, Effect, Input, Process, Route, version, wire};
/// use bongsu_testing::given::{Ending, process, the_end};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// struct Asked { id: String }
/// version!(Asked, "question.asked", 1);
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// struct Answered { id: String }
/// version!(Answered, "question.answered", 1);
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// struct Remind {}
/// version!(Remind, "question.remind", 1);
/// wire! { enum Heard { Asked(Asked), Answered(Answered) } }
///
/// struct Reminder;
/// impl Process for Reminder {
///     const NAME: &'static str = "reminder";
///     type Heard = Heard;
///     type State = ();
///     type Command = Remind;
///     fn route(&self, heard: &Heard) -> Route {
///         match heard {
///             Heard::Asked(asked) => Route::Start(asked.id.clone()),
///             Heard::Answered(answered) => Route::Continue(answered.id.clone()),
///         }
///     }
///     fn evolve(_: &mut (), _: &Input<'_, Heard>) {}
///     fn react(&self, _: &(), input: &Input<'_, Heard>, ctx: &Ctx) -> Vec<Effect<Remind>> {
///         match input {
///             Input::Heard(Heard::Asked(_)) => vec![Effect::Wake { name: "late", at_ms: ctx.now_ms + 9 }],
///             Input::Heard(Heard::Answered(_)) => vec![Effect::CancelWake("late"), Effect::Done],
///             Input::Woke { .. } => vec![Effect::Send(Remind {})],
///             Input::Refused { .. } => vec![],
///         }
///     }
/// }
///
/// let asked = || Asked { id: "q".into() };
/// process(&Reminder).hears(asked()).then([Effect::Wake { name: "late", at_ms: 9 }]).wakes("late").sends([Remind {}]);
///
/// let end = the_end(&Reminder, &[vec![asked().into()], vec![Answered { id: "q".into() }.into()]]);
/// assert_eq!((end.sent, end.ending), (vec![], Some(Ending::Done)));
/// ```
pub fn process<P: Process>(process: &P) -> Running<'_, P> {
    Running {
        process,
        state: P::State::default(),
        ctx: super::ctx(0),
        started: false,
        waiting: Vec::new(),
        inputs: 0,
        last: Vec::new(),
        last_sent: None,
        undo: Vec::new(),
        end: End { sent: Vec::new(), timers: BTreeMap::new(), ending: None },
    }
}

/// How the process ends for every interleaving of what several contexts say and of timers that fire.
///
/// A timer in `wakes` fires once, anywhere, but only where it is set. `check` gets the names as
/// heard and the end.
pub fn every_end<P: Process>(
    tested: &P,
    sequences: &[Vec<P::Heard>],
    wakes: &[&'static str],
    mut check: impl FnMut(&[&'static str], End<P::Command>),
) where
    P::Heard: Clone,
    P::Command: Clone,
{
    let heard = sequences.iter().map(|sequence| sequence.iter().cloned().map(Step::Heard).collect());
    let steps: Vec<Vec<Step<P::Heard>>> = heard.chain(wakes.iter().map(|name| vec![Step::Woke(name)])).collect();
    each_interleaving(&steps, |run| {
        let mut running = process(tested);
        for step in run {
            match step {
                Step::Heard(heard) => running.tell(heard.clone()),
                Step::Woke(name) if running.end.timers.contains_key(name) => running.wake(name),
                Step::Woke(_) => {}
            }
        }
        let names: Vec<_> = run.iter().map(|step| step.name()).collect();
        check(&names, running.end);
    });
}

/// How the process ends, which must be the same for every interleaving of what several contexts say.
///
/// # Panics
/// When two interleavings end differently; the message names both.
#[track_caller]
pub fn the_end<P: Process>(tested: &P, sequences: &[Vec<P::Heard>]) -> End<P::Command>
where
    P::Heard: Clone,
    P::Command: Clone + Debug + PartialEq,
{
    let mut first: Option<(Vec<&'static str>, End<P::Command>)> = None;
    every_end(tested, sequences, &[], |names, end| match &first {
        None => first = Some((names.to_vec(), end)),
        Some((other, expected)) => assert_eq!(&end, expected, "{names:?} ends otherwise than {other:?}"),
    });
    first.expect("there is at least one interleaving").1
}

enum Step<H> {
    Heard(H),
    Woke(&'static str),
}

impl<H: Wire> Step<H> {
    fn name(&self) -> &'static str {
        match self {
            Self::Heard(heard) => heard.name().0,
            Self::Woke(name) => name,
        }
    }
}

impl<P: Process> Running<'_, P>
where
    P::Command: Clone,
{
    /// Sets the clock.
    #[must_use]
    pub fn at(mut self, now_ms: i64) -> Self {
        self.ctx.now_ms = now_ms;
        self
    }

    /// It hears a fact or an own event.
    #[must_use]
    pub fn hears(mut self, heard: impl Into<P::Heard>) -> Self {
        self.tell(heard.into());
        self
    }

    /// A timer fires.
    ///
    /// # Panics
    /// When it is not set.
    #[track_caller]
    #[must_use]
    pub fn wakes(mut self, name: &'static str) -> Self {
        assert!(self.end.timers.contains_key(name), "the timer {name} is not set");
        self.wake(name);
        self
    }

    /// The last command it sent is rejected.
    ///
    /// # Panics
    /// When it sent none.
    #[track_caller]
    #[must_use]
    pub fn refused(mut self, rejection: &impl Wire) -> Self {
        let effect = self.last_sent.expect("nothing was sent that could be refused");
        self.input(&Input::Refused { effect, rejection: &rejection.encode() });
        self
    }

    /// What it did so far.
    pub fn end(&self) -> &End<P::Command> {
        &self.end
    }

    fn tell(&mut self, heard: P::Heard) {
        match self.process.route(&heard) {
            Route::Ignore => self.last.clear(),
            Route::Continue(_) if !self.started => {
                self.waiting.push(heard);
                self.last.clear();
            }
            Route::Continue(_) => self.input(&Input::Heard(&heard)),
            Route::Start(_) => {
                self.started = true;
                self.input(&Input::Heard(&heard));
                let waited = std::mem::take(&mut self.waiting);
                waited.into_iter().for_each(|heard| self.input(&Input::Heard(&heard)));
            }
        }
    }

    fn wake(&mut self, name: &'static str) {
        self.end.timers.remove(name);
        self.input(&Input::Woke { name });
    }

    fn input(&mut self, input: &Input<'_, P::Heard>) {
        self.inputs += 1;
        P::evolve(&mut self.state, input);
        self.last = self.process.react(&self.state, input, &self.ctx);
        for (ordinal, effect) in self.last.clone().into_iter().enumerate() {
            self.perform(effect, EffectId { input: self.inputs, ordinal: ordinal as u32 });
        }
    }

    fn perform(&mut self, effect: Effect<P::Command>, id: EffectId) {
        match effect {
            Effect::Send(command) => {
                self.end.sent.push(command);
                self.last_sent = Some(id);
            }
            Effect::SendUndo { run, undo } => {
                self.end.sent.push(run);
                self.undo.push(undo);
                self.last_sent = Some(id);
            }
            Effect::Wake { name, at_ms } => {
                self.end.timers.insert(name, at_ms);
            }
            Effect::CancelWake(name) => {
                self.end.timers.remove(name);
            }
            Effect::Unwind => {
                self.end.sent.extend(std::mem::take(&mut self.undo).into_iter().rev());
                self.end.ending = Some(Ending::Unwound);
            }
            Effect::Done => self.end.ending = Some(Ending::Done),
        }
    }
}

impl<P: Process> Running<'_, P>
where
    P::Command: Debug + PartialEq,
{
    /// Exactly these effects followed from the last input.
    #[track_caller]
    pub fn then(self, effects: impl Into<Vec<Effect<P::Command>>>) -> Self {
        assert_eq!(self.last, effects.into(), "other effects follow");
        self
    }

    /// Exactly these commands, among other effects, followed from the last input.
    #[track_caller]
    pub fn sends(self, commands: impl Into<Vec<P::Command>>) -> Self {
        let commands = commands.into();
        let sent: Vec<_> = self
            .last
            .iter()
            .filter_map(|effect| match effect {
                Effect::Send(command) | Effect::SendUndo { run: command, .. } => Some(command),
                _ => None,
            })
            .collect();
        assert_eq!(sent, commands.iter().collect::<Vec<_>>(), "other commands follow");
        self
    }
}
