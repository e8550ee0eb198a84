//! Whether a map can work: every name is one thing's, what is sent has a taker, what is listened to an appender.

use std::collections::{BTreeMap, BTreeSet};

use bongsu_core::type_of;

use crate::{records::tables::is_reserved_stream, service::Service};

/// Why a map cannot run: one line that names what is wired wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Miswired(pub(crate) String);

/// A wire name with the newest schema that is written or read.
pub(crate) type Named = (&'static str, u32);

/// What a map says of itself while it is built.
#[derive(Default)]
pub(crate) struct Wiring {
    /// Every name and what it is the name of.
    pub(crate) names: Vec<(&'static str, String)>,
    /// Who may send a command.
    pub(crate) sends: Vec<(String, Vec<Named>)>,
    /// Who listens to own private events.
    pub(crate) listens: Vec<(String, Vec<Named>)>,
    /// Who hears which facts of other contexts, of what it might also listen to.
    pub(crate) foreign: Vec<(String, Vec<Named>)>,
    /// What its aggregates may append.
    pub(crate) appends: Vec<Named>,
    /// What was seen to be wrong at once.
    pub(crate) wrong: Vec<String>,
}

impl Wiring {
    pub(crate) fn name(&mut self, what: &'static str, name: &str) {
        self.names.push((what, name.to_owned()));
    }
}

impl Service {
    /// Checks what the builder alone cannot see: [`Runtime::start`](crate::Runtime::start) refuses a map that is wrong.
    ///
    /// # Errors
    /// The first thing that is wired wrong: a name given twice or one that is the runtime's, a command that no decider
    /// takes (or not in that schema), an event of two aggregates, an own event that no aggregate appends, or one that is only declared below who listens to it.
    pub fn check(&self) -> Result<(), Miswired> {
        let context = self.map.name;
        let wrong = self.wiring.wrong.first().cloned();
        let wrong = wrong.or_else(|| self.wrong_name()).or_else(|| self.doubled_event());
        let wrong = wrong.or_else(|| self.wrong_command()).or_else(|| self.wrong_event());
        let wrong = wrong.or_else(|| self.late_aggregate());
        wrong.map_or(Ok(()), |why| Err(Miswired(format!("the map of {context} is wired wrong: {why}"))))
    }

    fn wrong_name(&self) -> Option<String> {
        let mut known: BTreeMap<&str, &str> = BTreeMap::new();
        for (what, name) in &self.wiring.names {
            if is_reserved_stream(name) {
                return Some(format!("the {what} {name} has a name that the runtime keeps for itself"));
            }
            if name.is_empty() || name.contains(['/', '\0']) {
                return Some(format!("the name {name:?} of a {what} is empty or has a / or NUL in it"));
            }
            if let Some(other) = known.insert(name, what) {
                return Some(format!("{name} is the name of two things: {other}, {what}"));
            }
        }
        None
    }

    /// Whoever listens to an event hears it of one aggregate.
    fn doubled_event(&self) -> Option<String> {
        let mut known = BTreeSet::new();
        let (name, schema) = self.wiring.appends.iter().find(|(name, _)| !known.insert(name))?;
        Some(format!("two aggregates append {}", type_of(name, *schema)))
    }

    fn wrong_command(&self) -> Option<String> {
        let taken: BTreeMap<&str, u32> = self.map.handlers.iter().flat_map(|handler| handler.names()).collect();
        let wrong = |sender: &str, (name, schema): &Named| match taken.get(name) {
            None => Some(format!("{sender} sends {}, which no decider takes", type_of(name, *schema))),
            Some(known) if known < schema => {
                let (sent, taken) = (type_of(name, *schema), type_of(name, *known));
                Some(format!("{sender} sends {sent}, but its decider takes only {taken}"))
            }
            Some(_) => None,
        };
        self.wiring.sends.iter().find_map(|(sender, names)| names.iter().find_map(|named| wrong(sender, named)))
    }

    fn wrong_event(&self) -> Option<String> {
        let mut appended: BTreeMap<&str, u32> = BTreeMap::new();
        for (name, schema) in &self.wiring.appends {
            let newest = appended.entry(name).or_default();
            *newest = (*newest).max(*schema);
        }
        let wrong = |listener: &str, (name, schema): &Named| match appended.get(name) {
            None => Some(format!(
                "{listener} listens to {}, which no aggregate of {} appends (one that only decisions or scripts change is \
                 named by Service::aggregate)",
                type_of(name, *schema),
                self.map.name
            )),
            Some(newest) if newest > schema => {
                let (read, written) = (type_of(name, *schema), type_of(name, *newest));
                Some(format!("{listener} listens to {read}, but {written} is appended"))
            }
            Some(_) => None,
        };
        let listens = self.wiring.listens.iter();
        listens
            .flat_map(|(listener, names)| names.iter().map(move |named| (listener, named)))
            .find_map(|(who, named)| wrong(who, named))
    }

    /// A process that stands above an aggregate takes its events for facts of others.
    fn late_aggregate(&self) -> Option<String> {
        let appended = |(name, _): &&Named| self.wiring.appends.iter().any(|(appended, _)| appended == name);
        let late = |(process, names): &(String, Vec<Named>)| {
            let (name, schema) = names.iter().find(appended)?;
            let event = type_of(name, *schema);
            Some(format!("{process} stands above the aggregate that appends {event}: aggregates are declared first"))
        };
        self.wiring.foreign.iter().find_map(late)
    }
}
