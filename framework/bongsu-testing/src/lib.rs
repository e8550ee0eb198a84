//! What tests of a service use, under one name: the service alone on a [`Bench`], the HTTP [`conventions`], its
//! [`settings`], the tests every context stands under ([`standing!`]), a [`Teller`] for each context it hears; and, passed on, the rules' [`given`] and [`saga`] and the
//! adapters in memory.
#![forbid(unsafe_code)]

pub mod conventions;
pub mod settings;
pub mod standing;
mod bench;
mod stream;
mod teller;

pub use bench::{Answered, Bench};
pub use bongsu_given::{self as given, saga};
pub use bongsu_memory::{MemoryBroker, MemoryStore};
pub use stream::{Event, Stream};
pub use teller::Teller;
