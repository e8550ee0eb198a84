//! What a process did so far and does next: the one reading of its effects, for the runtime and for tests.

use std::{
    borrow::Cow,
    collections::{BTreeSet, VecDeque},
};

use serde::{Deserialize, Serialize};

use crate::process::{Effect, EffectId};

/// Most inputs that wait for the start of one instance.
pub const MOST_WAITING: usize = 1_000;

/// An [`Effect`] as it is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordedEffect<C> {
    /// [`Effect::Send`].
    Send(C),
    /// [`Effect::SendUndo`].
    SendUndo {
        /// Sent now.
        run: C,
        /// What undoes it.
        undo: C,
    },
    /// [`Effect::Wake`].
    Wake {
        /// The timer's name.
        name: Cow<'static, str>,
        /// When, in milliseconds since the Unix epoch.
        at_ms: i64,
    },
    /// [`Effect::CancelWake`].
    CancelWake(Cow<'static, str>),
    /// [`Effect::Unwind`].
    Unwind,
    /// [`Effect::Done`].
    Done,
}

/// What kind of input was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken<'a> {
    /// A fact or an own event.
    Heard,
    /// The timer of this name.
    Woke(&'a str),
    /// The refusal of a command.
    Refused(EffectId),
    /// The refusal of an undo: a person has to look. It has no effects.
    Stuck,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act<C> {
    /// Have this command decided. If it is refused, the refusal is the next input to take.
    Send {
        /// Names it.
        id: EffectId,
        /// The command.
        command: C,
        /// What undoes it, should it be accepted.
        undo: Option<C>,
    },
    /// Have this undo decided. If it is refused, [`Taken::Stuck`] is the next input to take.
    Undo {
        /// The effect it undoes.
        id: EffectId,
        /// The command.
        command: C,
    },
    /// Set, or move, a timer.
    Wake {
        /// The timer's name.
        name: Cow<'static, str>,
        /// When, in milliseconds since the Unix epoch.
        at_ms: i64,
    },
    /// Clear a timer.
    CancelWake(Cow<'static, str>),
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Ending {
    /// By [`Effect::Done`].
    Done,
    /// By [`Effect::Unwind`].
    Unwound,
    /// An undo was refused.
    NeedsHuman,
}

/// How an instance of a process stands, besides its state.
///
/// Whoever drives it takes an input with what `react` said to it, and then carries out [`next`](Self::next) until there
/// is nothing left. A command that is refused becomes an input at once, so that its effects come before what is left of
/// the list it was in. What undoes a command is remembered when the command was accepted. [`Effect::Done`] and
/// [`Effect::Unwind`] end the list they are in, and every list that one interrupted: nothing after them is carried out;
/// and they clear every timer that is set.
///
/// ```
/// use bongsu_core::{Act, Course, EffectId, Ending, RecordedEffect, Taken};
/// let send = |run, undo| RecordedEffect::SendUndo { run, undo };
/// let mut course = Course::default();
/// course.take(Taken::Heard, [send("a", "not a"), send("b", "not b"), send("c", "not c")]);
/// let sent = |act: Option<Act<_>>| match act { Some(Act::Send { id, command, .. }) => (id.ordinal, command), _ => panic!() };
/// assert_eq!(sent(course.next()), (0, "a"));
/// assert_eq!(sent(course.next()), (1, "b"));
/// // b is refused, and the answer to that is to undo: c is never sent.
/// course.take(Taken::Refused(EffectId { input: 1, ordinal: 1 }), [RecordedEffect::Unwind]);
/// assert_eq!(course.next(), Some(Act::Undo { id: EffectId { input: 1, ordinal: 0 }, command: "not a" }));
/// assert_eq!((course.next(), course.ending()), (None, Some(Ending::Unwound)));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Course<C> {
    inputs: u64,
    ending: Option<Ending>,
    undo: Vec<(EffectId, C)>,
    timers: BTreeSet<Cow<'static, str>>,
    /// What is left to carry out, the next first.
    left: VecDeque<Left<C>>,
    /// What undoes the command that was handed out last; remembered once nobody says that it was refused.
    asked: Option<(EffectId, C)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Left<C> {
    #[serde(rename = "Want")]
    Effect(EffectId, RecordedEffect<C>),
    Act(Act<C>),
}

impl<C> Default for Course<C> {
    fn default() -> Self {
        Self { inputs: 0, ending: None, undo: Vec::new(), timers: BTreeSet::new(), left: VecDeque::new(), asked: None }
    }
}

impl<C> Course<C> {
    /// How many inputs it took.
    pub fn inputs(&self) -> u64 {
        self.inputs
    }

    /// How it ended, if it did.
    pub fn ending(&self) -> Option<Ending> {
        self.ending
    }
}

impl<C: Clone> Course<C> {
    /// Takes an input with what followed from it.
    pub fn take(&mut self, taken: Taken<'_>, effects: impl IntoIterator<Item = RecordedEffect<C>>) {
        self.note(taken);
        let named = |(ordinal, effect)| Left::Effect(EffectId { input: self.inputs, ordinal: ordinal as u32 }, effect);
        let list: Vec<_> = effects.into_iter().enumerate().map(named).collect();
        list.into_iter().rev().for_each(|left| self.left.push_front(left));
    }

    /// What to carry out next. What was handed out before was not refused, unless that was taken meanwhile.
    #[expect(clippy::should_implement_trait, reason = "between two calls an input may be taken")]
    pub fn next(&mut self) -> Option<Act<C>> {
        self.undo.extend(self.asked.take());
        loop {
            let (id, effect) = match self.left.pop_front()? {
                Left::Act(act) => return Some(act),
                Left::Effect(id, effect) => (id, effect),
            };
            return Some(match effect {
                RecordedEffect::Send(command) => Act::Send { id, command, undo: None },
                RecordedEffect::SendUndo { run, undo } => {
                    self.asked = Some((id, undo.clone()));
                    Act::Send { id, command: run, undo: Some(undo) }
                }
                RecordedEffect::Wake { name, at_ms } => {
                    self.timers.insert(name.clone());
                    Act::Wake { name, at_ms }
                }
                RecordedEffect::CancelWake(name) => {
                    self.timers.remove(&name);
                    Act::CancelWake(name)
                }
                RecordedEffect::Unwind => {
                    self.end(true);
                    continue;
                }
                RecordedEffect::Done => {
                    self.end(false);
                    continue;
                }
            });
        }
    }

    /// Takes a step that was written down: whatever was handed out before it went as its input says.
    pub fn replay(&mut self, taken: Taken<'_>, effects: impl IntoIterator<Item = RecordedEffect<C>>) {
        let is_about = |act: &Act<C>| match (taken, act) {
            (Taken::Refused(effect), Act::Send { id, .. }) => *id == effect,
            (Taken::Stuck, Act::Undo { .. }) => true,
            _ => false,
        };
        while let Some(act) = self.next() {
            if is_about(&act) {
                break;
            }
        }
        self.take(taken, effects);
    }

    /// After the last step that was written down: all that was left was carried out.
    pub fn settle(&mut self) {
        while self.next().is_some() {}
    }

    /// Takes a step as it was before lists ended with the process: every effect was carried out, and every undo was
    /// remembered before any of them.
    pub fn replay_whole(&mut self, taken: Taken<'_>, effects: impl IntoIterator<Item = RecordedEffect<C>>) {
        self.settle();
        self.note(taken);
        for (ordinal, want) in effects.into_iter().enumerate() {
            match want {
                RecordedEffect::SendUndo { undo, .. } => {
                    self.undo.push((EffectId { input: self.inputs, ordinal: ordinal as u32 }, undo));
                }
                RecordedEffect::Unwind => {
                    self.undo.clear();
                    self.ending = Some(Ending::Unwound);
                }
                RecordedEffect::Done => self.ending = self.ending.or(Some(Ending::Done)),
                RecordedEffect::Wake { name, .. } => drop(self.timers.insert(name)),
                RecordedEffect::CancelWake(name) => drop(self.timers.remove(&name)),
                RecordedEffect::Send(_) => {}
            }
        }
    }

    fn note(&mut self, taken: Taken<'_>) {
        self.inputs += 1;
        match taken {
            Taken::Heard => {}
            Taken::Woke(name) => drop(self.timers.remove(name)),
            Taken::Refused(effect) => {
                // What was refused did not happen: there is nothing to undo.
                self.asked.take_if(|(id, _)| *id == effect);
                self.undo.retain(|(id, _)| *id != effect);
            }
            Taken::Stuck => self.ending = Some(Ending::NeedsHuman),
        }
    }

    /// Ends it: nothing of any list is left, no timer stays set.
    fn end(&mut self, unwound: bool) {
        let timers = std::mem::take(&mut self.timers);
        self.left = timers.into_iter().map(|name| Left::Act(Act::CancelWake(name))).collect();
        if !unwound {
            self.ending = self.ending.or(Some(Ending::Done));
            return;
        }
        let undos = std::mem::take(&mut self.undo).into_iter().rev();
        self.left.extend(undos.map(|(id, command)| Left::Act(Act::Undo { id, command })));
        if self.ending != Some(Ending::NeedsHuman) {
            self.ending = Some(Ending::Unwound);
        }
    }
}

impl<C> From<Effect<C>> for RecordedEffect<C> {
    fn from(effect: Effect<C>) -> Self {
        match effect {
            Effect::Send(command) => Self::Send(command),
            Effect::SendUndo { run, undo } => Self::SendUndo { run, undo },
            Effect::Wake { name, at_ms } => Self::Wake { name: Cow::Borrowed(name), at_ms },
            Effect::CancelWake(name) => Self::CancelWake(Cow::Borrowed(name)),
            Effect::Unwind => Self::Unwind,
            Effect::Done => Self::Done,
        }
    }
}
