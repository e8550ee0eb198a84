//! One call of a port on its way there and back, and what may happen to it.

use std::{sync::Arc, time::Duration};

use crate::kernel::{
    core::{Core, State, WORLD},
    part::{Kind, Part, PartId},
    plan::PortFaults,
    tasks::Life,
};

/// What becomes of a call, see [`PortFaults`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Fine,
    Refused,
    Lost,
    AckLost,
    Late,
    Partial,
}

/// A call, decided when it sets out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trip {
    pub(crate) fate: Fate,
    pub(crate) there: Duration,
    pub(crate) back: Duration,
}

impl Core {
    pub(crate) fn add_part(&self, kind: Kind, name: &'static str) -> PartId {
        let parts = &mut self.lock().parts;
        parts.push(Part { kind, name, down_until: 0 });
        parts.len() - 1
    }

    pub(crate) fn parts(&self, kind: Kind) -> Vec<PartId> {
        let parts = &self.lock().parts;
        (0..parts.len()).filter(|part| parts[*part].kind == kind).collect()
    }

    /// Draws what becomes of a call that sets out now.
    pub(crate) fn trip(&self, life: &Life, part: PartId) -> Trip {
        let mut state = self.lock();
        let Part { kind, name, .. } = state.parts[part];
        let mut trip = state.draw(move |state| kind.faults(&state.faults));
        if state.is_down(part) {
            trip.fate = Fate::Refused;
        } else if let Some(fault) = trip.fate.name() {
            state.fault(life.node, fault, name);
        }
        trip
    }

    /// The same for a question of a client to a node.
    pub(crate) fn trip_ask(&self, node: u32) -> Trip {
        let mut state = self.lock();
        let trip = state.draw(|state| &state.faults.asks);
        if let Some(fault) = trip.fate.name() {
            state.fault(node, fault, "ask");
        }
        trip
    }

    pub(crate) fn take_down(&self, part: PartId, how_long: Duration) {
        let mut state = self.lock();
        let name = state.parts[part].name;
        state.fault(WORLD, "outage", name);
        state.parts[part].down_until = state.now + how_long.as_nanos() as u64;
    }

    /// How much later something late arrives.
    pub(crate) fn slowly(&self, kind: Kind) -> Duration {
        let mut state = self.lock();
        let span = kind.faults(&state.faults).slow_latency;
        state.dice.span(span)
    }

    pub(crate) fn is_down(&self, part: PartId) -> bool {
        self.lock().is_down(part)
    }

    /// Whether what a process had on its way when it died still arrives.
    pub(crate) fn survives(&self, sender: &Life) -> bool {
        !sender.is_dead() || self.lock().dice.coin()
    }

    /// Whether a published message appears once more, and when.
    pub(crate) fn duplicate(&self, name: &'static str) -> Option<Duration> {
        let mut state = self.lock();
        let chance = state.faults.duplicate;
        if !state.dice.happens(chance) {
            return None;
        }
        state.fault(WORLD, "duplicate", name);
        let spans = state.faults.broker.slow_latency;
        Some(state.dice.span(spans))
    }

    /// A number below `n` from the stream of faults.
    pub(crate) fn below(&self, n: usize) -> usize {
        self.lock().dice.below(n as u64) as usize
    }

    /// A task of the world that sends nothing back: what is on its way once it has left its sender.
    pub(crate) fn on_its_way(self: &Arc<Self>, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.run(&self.world, name, task);
    }
}

impl State {
    fn is_down(&self, part: PartId) -> bool {
        self.now < self.parts[part].down_until
    }

    fn draw(&mut self, of: impl Fn(&Self) -> &PortFaults) -> Trip {
        let faults = of(self);
        let (usual, slow, seldom) = (faults.latency, faults.slow, faults.slow_latency);
        let fates = [
            (faults.refused, Fate::Refused),
            (faults.lost, Fate::Lost),
            (faults.ack_lost, Fate::AckLost),
            (faults.late, Fate::Late),
            (faults.partial, Fate::Partial),
        ];
        let dice = &mut self.dice;
        let mut way = || {
            let span = if dice.happens(slow) { seldom } else { usual };
            dice.span(span)
        };
        let (there, back) = (way(), way());
        let fate = fates.into_iter().find(|(chance, _)| dice.happens(*chance));
        Trip { fate: fate.map_or(Fate::Fine, |(_, fate)| fate), there, back }
    }
}

impl Fate {
    fn name(self) -> Option<&'static str> {
        match self {
            Self::Fine => None,
            Self::Refused => Some("refused"),
            Self::Lost => Some("lost"),
            Self::AckLost => Some("ack lost"),
            Self::Late => Some("late"),
            Self::Partial => Some("partial"),
        }
    }
}
