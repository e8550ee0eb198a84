//! Processes, step by step and over every interleaving.

use std::{borrow::Cow, collections::BTreeMap, fmt::Debug};

pub use bongsu_core::Ending;
use bongsu_core::{Act, Course, Ctx, Effect, EffectId, Input, MOST_WAITING, Process, Route, Taken, Wire};

use super::each_interleaving;

/// A process that is being told things. See [`process`].
pub struct Running<'p, P: Process> {
    process: &'p P,
    state: P::State,
    ctx: Ctx,
    started: bool,
    waiting: Vec<P::Heard>,
    last: Vec<Effect<P::Command>>,
    course: Course<P::Command>,
    end: End<P::Command>,
    /// As it was when each command of the last input was decided.
    deciding: Vec<Deciding<P::Command>>,
}

/// What a refusal of a command goes back to.
struct Deciding<C> {
    effect: EffectId,
    course: Course<C>,
    end: End<C>,
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

/// Starts a test of a process.
///
/// It does what the runtime does: first evolve, then react; what it hears before its start waits; a timer
/// wakes it only while it is set; `react` runs also after the end. Effects go through [`Course`], as they do there.
///
/// ```
/// use bongsu_core::{Ctx, Effect, Input, Process, Route, message, Messages};
/// use bongsu_given::{Ending, process, the_end};
///
/// #[message("question.asked", version = 1, key = id)]
/// struct Asked { id: String }
/// #[message("question.answered", version = 1, key = id)]
/// struct Answered { id: String }
/// #[message("question.remind", version = 1)]
/// struct Remind {}
/// #[derive(Clone, Debug, PartialEq, Messages)]
/// enum Heard { Asked(Asked), Answered(Answered) }
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
        last: Vec::new(),
        course: Course::default(),
        deciding: Vec::new(),
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
    let heard = sequences.iter().map(|sequence| sequence.iter().cloned().map(Brought::Heard).collect());
    let steps: Vec<Vec<Brought<P::Heard>>> = heard.chain(wakes.iter().map(|name| vec![Brought::Woke(name)])).collect();
    each_interleaving(&steps, |run| {
        let mut running = process(tested);
        for step in run {
            match step {
                Brought::Heard(heard) => running.tell(heard.clone()),
                Brought::Woke(name) if running.end.timers.contains_key(name) => running.wake(name),
                Brought::Woke(_) => {}
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

enum Brought<H> {
    Heard(H),
    Woke(&'static str),
}

impl<H: Wire> Brought<H> {
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

    /// The last command it sent is rejected, at once, as in the runtime: what was left of its list comes after what
    /// the process says to that.
    ///
    /// # Panics
    /// When the last input sent none.
    #[track_caller]
    #[must_use]
    pub fn refused(self, rejection: &impl Wire) -> Self {
        let last = self.deciding.len().checked_sub(1).expect("nothing was sent that could be refused");
        self.refused_nth(last, rejection)
    }

    /// The same for the `nth` command that followed from the last input, from 0: the others after it are sent only if
    /// the process goes on.
    ///
    /// # Panics
    /// When the last input sent fewer.
    #[track_caller]
    #[must_use]
    pub fn refused_nth(mut self, nth: usize, rejection: &impl Wire) -> Self {
        assert!(nth < self.deciding.len(), "the last input sent {} commands", self.deciding.len());
        let deciding = self.deciding.swap_remove(nth);
        (self.course, self.end) = (deciding.course, deciding.end);
        let effect = deciding.effect;
        self.input(&Input::Refused { effect, rejection: &rejection.encode() }, Taken::Refused(effect));
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
                assert!(self.waiting.len() < MOST_WAITING, "{} inputs wait for a start", self.waiting.len());
                self.waiting.push(heard);
                self.last.clear();
            }
            Route::Continue(_) => self.input(&Input::Heard(&heard), Taken::Heard),
            Route::Start(_) => {
                self.started = true;
                self.input(&Input::Heard(&heard), Taken::Heard);
                let waited = std::mem::take(&mut self.waiting);
                waited.into_iter().for_each(|heard| self.input(&Input::Heard(&heard), Taken::Heard));
            }
        }
    }

    fn wake(&mut self, name: &'static str) {
        self.end.timers.remove(name);
        self.input(&Input::Woke { name }, Taken::Woke(name));
    }

    fn input(&mut self, input: &Input<'_, P::Heard>, taken: Taken<'_>) {
        P::evolve(&mut self.state, input);
        self.last = self.process.react(&self.state, input, &self.ctx);
        self.deciding.clear();
        self.course.take(taken, self.last.iter().cloned().map(Into::into));
        while let Some(act) = self.course.next() {
            self.perform(act);
        }
        self.end.ending = self.course.ending();
    }

    fn perform(&mut self, act: Act<P::Command>) {
        match act {
            Act::Send { id, command, .. } => {
                self.end.sent.push(command);
                self.deciding.push(Deciding { effect: id, course: self.course.clone(), end: self.end.clone() });
            }
            Act::Undo { command, .. } => self.end.sent.push(command),
            Act::Wake { name, at_ms } => drop(self.end.timers.insert(set(name), at_ms)),
            Act::CancelWake(name) => drop(self.end.timers.remove(set(name))),
        }
    }
}

/// The name of a timer, as the process wrote it.
pub(crate) fn set(name: Cow<'static, str>) -> &'static str {
    match name {
        Cow::Borrowed(name) => name,
        Cow::Owned(name) => unreachable!("{name} was not written by a process of this test"),
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
