//! Who speaks: keys derived from a system's root secret, bearers, and whom the gateway names.
//!
//! A system has one [`Root`]. Whoever is called has a [`Lock`], derived from the root for its name; whoever calls has a
//! [`Key`] to that lock, derived from the lock for the caller's name and sent as a bearer. So a process recognises
//! everybody who may call it, and with all it knows can only deceive itself: what it hears opens no other lock. Two
//! roots are valid at a time ([`Roots`]), so that a new one needs no stop. What a process may know is in a file of its
//! own ([`Keys`]). Start reading at `secret.rs`; `docs/security.md` is the threat model.
//!
//! It knows nothing of brokers, services or gateways but their names.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod secret;
mod hex;
mod roots;
mod keys;
mod principal;
mod visitor;
mod host;

pub use host::is_given_out;
pub use keys::{Caller, Keys, KeysError, NotKnown};
pub use principal::{Audience, LEEWAY_S, LIFE_S, PRINCIPAL, Vouched};
pub use roots::{Roots, SecretError};
pub use secret::{Key, Lock, Root, is_name};
pub use visitor::{VISITOR, VISITOR_LIFE_S, Visitor};

/// The name of the embedded broker, as a caller and as one who is called.
pub const BROKER: &str = "broker";
/// The name of the gateway.
pub const GATEWAY: &str = "gateway";
/// The name of whoever operates a system: its command line, and people with `bongsu secret operator`.
pub const OPERATOR: &str = "operator";
