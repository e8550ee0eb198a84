//! What a map reads and writes, by name and with its types hidden: for tests that look at every message of a context.

use std::collections::BTreeSet;

use bongsu_core::{Aggregate, DecodeError, Extra, Public, Wire};
use serde_json::Value;

use crate::service::{Service, members::members, wiring::Named};

/// What a name is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// What may be asked.
    Command,
    /// Why something asked was not done.
    Rejection,
    /// What happened to an aggregate.
    Event,
    /// A fact of this context or another one.
    Heard,
}

/// Reads a body (name, schema, body) and writes it anew.
type Again = fn(&str, u32, &[u8], Extra) -> Result<Option<Vec<u8>>, DecodeError>;

/// Which members a name has in a body.
type Members = fn(&str, &Value) -> BTreeSet<String>;

/// Names that one type reads and writes.
#[derive(Clone, Debug)]
pub struct Words {
    /// What they are the names of.
    pub kind: Kind,
    /// Whose they are: the name of an aggregate or of a reader; nobody's of a command.
    pub of: String,
    /// Every name with its newest schema.
    pub names: Vec<(&'static str, u32)>,
    again: Again,
    members: Members,
}

/// Maps the last of these events (name, schema, body) of a stream to facts: (id, events).
type Teller = Box<dyn Fn(&str, &[(&str, u32, &[u8])]) -> Vec<Public> + Send + Sync>;

/// Everything a map reads and writes.
#[derive(Default)]
pub(crate) struct Vocabulary {
    words: Vec<Words>,
    tellers: Vec<(&'static str, Teller)>,
}

impl Words {
    /// Reads a body as this context does and writes it anew, in the newest schema. `None`: it is none of these names.
    ///
    /// # Errors
    /// When the body is not one of its name and schema.
    pub fn again(&self, name: &str, schema: u32, body: &[u8]) -> Result<Option<Vec<u8>>, DecodeError> {
        let extra = if self.kind == Kind::Command { Extra::Refused } else { Extra::Ignored };
        (self.again)(name, schema, body, extra)
    }

    /// The JSON pointer of every member that the newest schema of a name has in that body, also of those it leaves out.
    pub fn members(&self, name: &str, body: &Value) -> BTreeSet<String> {
        (self.members)(name, body)
    }
}

impl Vocabulary {
    pub(crate) fn add<W: Wire>(&mut self, kind: Kind, of: &str, keep: impl Fn(&Named) -> bool) {
        let names: Vec<Named> = W::names().into_iter().filter(keep).collect();
        if !names.is_empty() {
            self.words.push(Words { kind, of: of.to_owned(), names, again: again::<W>, members: members::<W> });
        }
    }

    /// What an aggregate tells of its events.
    pub(crate) fn tells<A, R>(&mut self, facts: fn(&str, &A::Event, &A::State) -> R)
    where
        A: Aggregate + 'static,
        R: IntoIterator<Item = Public> + 'static,
    {
        let teller: Teller = Box::new(move |id, events| {
            let mut state = A::State::default();
            let mut told = Vec::new();
            for event in events.iter().filter_map(|(name, schema, body)| A::Event::decode(name, *schema, body).ok()?) {
                A::evolve(&mut state, &event);
                told = facts(id, &event, &state).into_iter().collect();
            }
            told
        });
        self.tellers.push((A::NAME, teller));
    }
}

fn again<W: Wire>(name: &str, schema: u32, body: &[u8], extra: Extra) -> Result<Option<Vec<u8>>, DecodeError> {
    Ok(W::read(name, schema, body, extra)?.map(|message| message.encode()))
}

impl Service {
    /// Every name it reads and writes, in the order of the map.
    pub fn words(&self) -> &[Words] {
        &self.vocabulary.words
    }

    /// What the others hear of the last of these events (name, schema, body) of a stream of an aggregate.
    pub fn told_of(&self, aggregate: &str, id: &str, events: &[(&str, u32, &[u8])]) -> Vec<Public> {
        let tellers = self.vocabulary.tellers.iter().filter(|(name, _)| *name == aggregate);
        tellers.flat_map(|(_, tell)| tell(id, events)).collect()
    }
}
