//! One way through a script, as the runtime would go it.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
};

use bongsu_core::{Act, Course, Decider, Effect, EffectId, Ending, Input, Process, Route, Taken, Wire};

use super::{Saga, choices::Choices};
use crate::{ctx, set};

/// More inputs than this, and it does not end.
const MOST_INPUTS: usize = 200;
/// As many commands as one input may set off in the runtime.
const MOST_STEPS: usize = 64;

/// An input, kept.
#[derive(Clone)]
pub(super) enum Incoming<H> {
    Heard(H),
    Woke(&'static str),
    Refused(EffectId, Vec<u8>),
    /// An undo was refused: nothing the process hears of.
    Stuck,
}

/// A move of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// The next fact of this voice.
    Say(usize),
    /// The next request.
    Ask,
    /// A timer fires.
    Fire(&'static str),
    /// A fact delivered before comes again.
    Repeat(usize),
}

/// A command that was sent.
#[derive(Clone, Debug)]
pub(super) struct Sent<C> {
    pub(super) command: C,
    /// What undoes it.
    pub(super) undone_by: Option<C>,
    pub(super) carried_out: bool,
    /// It undoes an earlier one.
    pub(super) undo: bool,
    /// After the end.
    pub(super) late: bool,
}

/// One way gone.
pub(super) struct Run<'s, P: Process, D: Decider> {
    script: &'s Saga<'s, P, D>,
    pub(super) state: P::State,
    pub(super) context: D::State,
    pub(super) inputs: Vec<Incoming<P::Heard>>,
    pub(super) sent: Vec<Sent<P::Command>>,
    course: Course<P::Command>,
    /// Replies that came after the end and the command each calls for.
    pub(super) owed: Vec<P::Command>,
    pub(super) moves: Vec<Move>,
    /// Which replies followed which command.
    pub(super) answers: Vec<(P::Command, usize)>,
    pub(super) repeated: u64,
    pub(super) woken: u64,
    pub(super) injected: bool,
    pub(super) broken: Option<String>,
    voices: Vec<VecDeque<P::Heard>>,
    requests: VecDeque<D::Command>,
    pub(super) delivered: Vec<P::Heard>,
    own: VecDeque<P::Heard>,
    timers: BTreeMap<&'static str, i64>,
    now_ms: i64,
    key: Option<String>,
}

/// Who decides what happens next: the explorer, or an earlier way without its repetitions.
pub(super) enum Way<'w, C> {
    Explored(&'w mut Choices),
    Again(&'w [(C, usize)]),
}

impl<P: Process, D: Decider> Run<'_, P, D> {
    /// How it has ended so far.
    pub(super) fn ending(&self) -> Option<Ending> {
        self.course.ending()
    }
}

