//! The kernel: what a service author writes, in the words of event storming.
//!
//! Everything here is pure and synchronous: a decision is a function of a state, a command and a
//! [`Ctx`]. The kernel must not know stores, brokers, clocks, randomness or threads; those belong to
//! `bongsu-runtime`.
//!
//! Start reading at [`Decider`], then [`Process`] and [`Projection`]; [`Wire`] and [`Versioned`] say how
//! what they handle is written down for ever.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod strict;
mod wire;
mod version;
mod ctx;
mod decider;
mod decision;
mod takes;
mod process;
mod course;
mod projection;
mod public;

/// Names what a message is about.
///
/// ```
/// use bongsu_core::{Wire, id, message};
///
/// #[id]
/// pub struct AccountId(String);
/// #[id]
/// pub struct OwnerId(String);
///
/// #[message("account.opened", version = 1, key = account)]
/// pub struct Opened { pub account: AccountId, pub owner: OwnerId }
///
/// let opened = Opened { account: "acc_1".into(), owner: "ann".into() };
/// assert_eq!(opened.encode(), br#"{"account":"acc_1","owner":"ann"}"#);
/// assert_eq!(opened.key().as_deref(), Some("acc_1"));
/// assert!(opened.account == "acc_1" && opened.account.starts_with("acc_"));
/// assert_eq!(format!("{} of {:?}", opened.account, opened.owner), "acc_1 of \"ann\"");
/// ```
///
/// An account is no owner:
///
/// ```compile_fail,E0308
/// # use bongsu_core::id;
/// # #[id]
/// # pub struct AccountId(String);
/// # #[id]
/// # pub struct OwnerId(String);
/// fn close(account: &AccountId, by: &OwnerId) {}
///
/// let (account, owner) = (AccountId::from("acc_1"), OwnerId::from("ann"));
/// close(&owner, &account);
/// ```
pub use bongsu_derive::id;
pub use bongsu_derive::{Messages, message};
pub use course::{Act, Course, Ending, MOST_WAITING, RecordedEffect, Taken};
pub use ctx::{CommandId, Ctx, digest};
pub use decider::{Aggregate, Decider, stream_of};
pub use decision::{Apply, Change, Changes, Decision, Folder, StreamRef, View};
pub use process::{Effect, EffectId, Input, Process, Route};
pub use projection::{Metadata, Projection};
pub use public::Public;
pub use strict::Strict;
pub use takes::{ByDecider, ByDecision, Takes};
pub use version::{Origin, Versioned, decode_version};
pub use wire::{DecodeError, Extra, Wire, split_type, type_of};

/// What the macros write refers to it.
#[doc(hidden)]
pub mod __private {
    pub use serde;

    pub use crate::version::{are_distinct, is_next};
}
