//! Whether a map can work: every name is one thing's, what is sent has a taker, what is listened to an appender.

use std::collections::{BTreeMap, BTreeSet};

use bongsu_core::type_of;

use crate::{
    ports::broker::{Topic, may_tell},
    records::tables::is_reserved_stream,
    service::{Service, vocabulary::Kind},
};

/// Longest name an author gives, in bytes: it stands in a stream's name of 512 ([`MAX_NAME`](crate::ports::store::MAX_NAME))
/// beside an id, and four of such, with an id, in a document's.
const LONGEST_NAME: usize = 100;
/// So many characters of a name that is wrong are shown: enough to know it by.
const SHOWN: usize = 40;
/// The first part of the names of clocks and events that are the runtime's own.
const OURS: &str = "bongsu.";

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
    /// The first thing that is wired wrong: a name given twice, one that is the runtime's or no name at all, a command that
    /// no decider takes (or not in that schema), an event of two aggregates, an own event that no aggregate appends, one
    /// that is only declared below who listens to it, or one that is heard as if somebody told it.
    pub fn check(&self) -> Result<(), Miswired> {
        let name = self.map.name;
        let context = if unfit(name).is_some() { shown(name) } else { name.to_owned() };
        let wrong = self.wiring.wrong.first().cloned();
        let wrong = wrong.or_else(|| self.wrong_name()).or_else(|| self.doubled_event());
        let wrong = wrong.or_else(|| self.wrong_command()).or_else(|| self.wrong_event());
        let wrong = wrong.or_else(|| self.late_aggregate()).or_else(|| self.private_fact());
        wrong.map_or(Ok(()), |why| Err(Miswired(format!("the map of {context} is wired wrong: {why}"))))
    }

    fn wrong_name(&self) -> Option<String> {
        let context = self.map.name;
        let topic = Topic { name: context.to_owned(), partitions: 1, retention_ms: None, retention_bytes: None };
        // A dot ends the context's name in those of its facts.
        if let Some(why) = unfit(context).or_else(|| (context.contains('.') || topic.check().is_err()).then_some(ASCII))
        {
            return Some(format!("the name {} of a context {why}", shown(context)));
        }
        let mut known: BTreeMap<&str, &str> = BTreeMap::new();
        for (what, name) in &self.wiring.names {
            if is_reserved_stream(name) || name.starts_with(OURS) {
                return Some(format!("the {what} {name} has a name that the runtime keeps for itself"));
            }
            // Of NAME@VERSION, an author gives the name.
            let own =
                if *what == "projection" { name.rsplit_once('@').map_or(name.as_str(), |(own, _)| own) } else { name };
            if let Some(why) = unfit(own) {
                return Some(format!("the name {} of a {what} {why}", shown(own)));
            }
            if let Some(other) = known.insert(name, what) {
                return Some(format!("{name} is the name of two things: {other}, {what}"));
            }
        }
        let mut messages = self.words().iter().flat_map(|words| words.names.iter()).map(|(name, _)| *name);
        let (name, why) = messages.find_map(|name| Some((name, unfit(name)?)))?;
        Some(format!("the name {} of a message {why}", shown(name)))
    }

    /// A policy and a read model hear what is told, and a fact's name begins with that of the context that tells it.
    fn private_fact(&self) -> Option<String> {
        let mut heard = self.words().iter().filter(|words| words.kind == Kind::Heard);
        heard.find_map(|words| {
            let is_private = |(name, _): &&Named| {
                !may_tell(self.map.name, name) && self.wiring.appends.iter().any(|(appended, _)| appended == name)
            };
            let (name, schema) = words.names.iter().find(is_private)?;
            let who = &words.of;
            let event = type_of(name, *schema);
            Some(format!("{who} hears {event}, which is a private event here: nobody tells it to anybody"))
        })
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

/// Of a context's name, which is a topic's and the first part of its facts' names, too.
const ASCII: &str = "has more in it than ASCII letters, digits, - and _";

/// Why something is no name that an author gives, if it is none. Stores and brokers put `/` and `@` between names.
fn unfit(name: &str) -> Option<&'static str> {
    let is_fit = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    match name {
        "" => Some("is empty"),
        long if long.len() > LONGEST_NAME => Some("is over 100 bytes"),
        other => (!other.chars().all(is_fit)).then_some("has more in it than letters, digits, -, _ and ."),
    }
}

/// A name that may be of anything, in one line.
fn shown(name: &str) -> String {
    let begins: String = name.chars().take(SHOWN).collect();
    if begins.len() < name.len() { format!("{begins:?}…") } else { format!("{begins:?}") }
}
