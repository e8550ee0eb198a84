//! A retention that forgets facts which somebody has not heard, and an operator who has all of them published again.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bongsu_runtime::{Deed, Runtime};

use crate::world::Mall;

/// Every so manieth run has its history cut.
const EVERY: u64 = 4;
/// A topic, and who stands still while its facts are forgotten.
const CUTS: [(&str, &str); 5] = [
    ("ordering", "product"),
    ("ordering", "payment"),
    ("product", "ordering"),
    ("payment", "ordering"),
    ("delivery", "mypage"),
];
/// A refill of a topic of which facts were forgotten was promised.
pub(crate) const FILLED: &str = "forgotten facts are published again";

/// The topics of which facts were forgotten.
#[derive(Clone, Default)]
pub(crate) struct Cut(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    topics: BTreeSet<&'static str>,
    /// Of these nobody has promised a refill yet.
    open: BTreeSet<&'static str>,
}

impl Cut {
    /// Whether facts of this topic were forgotten: what is first in it then is not what was told first.
    pub(crate) fn has(&self, topic: &str) -> bool {
        self.look(|state| state.topics.contains(topic))
    }

    /// Whether facts of any topic were.
    pub(crate) fn any(&self) -> bool {
        self.look(|state| !state.topics.is_empty())
    }

    /// What an operator has still to do.
    pub(crate) fn left(&self) -> Option<String> {
        self.look(|state| state.open.first().map(|topic| format!("{topic} is to be published again")))
    }

    fn look<T>(&self, at: impl FnOnce(&mut State) -> T) -> T {
        at(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Starts it, if this run has it.
pub(crate) fn begin(mall: &Mall) {
    let mut dice = mall.sim.dice("history");
    if dice.below(EVERY) > 0 {
        return;
    }
    let (topic, reader) = *dice.pick(&CUTS).expect("there are five");
    let (when, down) = (5_000 + dice.below(30_000), 500 + dice.below(4_000));
    let mall = mall.clone();
    mall.sim.clone().spawn("operator", async move {
        mall.sim.sleep(Duration::from_millis(when)).await;
        for node in &mall.nodes[reader] {
            node.crash();
        }
        mall.sim.sleep(Duration::from_millis(down)).await;
        mall.broker.forget(topic);
        mall.cut.look(|state| state.topics.insert(topic) && state.open.insert(topic));
        for node in &mall.nodes[reader] {
            node.restart();
        }
        republish(&mall, topic).await;
        mall.cut.look(|state| state.open.remove(topic));
        mall.sim.reached(FILLED);
    });
}

/// As `bongsu republish` does, until it is promised: who is not answered asks again, and has it done twice.
async fn republish(mall: &Mall, topic: &'static str) {
    for turn in 0.. {
        let node = mall.node(topic, turn);
        let asked = node.ask("republish", |runtime: Arc<Runtime>| async move {
            let deed = Deed::new("olga", Some("facts were forgotten")).ok()?;
            runtime.handle().operator().republish(None, &deed).await.ok()?
        });
        if matches!(mall.sim.timeout(Duration::from_secs(5), asked).await, Some(Ok(Some(_)))) {
            return;
        }
        mall.sim.sleep(Duration::from_millis(500)).await;
    }
}
