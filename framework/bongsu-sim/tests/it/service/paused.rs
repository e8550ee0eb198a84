//! One of two instances stands still, loses its leases, and goes on: whatever it still writes is refused.

use std::time::Duration;

use bongsu_memory::{MemoryBroker, MemoryStore};
use bongsu_sim::{self as sim, Failure, Plan, Sim, check};

use super::{Library, ask_all, clerk, desk, start};

/// Longer than the silence after which leases are taken.
const PAUSE: Duration = Duration::from_millis(3_500);
const PAUSES: u32 = 6;

async fn scenario(sim: Sim) -> Result<(), Failure> {
    let memory = MemoryBroker::new(sim.env());
    let (store, other) = (MemoryStore::with_env(sim.env()), MemoryStore::with_env(sim.env()));
    let library = Library { answers: Default::default(), desk: store.clone() };
    let http = sim.http("library", move |request, now| library.answer(request, now));
    let broker = sim.broker("broker", memory);
    sim.watch("I15 desk", check::only_the_owner_writes("desk", store.clone()));
    let desk = start(&sim, desk::service, (&["desk-1", "desk-2"], store), &broker, &http);
    let _clerk = start(&sim, clerk::service, (&["clerk-1"], other), &broker, &http);
    ask_all(&sim, &desk);
    let mut dice = sim.dice("pauses");
    for turn in 0..PAUSES {
        sim.sleep(Duration::from_millis(500 + dice.below(1_000))).await;
        desk.nodes[turn as usize % 2].pause(PAUSE);
        sim.sleep(PAUSE).await;
    }
    sim.sleep(Duration::from_secs(3)).await;
    let lost = desk.store.docs_of("lease").into_iter().filter(|doc| {
        let epoch = serde_json::from_slice::<serde_json::Value>(&doc.data).map(|lease| lease["epoch"].as_u64());
        epoch.is_ok_and(|epoch| epoch > Some(2))
    });
    sim.check("leases changed hands", Ok(lost.count() as u64))
}

#[test]
fn a_paused_owner_is_fenced_when_it_goes_on() {
    let stats = sim::search(0..20, Plan::swarm, scenario).unwrap_or_else(|failed| panic!("{failed}"));
    assert!(stats.looked["I15 desk"] > 500 && stats.fired[&("pause", "node")] >= 100, "{stats}");
}

#[test]
fn an_owner_without_a_fence_is_found() {
    crate::is_found_by("no-fence-after-pause", "I15 desk: 'desk-", 0..20, scenario);
}
