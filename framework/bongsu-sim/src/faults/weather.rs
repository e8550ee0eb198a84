//! Faults that come with time rather than with a call: crashes at any await, pauses, clock jumps, outages.

use std::{sync::Arc, time::Duration};

use crate::kernel::{
    chance::Dice,
    core::{Core, State},
    part::Kind,
};

/// Starts one task for each periodic fault of the plan.
pub(crate) fn start(core: &Arc<Core>) {
    let faults = core.lock().faults.clone();
    every(core, "weather crash", faults.crash_every, |core, dice| {
        let node = any_node(&core.lock(), dice);
        if let Some(node) = node {
            core.crash(node, true);
        }
    });
    let pause = faults.pause;
    every(core, "weather pause", faults.pause_every, move |core, dice| {
        let node = any_node(&core.lock(), dice);
        if let Some(node) = node {
            core.pause(node, dice.span(pause));
        }
    });
    let most_ms = faults.clock.as_millis() as u64;
    every(core, "weather clock", faults.clock_every, move |core, dice| {
        let mut state = core.lock();
        if let Some(node) = any_node(&state, dice) {
            state.fault(node, "clock", "node");
            let ms = dice.below(2 * most_ms + 1) as i64 - most_ms as i64;
            // Set rather than added to, so that clocks do not drift apart without end.
            state.nodes[node as usize].wall_offset_ms = ms;
        }
    });
    for (name, kind, port) in [
        ("weather store", Kind::Store, faults.store),
        ("weather broker", Kind::Broker, faults.broker),
        ("weather http", Kind::Http, faults.http),
    ] {
        every(core, name, port.down_every, move |core, dice| {
            let parts = core.parts(kind);
            if let Some(part) = dice.pick(&parts) {
                core.take_down(*part, dice.span(port.down));
            }
        });
    }
}

fn every<A>(core: &Arc<Core>, name: &'static str, period: Option<Duration>, act: A)
where
    A: Fn(&Arc<Core>, &mut Dice) + Send + 'static,
{
    if let Some(period) = period {
        core.run(&core.world, name, blow(core.clone(), Dice::new(core.seed, name), period, act));
    }
}

async fn blow<A>(core: Arc<Core>, mut dice: Dice, period: Duration, act: A)
where
    A: Fn(&Arc<Core>, &mut Dice),
{
    loop {
        core.wait(&core.world, dice.around(period)).await;
        if core.lock().healed {
            return;
        }
        act(&core, &mut dice);
    }
}

/// A node that is up and can come back.
fn any_node(state: &State, dice: &mut Dice) -> Option<u32> {
    let mortal = |node: &u32| {
        let node = &state.nodes[*node as usize];
        node.life.is_some() && node.boot.is_some()
    };
    let up: Vec<u32> = (0..state.nodes.len() as u32).filter(mortal).collect();
    dice.pick(&up).copied()
}
