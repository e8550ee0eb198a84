//! A stream of a million events: the runtime reads it, audits it and goes on with it as with one of its own.

use std::sync::Arc;

use bongsu_core::{Aggregate, CommandId, Ctx, Decider, message};
use bongsu_memory::{MemoryBroker, MemoryStore, long};
use bongsu_runtime::{
    Adapters, Answer, Call, Once, Outcome, Reply, Runtime, Service, Settings, ports::store::StoreError,
};
use bongsu_sim::{self as sim, Plan, SimAnswer, SimEnv};
use futures::executor::block_on;

const MILLION: u64 = 1_000_000;

#[message("turnstile.pass", version = 1)]
struct Pass {
    by: u64,
}
#[message("turnstile.passed", version = 1)]
struct Passed {
    by: u64,
}
#[message("turnstile.nobody", version = 1)]
struct Nobody {}

struct Turnstile;

impl Aggregate for Turnstile {
    const NAME: &'static str = "turnstile";
    type Event = Passed;
    type State = u64;

    fn evolve(state: &mut u64, event: &Passed) {
        *state += event.by;
    }
}

impl Decider for Turnstile {
    type Command = Pass;
    type Rejection = Nobody;

    fn target(&self, _: &Pass, _: &Ctx) -> String {
        "front".into()
    }

    fn decide(&self, _: &u64, command: Pass, _: &Ctx) -> Result<Vec<Passed>, Nobody> {
        if command.by == 0 { Err(Nobody {}) } else { Ok(vec![Passed { by: command.by }]) }
    }
}

fn reply(outcome: &Outcome<'_>) -> Reply {
    let status = if matches!(outcome, Outcome::Accepted { .. }) { 200 } else { 409 };
    Reply { status, headers: Vec::new(), body: bytes::Bytes::new() }
}

async fn pass(runtime: &Runtime, by: u64) -> Answer {
    let (handle, key) = (runtime.handle(), format!("by {by}"));
    let ctx = Ctx::new(handle.env().wall_ms(), CommandId::from_parts(&[&key]), "ann");
    let call = Call { ctx, once: Some(Once { key, body: "same".into() }) };
    handle.execute_any(&Pass { by }, &call, &reply).await.expect("it is answered")
}

#[test]
fn a_stream_of_a_million_events_is_read_and_goes_on() {
    let outcome = sim::run(1, Plan::calm(), |sim| async move {
        let store = MemoryStore::with_env(sim.env());
        let years = (1..=MILLION).map(|n| Passed { by: n % 3 });
        let grown = long::grow::<Turnstile>(&store, "front", 0, years).await;
        assert_eq!(grown, Ok(MILLION));
        let (memory, broker) = (sim.store("turnstile", store.clone()), MemoryBroker::new(sim.env()));
        let (bus, http) = (sim.broker("broker", broker), sim.http("nobody", |_, _| SimAnswer::Hang));
        let node = sim.node("turnstile-1", move |env: Arc<SimEnv>| {
            let (store, broker, http) = (memory.client(&env), bus.client(&env), http.client(&env));
            let service = Service::new("turnstile").decider(Turnstile, |_, _, _| None);
            let settings = Settings { slot: "turnstile-1".into(), partitions: 1, ..Settings::default() };
            async move { Runtime::start(service, Adapters { store, broker, env, http }, settings) }
        });
        let asked = node.ask("everything", |runtime: Arc<Runtime>| async move {
            let before = runtime.handle().load::<Turnstile>("front").await;
            let (refused, passed) = (pass(&runtime, 0).await, pass(&runtime, 7).await);
            let after = runtime.handle().load::<Turnstile>("front").await;
            let trail = runtime.handle().trail::<Turnstile>("front", MILLION - 1, 10).await;
            (before, [refused.reply.status, passed.reply.status], after, trail)
        });
        let (before, answers, after, trail) = asked.await.map_err(|lost| lost.to_string())?;
        let sum = (1..=MILLION).map(|number| number % 3).sum::<u64>();
        assert_eq!((before, answers), (Ok((sum, MILLION)), [409, 200]));
        assert_eq!(after, Ok((sum + 7, MILLION + 1)));
        let actors: Vec<_> =
            trail.expect("both are told").into_iter().map(|entry| (entry.version, entry.actor)).collect();
        assert_eq!(actors, [(MILLION, "years".to_owned()), (MILLION + 1, "ann".to_owned())]);
        Ok(())
    });
    outcome.expect("a long stream is a stream");
}

#[test]
fn a_stream_that_is_not_as_long_as_was_said_is_not_grown() {
    let store = MemoryStore::new();
    let some = || (0..1_500).map(|_| Passed { by: 1 });
    assert_eq!(block_on(long::grow::<Turnstile>(&store, "front", 0, some())), Ok(1_500));
    let again = block_on(long::grow::<Turnstile>(&store, "front", 0, some()));
    assert!(matches!(again, Err(StoreError::Invalid(_))), "{again:?}");
    assert_eq!(block_on(long::grow::<Turnstile>(&store, "front", 1_500, some())), Ok(3_000));
    assert_eq!(store.len(), 3_000);
}