impl<'s, P: Process, D: Decider> Run<'s, P, D>
where
    P::Heard: Clone,
    P::Command: Clone + PartialEq + fmt::Debug,
    D::Command: Clone,
    D::Rejection: Clone,
    D::State: Clone,
{
    /// Goes one way: every move is a choice, and at most one fact is repeated and one command refused.
    pub(super) fn explore(script: &'s Saga<'s, P, D>, choices: &mut Choices) -> Self {
        let voices = script.voices.iter().map(|alternatives| choices.choose(alternatives.len())).collect::<Vec<_>>();
        let mut run = Self::new(script, &voices);
        // Nobody has to ask.
        run.requests.retain(|_| choices.choose(2) == 0);
        let mut way = Way::Explored(choices);
        run.begin(&mut way);
        while let (None, true) = (&run.broken, run.inputs.len() < MOST_INPUTS) {
            let moves = run.possible();
            if moves.is_empty() {
                return run;
            }
            let Way::Explored(choices) = &mut way else { unreachable!("it is being explored") };
            let next = moves[choices.choose(moves.len())];
            run.make(next, &mut way);
        }
        run.break_with(|| "it does not end".to_owned());
        run
    }

    /// The same way without its repetitions.
    pub(super) fn without_repetitions(&self) -> Self {
        let mut run = Self { voices: self.said(), ..Self::new(self.script, &[]) };
        let mut way = Way::Again(&self.answers);
        run.begin(&mut way);
        for next in &self.moves {
            let possible = match next {
                Move::Repeat(_) => false,
                Move::Fire(name) => run.timers.contains_key(name),
                Move::Say(voice) => run.voices.get(*voice).is_some_and(|voice| !voice.is_empty()),
                Move::Ask => !run.requests.is_empty(),
            };
            if possible {
                run.make(*next, &mut way);
            }
        }
        while let Some(name) = run.timers.keys().next().copied() {
            run.make(Move::Fire(name), &mut way);
        }
        run
    }

    fn new(script: &'s Saga<'s, P, D>, chosen: &[usize]) -> Self {
        let voices = chosen.iter().zip(&script.voices).map(|(at, voice)| voice[*at].iter().cloned().collect());
        Self {
            script,
            state: P::State::default(),
            context: D::State::default(),
            inputs: Vec::new(),
            sent: Vec::new(),
            course: Course::default(),
            owed: Vec::new(),
            moves: Vec::new(),
            answers: Vec::new(),
            repeated: 0,
            woken: 0,
            injected: false,
            broken: None,
            voices: voices.collect(),
            requests: script.requests.iter().cloned().collect(),
            delivered: Vec::new(),
            own: VecDeque::new(),
            timers: BTreeMap::new(),
            now_ms: 0,
            key: None,
        }
    }

    /// What the voices of the script said on this way, from the beginning.
    fn said(&self) -> Vec<VecDeque<P::Heard>> {
        let mut said: Vec<VecDeque<P::Heard>> = vec![VecDeque::new(); self.script.voices.len()];
        let mut heard = self.delivered.iter();
        for next in &self.moves {
            let Move::Say(voice) = next else { continue };
            if let (Some(fact), Some(said)) = (heard.next(), said.get_mut(*voice)) {
                said.push_back(fact.clone());
            }
        }
        said
    }

    fn begin(&mut self, way: &mut Way<'_, P::Command>) {
        for event in &self.script.begins {
            self.happened(event);
        }
        self.settle(way);
    }

    fn possible(&self) -> Vec<Move> {
        let says = (0..self.voices.len()).filter(|voice| !self.voices[*voice].is_empty()).map(Move::Say);
        let fires = self.timers.keys().map(|name| Move::Fire(name));
        let asks = self.requests.front().map(|_| Move::Ask);
        let mut moves: Vec<Move> = says.chain(fires).chain(asks).collect();
        if self.repeated == 0 {
            moves.extend((0..self.delivered.len()).map(Move::Repeat));
        }
        moves
    }

    fn make(&mut self, next: Move, way: &mut Way<'_, P::Command>) {
        self.moves.push(next);
        self.now_ms += 1;
        match next {
            Move::Say(voice) => {
                let Some(fact) = self.voices[voice].pop_front() else { return };
                self.delivered.push(fact.clone());
                self.hear(fact, way);
            }
            Move::Repeat(at) => {
                self.repeated += 1;
                self.hear(self.delivered[at].clone(), way);
            }
            Move::Fire(name) => {
                self.woken += 1;
                self.now_ms = self.timers.remove(name).unwrap_or(0).max(self.now_ms);
                self.input(Incoming::Woke(name), way);
            }
            Move::Ask => {
                let Some(request) = self.requests.pop_front() else { return };
                // A request that is refused changes nothing.
                if let Ok(events) = self.script.context.decide(&self.context, request, &ctx(self.now_ms)) {
                    events.iter().for_each(|event| self.happened(event));
                }
            }
        }
        self.settle(way);
    }

    /// Lets the process hear what happened in its own context.
    fn settle(&mut self, way: &mut Way<'_, P::Command>) {
        while let Some(own) = self.own.pop_front() {
            self.hear(own, way);
        }
    }

    fn hear(&mut self, heard: P::Heard, way: &mut Way<'_, P::Command>) {
        let key = match self.script.process.route(&heard) {
            Route::Ignore => return,
            Route::Start(key) | Route::Continue(key) => key,
        };
        let known = self.key.get_or_insert_with(|| key.clone()).clone();
        if key != known {
            self.break_with(|| format!("{} goes to {key}, the script is about {known}", heard.name().0));
        }
        if matches!(self.ending(), Some(Ending::Unwound | Ending::NeedsHuman)) {
            self.owed.extend((self.script.late)(&heard));
        }
        self.input(Incoming::Heard(heard), way);
    }

    /// Takes an input and carries out what follows, as the runtime does.
    fn input(&mut self, incoming: Incoming<P::Heard>, way: &mut Way<'_, P::Command>) {
        let ended = self.ending().is_some();
        self.take(incoming);
        while let (None, Some(act)) = (&self.broken, self.course.next()) {
            if let Some(incoming) = self.perform(act, ended, way) {
                self.take(incoming);
            }
        }
    }

    fn take(&mut self, incoming: Incoming<P::Heard>) {
        if self.inputs.len() >= MOST_INPUTS || self.sent.len() >= MOST_STEPS {
            return self.break_with(|| "it does not end".to_owned());
        }
        let effects = incoming.with(|input| {
            P::evolve(&mut self.state, input);
            self.script.process.react(&self.state, input, &ctx(self.now_ms))
        });
        let effects = effects.unwrap_or_default();
        let end = effects.iter().position(|effect| matches!(effect, Effect::Done | Effect::Unwind));
        if end.is_some_and(|end| end + 1 < effects.len()) {
            self.break_with(|| "what stands after Done or Unwind in a list is never carried out".to_owned());
        }
        self.course.take(incoming.taken(), effects.into_iter().map(Into::into));
        self.inputs.push(incoming);
    }

    /// Carries out one act; a refusal is the next input.
    fn perform(
        &mut self,
        act: Act<P::Command>,
        ended: bool,
        way: &mut Way<'_, P::Command>,
    ) -> Option<Incoming<P::Heard>> {
        match act {
            Act::Send { id, command, undo } => {
                let is_undo = self.undoes(&command);
                let known = (self.script.undone_by)(&command);
                let refusal = self.send(command, undo.or(known), is_undo, ended, way).err()?;
                Some(Incoming::Refused(id, refusal))
            }
            Act::Undo { command, .. } => self.send(command, None, true, ended, way).err().map(|_| Incoming::Stuck),
            Act::Wake { name, at_ms } => {
                self.timers.insert(set(name), at_ms);
                None
            }
            Act::CancelWake(name) => {
                self.timers.remove(set(name));
                None
            }
        }
    }

    /// Has the context carry out a command, twice: the second time must change nothing.
    fn send(
        &mut self,
        command: P::Command,
        undone_by: Option<P::Command>,
        undo: bool,
        late: bool,
        way: &mut Way<'_, P::Command>,
    ) -> Result<(), Vec<u8>> {
        let decided = self.decide(&command, way);
        let carried_out = decided.is_ok();
        self.sent.push(Sent { command: command.clone(), undone_by, carried_out, undo, late });
        decided?.iter().for_each(|event| self.happened(event));
        self.once_more(&command);
        self.answer(&command, way);
        Ok(())
    }

    fn decide(&mut self, command: &P::Command, way: &mut Way<'_, P::Command>) -> Result<Vec<D::Event>, Vec<u8>> {
        if let Way::Explored(choices) = way
            && !self.injected
            && choices.choose(2) == 1
        {
            self.injected = true;
            return Err(self.script.refusal.encode());
        }
        self.over_the_wire(command).map_err(|refusal| refusal.encode())
    }

    fn over_the_wire(&mut self, command: &P::Command) -> Result<Vec<D::Event>, D::Rejection> {
        let (name, schema) = command.name();
        let Ok(Some(command)) = D::Command::decode(name, schema, &command.encode()) else {
            self.break_with(|| format!("the context does not take {name}"));
            return Ok(Vec::new());
        };
        self.script.context.decide(&self.context, command, &ctx(self.now_ms))
    }

    fn once_more(&mut self, command: &P::Command) {
        if self.over_the_wire(command).is_ok_and(|events| !events.is_empty()) {
            self.break_with(|| format!("{} has an effect again when it is repeated", command.name().0));
        }
    }

    /// What others say to a command that was carried out.
    fn answer(&mut self, command: &P::Command, way: &mut Way<'_, P::Command>) {
        let replies = (self.script.replies)(command);
        let chosen = match way {
            Way::Explored(choices) => choices.choose(replies.len()),
            Way::Again(answers) => answers.iter().find(|(to, _)| to == command).map_or(0, |(_, chosen)| *chosen),
        };
        self.answers.push((command.clone(), chosen));
        self.voices.push(replies.into_iter().nth(chosen).unwrap_or_default().into());
    }

    fn undoes(&self, command: &P::Command) -> bool {
        self.sent.iter().any(|sent| sent.undone_by.as_ref() == Some(command))
    }

    fn happened(&mut self, event: &D::Event) {
        D::evolve(&mut self.context, event);
        let (name, schema) = event.name();
        if let Ok(Some(heard)) = P::Heard::decode(name, schema, &event.encode()) {
            self.own.push_back(heard);
        }
    }

    fn break_with(&mut self, why: impl FnOnce() -> String) {
        self.broken.get_or_insert_with(why);
    }
}

impl<H> Incoming<H> {
    /// Calls `f` with the input; `None` for one that the process does not hear of.
    pub(super) fn with<R>(&self, f: impl FnOnce(&Input<'_, H>) -> R) -> Option<R> {
        Some(match self {
            Self::Heard(heard) => f(&Input::Heard(heard)),
            Self::Woke(name) => f(&Input::Woke { name }),
            Self::Refused(effect, rejection) => f(&Input::Refused { effect: *effect, rejection }),
            Self::Stuck => return None,
        })
    }

    fn taken(&self) -> Taken<'_> {
        match self {
            Self::Heard(_) => Taken::Heard,
            Self::Woke(name) => Taken::Woke(name),
            Self::Refused(effect, _) => Taken::Refused(*effect),
            Self::Stuck => Taken::Stuck,
        }
    }
}

impl<H: Wire> Incoming<H> {
    pub(super) fn words(&self) -> &'static str {
        match self {
            Self::Heard(heard) => heard.name().0,
            Self::Woke(name) => name,
            Self::Refused(..) => "(refused)",
            Self::Stuck => "(an undo was refused)",
        }
    }
}
