//! What happened, twice: folded into one number that tells whether two runs are the same, and as the last
//! entries in words for whoever reads a failure.

use std::{collections::VecDeque, fmt, time::Duration};

/// The recorder of a run.
pub(crate) struct Trace {
    hash: u64,
    kept: VecDeque<Entry>,
    capacity: usize,
    /// Whether polls and reads are kept too; folded they always are.
    pub(crate) all: bool,
    pub(crate) steps: u64,
}

struct Entry {
    at: u64,
    who: Who,
    what: What,
}

/// Node and incarnation; formatted only when somebody reads.
#[derive(Clone, Copy)]
pub(crate) struct Who {
    pub(crate) node: u32,
    pub(crate) incarnation: u32,
}

/// A step, and what is to be known of it each time it is passed.
pub(crate) struct KnownStep {
    pub(crate) name: &'static str,
    hash: u64,
    only_reads: bool,
}

pub(crate) enum What {
    Poll(&'static str),
    Step(&'static str),
    Fault(&'static str, &'static str),
    Event(&'static str),
    Note(Box<str>),
}

impl Trace {
    pub(crate) fn new(capacity: usize, all: bool) -> Self {
        Self { hash: 0, kept: VecDeque::with_capacity(capacity), capacity, all, steps: 0 }
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn fold(&mut self, value: u64) {
        self.hash = mix(self.hash, value);
    }

    /// Folds and keeps.
    pub(crate) fn record(&mut self, at: u64, who: Who, what: What) {
        self.fold_in(at, who, what.hash());
        self.keep(at, who, what);
    }

    /// The same of a step, which is counted; kept unless it only reads.
    pub(crate) fn step(&mut self, at: u64, who: Who, step: &KnownStep) {
        self.fold_in(at, who, step.hash);
        self.steps += 1;
        if self.all || !step.only_reads {
            self.keep(at, who, What::Step(step.name));
        }
    }

    fn fold_in(&mut self, at: u64, who: Who, what: u64) {
        self.fold(at);
        self.fold(u64::from(who.node) << 32 | u64::from(who.incarnation));
        self.fold(what);
    }

    /// Keeps without folding: for what was folded already.
    pub(crate) fn keep(&mut self, at: u64, who: Who, what: What) {
        if self.capacity == 0 {
            return;
        }
        if self.kept.len() == self.capacity {
            self.kept.pop_front();
        }
        self.kept.push_back(Entry { at, who, what });
    }

    pub(crate) fn lines(&self, name: impl Fn(u32) -> String) -> Vec<String> {
        let line = |entry: &Entry| {
            let at = Duration::from_nanos(entry.at).as_secs_f64();
            let node = name(entry.who.node);
            let incarnation = entry.who.incarnation;
            format!("{at:>14.6} {node}#{incarnation} {}", entry.what)
        };
        self.kept.iter().map(line).collect()
    }
}

/// Steps of calls that change nothing: services that poll would push everything else out of the trace.
const READS: [&str; 8] = [
    "store.read.",
    "store.docs.",
    "store.scan.",
    "store.head.",
    "store.position.",
    "broker.fetch.",
    "broker.bounds.",
    "broker.ensure.",
];

impl KnownStep {
    pub(crate) fn new(name: &'static str) -> Self {
        let only_reads = READS.iter().any(|reads| name.starts_with(reads));
        Self { name, hash: What::Step(name).hash(), only_reads }
    }
}

impl What {
    fn hash(&self) -> u64 {
        match self {
            Self::Poll(name) => mix(1, hash_of(name)),
            Self::Step(name) => mix(2, hash_of(name)),
            Self::Fault(kind, place) => mix(mix(3, hash_of(kind)), hash_of(place)),
            Self::Event(name) => mix(4, hash_of(name)),
            Self::Note(text) => mix(5, hash_of(text)),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Poll(name) => write!(f, "runs {name}"),
            Self::Step(name) => write!(f, "at {name}"),
            Self::Fault(kind, place) => write!(f, "FAULT {kind} ({place})"),
            Self::Event(name) => write!(f, "{name}"),
            Self::Note(text) => write!(f, "{text}"),
        }
    }
}

/// Folds a value into a hash: order matters, every bit counts (the finaliser of SplitMix64, Steele 2014).
pub(crate) fn mix(hash: u64, value: u64) -> u64 {
    let mut z = (hash ^ value).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_add(hash << 1);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The hash of a text, the same on every machine.
pub(crate) fn hash_of(text: &str) -> u64 {
    let mut hash = text.len() as u64;
    let (words, rest) = text.as_bytes().as_chunks();
    for word in words {
        hash = mix(hash, u64::from_le_bytes(*word));
    }
    if rest.is_empty() {
        return hash;
    }
    let mut word = [0; 8];
    word[..rest.len()].copy_from_slice(rest);
    mix(hash, u64::from_le_bytes(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_tells_order_and_content_apart() {
        let fold = |values: &[u64]| values.iter().fold(0, |hash, value| mix(hash, *value));
        assert_eq!(fold(&[1, 2]), fold(&[1, 2]));
        assert_ne!(fold(&[1, 2]), fold(&[2, 1]));
        assert_ne!(fold(&[0]), fold(&[0, 0]));
        assert_ne!(hash_of("abcdefgh1"), hash_of("abcdefgh2"));
        assert_ne!(hash_of("a"), hash_of("a\0"));
    }

    #[test]
    fn only_the_last_entries_are_kept_but_all_are_counted() {
        let mut trace = Trace::new(2, false);
        let who = Who { node: 0, incarnation: 1 };
        for name in ["one", "two", "three"] {
            trace.step(1_500_000_000, who, &KnownStep::new(name));
        }
        assert_eq!(trace.lines(|_| "n".into()), ["      1.500000 n#1 at two", "      1.500000 n#1 at three"]);
        assert_eq!(trace.steps, 3);
    }
}
