//! A context that says what a test tells it: the other side of a service that is tested alone.

use bongsu_core::{Aggregate, CommandId, Ctx, Public, message, split_type};
use bongsu_runtime::{Adapters, Call, CommandError, Handle, Reply, Runtime, Script, Service, Settings};
use bytes::Bytes;
use serde_json::Value;

/// Stands in for a context: publishes facts in its name, through a runtime of its own.
pub struct Teller {
    handle: Handle,
    _runtime: Runtime,
}

#[message("teller.told", version = 1)]
struct FactTold {
    fact: String,
    body: Value,
}

struct Telling;

impl Aggregate for Telling {
    const NAME: &'static str = "telling";
    type Event = FactTold;
    type State = ();

    fn evolve((): &mut (), _: &FactTold) {}
}

impl Teller {
    /// Starts the stand-in. Its world needs a store of its own and the broker of those who listen.
    pub fn start(context: &'static str, adapters: Adapters) -> Self {
        let runtime =
            Runtime::start(Service::new(context).tells::<Telling, _>(published), adapters, Settings::default());
        Self { handle: runtime.handle(), _runtime: runtime }
    }

    /// Publishes a fact (`context.event.v1`) under a key. Facts of one key arrive in the order they are said.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn say(&self, fact: &str, key: &str, body: Value) -> Result<(), CommandError> {
        let env = self.handle.env();
        let id = CommandId(u128::from(env.random()) << 64 | u128::from(env.random()));
        let call = Call { ctx: Ctx::new(env.wall_ms(), id, "test"), once: None };
        let told = FactTold { fact: fact.to_owned(), body };
        let work = |script: &mut Script<'_>| {
            script.append::<Telling>(key, told.clone());
            Ok(Reply { status: 204, headers: Vec::new(), body: Bytes::new() })
        };
        self.handle.script(&call, &[], &work).await.map(drop)
    }
}

fn published(key: &str, told: &FactTold, (): &()) -> Option<Public> {
    let (name, schema) = split_type(&told.fact)?;
    let data = serde_json::to_vec(&told.body).ok()?;
    // A test says a handful of facts; real facts have their names in the code.
    Some(Public { name: name.to_owned().leak(), schema, data, key: key.to_owned() })
}
