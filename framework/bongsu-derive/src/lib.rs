//! Messages as ordinary Rust: `#[message]` on what is said, `derive(Messages)` on the enum of what can be said, `#[id]` on
//! the names of what it is said about.
//!
//! They only write what a hand would: derives and impls of the kernel's traits, to be read with `cargo expand`. There is no
//! syntax of our own, so rustfmt, rust-analyzer and rustdoc work inside. Each stands here twice, because what is written
//! names the kernel by the crate its author depends on: `bongsu-core`, or `bongsu` that re-exports it. Nobody depends on
//! this crate itself; the kernel documents [`message`], [`macro@Messages`] and [`macro@id`] where it re-exports them.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod arguments;
mod derives;
mod id;
mod message;
mod messages;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;
use quote::quote;

/// `#[message("account.opened", version = 1, key = account)]`: one version of a named message.
///
/// * the wire name: `context.what-happened`; it is stored for ever, whatever the type is called;
/// * `version`, from 1; from 2 on `from = OpenedV1` names the version before, and `impl From<OpenedV1> for Opened` is the
///   hop. A hop that is missing does not compile;
/// * `key`: the field that says which one the message is about. `Decider::target`, `Process::route` and `Projection::keys`
///   follow from it.
///
/// The type gets `Clone, Debug, PartialEq, Eq, Serialize, Deserialize`, except for what it derives itself in a line below.
#[proc_macro_attribute]
pub fn message(arguments: TokenStream, item: TokenStream) -> TokenStream {
    message::expand(arguments.into(), item.into(), &quote!(::bongsu_core)).into()
}

/// [`message`] for who depends on `bongsu`, which re-exports it under that name.
#[proc_macro_attribute]
pub fn message_by_facade(arguments: TokenStream, item: TokenStream) -> TokenStream {
    message::expand(arguments.into(), item.into(), &quote!(::bongsu)).into()
}

/// An enum whose every variant holds one message: `Wire`, and `From` each of them.
///
/// Where every message has a `key`, the enum has it. In what a process hears, `#[starts]` marks the variants that begin an
/// instance (on the enum: all); the others wait for one.
#[proc_macro_derive(Messages, attributes(starts))]
pub fn messages(item: TokenStream) -> TokenStream {
    messages::expand(item.into(), &quote!(::bongsu_core)).into()
}

/// [`macro@Messages`] for who depends on `bongsu`, which re-exports it under that name.
#[proc_macro_derive(MessagesByFacade, attributes(starts))]
pub fn messages_by_facade(item: TokenStream) -> TokenStream {
    messages::expand(item.into(), &quote!(::bongsu)).into()
}

/// `#[id] pub struct AccountId(String);`: a text with a type of its own, so that an account is not taken for its owner.
///
/// Stored, sent and shown (`Display` and `Debug`) it is its text, and it is read exactly as a `String` is: any text is an id.
/// It can be looked at as a `&str` wherever one is wanted, compared with a text, and made of one with `into()`. Ids of two
/// names neither equal each other nor become each other.
///
/// The type gets `Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize`, except for what it derives itself in a
/// line below: there stands `Default`, where a state begins without one.
#[proc_macro_attribute]
pub fn id(arguments: TokenStream, item: TokenStream) -> TokenStream {
    id::expand(&arguments.into(), item.into(), &quote!(::bongsu_core)).into()
}

/// [`macro@id`] for who depends on `bongsu`, which re-exports it under that name.
#[proc_macro_attribute]
pub fn id_by_facade(arguments: TokenStream, item: TokenStream) -> TokenStream {
    id::expand(&arguments.into(), item.into(), &quote!(::bongsu)).into()
}
