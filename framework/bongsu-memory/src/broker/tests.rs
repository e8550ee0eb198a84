//! The suite over the memory broker, and over brokers that a crash harms.

use bongsu_runtime::ports::env::Task;

use super::*;
use bongsu_conformance::broker::{
    Bench,
    crash::{Mortal, Survived, survives_crashes},
    every_rule,
};

/// The machine's clock, and 7 for chance.
struct Machine(tokio::time::Instant);

impl Env for Machine {
    fn wall_ms(&self) -> i64 {
        1_700_000_000_000 + self.mono().as_millis() as i64
    }
    fn mono(&self) -> Duration {
        self.0.elapsed()
    }
    fn sleep(&self, how_long: Duration) -> Fut<'static, ()> {
        Box::pin(tokio::time::sleep(how_long))
    }
    fn random(&self) -> u64 {
        7
    }
    fn spawn(&self, _: &'static str, _: Fut<'static, ()>) -> Box<dyn Task> {
        unreachable!("the memory broker has no tasks")
    }
}

#[tokio::test]
async fn the_memory_broker_keeps_every_rule() {
    let env = Arc::new(Machine(tokio::time::Instant::now()));
    let broker = MemoryBroker::new(env.clone());
    every_rule(&Bench::new(Arc::new(broker.clone()), move |wait| env.sleep(wait))).await;
    assert_eq!(broker.log("order").iter().map(|(_, log)| log.len()).sum::<usize>(), 70);
    assert_eq!(broker.reported("reader").len(), 2);
}

/// What a crash does to a broker.
type Harm = fn(&mut State);

/// A broker to which something happens when it crashes.
struct Harmed {
    broker: MemoryBroker,
    harm: Harm,
}

impl Mortal for Harmed {
    fn client(&self) -> Arc<dyn Broker> {
        Arc::new(self.broker.clone())
    }

    fn crash(&self) -> Fut<'_, ()> {
        (self.harm)(&mut self.broker.state());
        Box::pin(future::ready(()))
    }
}

fn survives(harm: Harm) -> Result<Survived, String> {
    let machine = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let tried = std::panic::AssertUnwindSafe(|| {
        machine.block_on(async {
            let env = Arc::new(Machine(tokio::time::Instant::now()));
            let mortal = Harmed { broker: MemoryBroker::new(env.clone()), harm };
            let bench = Bench::new(mortal.client(), move |wait| env.sleep(wait));
            survives_crashes(&mortal, &bench, 1).await
        })
    });
    let tried = std::panic::catch_unwind(tried);
    tried.map_err(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default())
}

fn longest(state: &mut State) -> &mut Vec<Entry> {
    let logs = state.topics.values_mut().flat_map(|kept| &mut kept.partitions);
    &mut logs.max_by_key(|log| log.messages.len()).expect("there are topics").messages
}

#[test]
fn the_memory_broker_survives_a_crash_between_any_two_calls() {
    let survived = survives(|_| {}).unwrap_or_else(|why| panic!("{why}"));
    println!("{survived}");
}

#[test]
fn a_broker_that_forgets_moves_or_doubles_is_found_out() {
    let harms: [(&str, Harm); 7] = [
        ("the last message is gone", |state| drop(longest(state).pop())),
        ("half a batch is gone from its midst", |state| {
            let log = longest(state);
            log.truncate(log.len() / 2);
        }),
        ("two messages have changed places", |state| {
            let log = longest(state);
            if let [.., one, other] = &mut log[..] {
                std::mem::swap(&mut one.message.cloudevent, &mut other.message.cloudevent);
            }
        }),
        ("offsets begin anew", |state| {
            let log = longest(state);
            log.iter_mut().for_each(|kept| kept.message.offset += 1);
        }),
        ("who published what is forgotten", |state| state.producers.clear()),
        ("topics are forgotten", |state| state.topics.clear()),
        ("it is another history", |state| state.log.0 += 1),
    ];
    for (what, harm) in harms {
        let why = survives(harm).expect_err(what);
        assert!(why.contains("crash"), "{what}, and was found by something else: {why}");
    }
}
