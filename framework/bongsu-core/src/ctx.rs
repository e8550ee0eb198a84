//! What a decision may know about its surroundings.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Names one command for ever. A retried command has the same id and therefore makes the same ids.
///
/// ```
/// use bongsu_core::CommandId;
/// let once = CommandId::from_parts(&["ann", "POST /accounts", "key-1"]);
/// assert_eq!(once, CommandId::from_parts(&["ann", "POST /accounts", "key-1"]));
/// assert_ne!(once, CommandId::from_parts(&["ann", "POST /accounts", "key-2"]));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandId(pub u128);

/// The outside facts a decision may use: everything else must be in its state or its command.
///
/// ```
/// use bongsu_core::{CommandId, Ctx};
/// let ctx = Ctx::new(1_700_000_000_000, CommandId(7), "ann");
/// assert_eq!(ctx.id("acc", 0), ctx.id("acc", 0));
/// assert_ne!(ctx.id("acc", 0), ctx.id("acc", 1));
/// assert!(ctx.id("acc", 0).starts_with("acc_"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ctx {
    /// Wall clock, milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// The command (or the input of a reaction) being decided.
    pub command_id: CommandId,
    /// Who asked: a principal, or the name of a policy or process.
    pub actor: String,
    /// The same for everything that follows from one request.
    pub correlation: String,
    /// The id of the command or fact that directly caused this.
    pub causation: String,
    /// W3C trace context of the caller, if there is one.
    pub traceparent: Option<String>,
}

impl CommandId {
    /// Hashes the parts; where one ends and the next begins matters.
    pub fn from_parts(parts: &[&str]) -> Self {
        Self(digest(parts))
    }
}

impl Ctx {
    /// A context that starts a new correlation.
    pub fn new(now_ms: i64, command_id: CommandId, actor: impl Into<String>) -> Self {
        let id = command_id.to_string();
        Self { now_ms, command_id, actor: actor.into(), correlation: id.clone(), causation: id, traceparent: None }
    }

    /// The context of one step that follows from this one, with a command id of its own: what two commands of one
    /// reaction make are two things. `place` names the step among all that follow, and must be the same when the
    /// reaction is planned again.
    ///
    /// ```
    /// use bongsu_core::{CommandId, Ctx};
    /// let fact = Ctx::new(0, CommandId(7), "ann");
    /// assert_eq!(fact.step(&["0"]).id("shp", 0), fact.step(&["0"]).id("shp", 0));
    /// assert_ne!(fact.step(&["0"]).id("shp", 0), fact.step(&["1"]).id("shp", 0));
    /// ```
    #[must_use]
    pub fn step(&self, place: &[&str]) -> Self {
        let parent = self.command_id.to_string();
        let parts: Vec<&str> = ["step", &parent].into_iter().chain(place.iter().copied()).collect();
        Self { command_id: CommandId::from_parts(&parts), ..self.clone() }
    }

    /// A new id with a typed prefix: a UUIDv8 of the command id and the ordinal.
    ///
    /// UUIDv8 is the version for application-defined bits (RFC 9562 §5.8).
    pub fn id(&self, prefix: &str, ordinal: u32) -> String {
        let hash = digest(&[&self.command_id.to_string(), &ordinal.to_string()]);
        format!("{prefix}_{}", Uuid::new_v8(hash.to_be_bytes()).simple())
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommandId({self})")
    }
}

impl Serialize for CommandId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CommandId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map(Self).map_err(serde::de::Error::custom)
    }
}

/// The first 128 bits of SHA-256 over the parts, each preceded by its length in bytes.
///
/// ```
/// assert_ne!(bongsu_core::digest(&["ab", "c"]), bongsu_core::digest(&["a", "bc"]));
/// ```
pub fn digest(parts: &[&str]) -> u128 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let bytes = hash.finalize();
    let mut first = [0; 16];
    first.copy_from_slice(&bytes[..16]);
    u128::from_be_bytes(first)
}
