//! What the runtime needs from the world, as object-safe traits: adapters are picked by URL at run time.

pub mod name;
pub mod store;
pub mod broker;
pub mod env;
pub mod coverage;
pub mod metric;

use std::{future::Future, pin::Pin};

/// A boxed future.
pub type Fut<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
