//! A breaker as an operator sees it.

use serde::Serialize;

/// What a breaker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Everything passes.
    Closed,
    /// Nothing passes.
    Open,
    /// A few calls try whether the service is well.
    HalfOpen,
}

/// One breaker at one moment. Counts of calls are those of its window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shown<D> {
    /// What it is for.
    #[serde(flatten)]
    pub of: D,
    /// What it does.
    pub state: Kind,
    /// Whether an operator said so.
    pub forced: bool,
    /// Since when it does that, in ms.
    pub for_ms: u64,
    /// In how many ms it is tried again, or does what it does by itself again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_ms: Option<u64>,
    /// Why it opened last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Calls that came to something.
    pub calls: u32,
    /// Those of them that failed.
    pub failed: u32,
    /// Those of them that were slow.
    pub slow: u32,
    /// Failures since the last good answer.
    pub in_a_row: u32,
    /// Calls that are not answered yet.
    pub unanswered: usize,
    /// How often it has opened.
    pub opened: u64,
    /// How many calls it has refused.
    pub refused: u64,
}

impl Kind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }

    /// As metrics say it.
    pub fn number(self) -> i64 {
        match self {
            Self::Closed => 0,
            Self::HalfOpen => 1,
            Self::Open => 2,
        }
    }
}
