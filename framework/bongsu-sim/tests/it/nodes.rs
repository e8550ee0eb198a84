//! Nodes: they die, come back, stand still, and answer questions.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bongsu_runtime::ports::env::Env;
use bongsu_sim::{self as sim, Chance, Plan, SimEnv};

use super::{Held, ms};

#[test]
fn a_crash_drops_every_task_of_the_node_and_no_other() {
    let outcome = sim::run(6, Plan::calm(), |sim| async move {
        let (drops, laps) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let boot = {
            let (drops, laps) = (drops.clone(), laps.clone());
            move |env: Arc<SimEnv>| {
                let (drops, laps) = (drops.clone(), laps.clone());
                async move {
                    for _ in 0..3 {
                        let (held, laps, own) = (Held(drops.clone()), laps.clone(), env.clone());
                        env.run("loop", async move {
                            let _held = held;
                            loop {
                                own.sleep(ms(10)).await;
                                laps.fetch_add(1, Relaxed);
                            }
                        });
                    }
                    Held(drops)
                }
            }
        };
        let (one, two) = (sim.node("one", boot.clone()), sim.node("two", boot));
        sim.sleep(ms(15)).await;
        assert_eq!(laps.load(Relaxed), 6);
        one.crash();
        assert!(!one.is_up() && one.get().is_none() && two.is_up());
        sim.sleep(ms(10)).await;
        assert_eq!((laps.load(Relaxed), drops.load(Relaxed)), (9, 4), "three tasks and what the node was");
        one.restart();
        sim.sleep(ms(15)).await;
        assert!(one.is_up());
        assert_eq!((laps.load(Relaxed), drops.load(Relaxed)), (15, 4));
        Ok(())
    });
    outcome.expect("a crash stops one node");
}

#[test]
fn nothing_a_dead_incarnation_calls_has_an_effect() {
    let outcome = sim::run(7, Plan::calm().crash_at(None, "fatal", 1), |sim| async move {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let note = seen.clone();
        let node = sim.node("mortal", move |env: Arc<SimEnv>| {
            let note = note.clone();
            async move {
                let (own, told) = (env.clone(), note.clone());
                env.run("worker", async move {
                    own.step("fatal");
                    // The poll goes on to its next await, as a process never would: it must not matter.
                    own.step("beyond");
                    let (ghost, unborn) = (own.clone(), told.clone());
                    own.run("unborn", async move {
                        ghost.sleep(ms(1)).await;
                        unborn.lock().unwrap().push("unborn task ran");
                    });
                    told.lock().unwrap().push(if own.is_dead() { "dead" } else { "alive" });
                    own.sleep(ms(1)).await;
                    told.lock().unwrap().push("slept");
                });
                env.incarnation()
            }
        });
        sim.sleep(Duration::from_secs(10)).await;
        let mut seen = seen.lock().unwrap().clone();
        // The second life lived; of the first there is only what it did before its next await.
        seen.sort_unstable();
        assert_eq!(seen, ["alive", "dead", "slept", "unborn task ran"]);
        assert_eq!(node.get().as_deref(), Some(&2), "it came back by itself");
        Ok(())
    });
    let hits = |point: &'static str| outcome.stats.points.get(&("mortal".to_owned(), point)).copied();
    assert_eq!((hits("fatal"), hits("beyond")), (Some(2), Some(1)));
    assert_eq!(outcome.fired("crash"), 1);
    outcome.expect("the dead are silent");
}

#[test]
fn a_node_that_was_crashed_on_purpose_stays_down_until_it_is_restarted() {
    let outcome = sim::run(8, Plan::calm(), |sim| async move {
        let node = sim.node("door", |env: Arc<SimEnv>| async move { env.incarnation() });
        let number = |at: Arc<u32>| async move { *at };
        assert_eq!(node.ask("number", number).await, Ok(1));
        node.crash();
        node.crash();
        sim.sleep(Duration::from_secs(60)).await;
        assert_eq!(node.ask("number", number).await, Err(sim::Lost));
        node.restart();
        node.restart();
        sim.sleep(ms(1)).await;
        assert_eq!(node.ask("number", number).await, Ok(2));
        Ok(())
    });
    outcome.expect("down is down");
}

#[test]
fn who_asks_a_node_that_dies_meanwhile_hears_nothing_and_hanging_up_stops_the_question() {
    let outcome = sim::run(9, Plan::calm(), |sim| async move {
        let node = sim.node("slow", |env: Arc<SimEnv>| async move { env });
        sim.sleep(ms(1)).await;
        let done = Arc::new(AtomicU64::new(0));
        let slowly = |done: Arc<AtomicU64>| {
            move |env: Arc<Arc<SimEnv>>| async move {
                env.sleep(ms(500)).await;
                done.fetch_add(1, Relaxed)
            }
        };
        let asked = {
            let (node, question) = (node.clone(), slowly(done.clone()));
            async move { node.ask("slow", question).await }
        };
        assert_eq!(sim.timeout(ms(100), asked).await, None);
        let killer = node.clone();
        let env = sim.env();
        sim.spawn("killer", async move {
            env.sleep(ms(300)).await;
            killer.crash();
        });
        assert_eq!(node.ask("slow", slowly(done.clone())).await, Err(sim::Lost));
        assert!(sim.now() < ms(450), "told at once");
        sim.sleep(ms(2_000)).await;
        assert_eq!(done.load(Relaxed), 0);
        Ok(())
    });
    outcome.expect("questions end");
}

#[test]
fn a_paused_node_stands_still_while_time_goes_on() {
    let outcome = sim::run(10, Plan::calm(), |sim| async move {
        let ticks = Arc::new(Mutex::new(Vec::new()));
        let told = ticks.clone();
        let node = sim.node("clock", move |env: Arc<SimEnv>| {
            let told = told.clone();
            async move {
                let own = env.clone();
                env.run("tick", async move {
                    loop {
                        own.sleep(ms(100)).await;
                        told.lock().unwrap().push(own.mono());
                    }
                });
            }
        });
        sim.sleep(ms(250)).await;
        node.pause(ms(1_000));
        sim.sleep(ms(1_090)).await;
        let ticks = ticks.lock().unwrap().clone();
        assert_eq!(ticks, [ms(100), ms(200), ms(1_250)], "late, once, and then on");
        Ok(())
    });
    assert_eq!(outcome.fired("pause"), 1);
    outcome.expect("a pause ends");
}

#[test]
fn a_wall_clock_jumps_and_the_monotonic_one_does_not() {
    let outcome = sim::run(10, Plan::calm(), |sim| async move {
        let node = sim.node("clock", |env: Arc<SimEnv>| async move { env });
        sim.sleep(ms(1)).await;
        let env = node.get().ok_or("not up")?;
        let (wall, mono) = (env.wall_ms(), env.mono());
        node.jump_wall_clock(-3_600_000);
        assert_eq!((env.wall_ms() - wall, env.mono()), (-3_600_000, mono));
        assert_eq!(sim.env().wall_ms(), wall, "clocks of others stay");
        sim.heal();
        assert_eq!(env.wall_ms(), wall, "set right");
        Ok(())
    });
    outcome.expect("a clock jumps");
}

#[test]
fn chance_differs_between_nodes_and_between_lives() {
    let outcome = sim::run(11, Plan::calm(), |sim| async move {
        let boot = |env: Arc<SimEnv>| async move { env.random() };
        let (one, two) = (sim.node("one", boot), sim.node("two", boot));
        sim.sleep(ms(1)).await;
        let first = (one.get(), two.get());
        one.crash();
        one.restart();
        sim.sleep(ms(1)).await;
        let (again, two) = (one.get().ok_or("down")?, first.1.ok_or("down")?);
        assert!(first.0.is_some_and(|one| one != two && one != again && again != two));
        Ok(())
    });
    outcome.expect("streams differ");
}

#[test]
fn healing_brings_back_what_chance_took_and_stops_it() {
    let mut plan = Plan::calm();
    plan.faults.crash = Chance::one_in(3);
    plan.faults.crash_every = Some(ms(500));
    plan.faults.pause_every = Some(ms(700));
    plan.faults.clock_every = Some(ms(900));
    let outcome = sim::run(20, plan, |sim| async move {
        let nodes: Vec<_> = ["one", "two", "three"]
            .map(|name| {
                sim.node(name, |env: Arc<SimEnv>| async move {
                    let own = env.clone();
                    env.run("steps", async move {
                        loop {
                            own.sleep(ms(100)).await;
                            own.step("here");
                        }
                    });
                    env.incarnation()
                })
            })
            .into();
        sim.sleep(Duration::from_secs(30)).await;
        sim.heal();
        sim.sleep(ms(1)).await;
        let lives: Vec<_> = nodes.iter().map(|node| node.get().ok_or("down")).collect::<Result<_, _>>()?;
        assert!(lives.iter().all(|lives| **lives > 2), "{lives:?}");
        sim.sleep(Duration::from_secs(3_600)).await;
        let later: Vec<_> = nodes.iter().map(|node| node.get().ok_or("down")).collect::<Result<_, _>>()?;
        assert_eq!(lives, later, "nothing fails after healing");
        Ok(())
    });
    assert!(outcome.fired("crash") > 6 && outcome.fired("pause") > 0 && outcome.fired("clock") > 0);
    outcome.expect("it heals");
}

#[test]
fn a_busy_machine_lets_tasks_wait_and_changes_nothing_else() {
    let laps = |lag| {
        let mut plan = Plan::calm();
        plan.faults.lag = lag;
        let outcome = sim::run(22, plan, |sim| async move {
            let node = sim.node("runner", |env: Arc<SimEnv>| async move { env });
            sim.sleep(ms(100)).await;
            let run = |env: Arc<Arc<SimEnv>>| async move {
                for _ in 0..100 {
                    env.sleep(ms(1)).await;
                }
                env.mono()
            };
            Ok(node.ask("run", run).await.map_err(|lost| lost.to_string())?)
        });
        (outcome.fired("lag"), outcome.expect("laps are run"))
    };
    let (none, quick) = laps(Chance::NEVER);
    let (some, slow) = laps(Chance::one_in(4));
    assert!(none == 0 && some > 10 && slow > quick + ms(100), "{quick:?} {slow:?}");
}
