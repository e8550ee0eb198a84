//! The loop: time, tasks, crashes, and what a run says about itself.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bongsu_runtime::ports::env::Env;
use bongsu_sim::{self as sim, Failure, Outcome, Plan, Sim, SimEnv};
use tokio::sync::{Mutex as AsyncMutex, Notify, Semaphore, mpsc, oneshot, watch};

use super::{Held, ms};

/// Tasks that race for turns, timers and messages; what comes out depends on who runs when.
async fn race(sim: Sim) -> Result<Vec<u64>, Failure> {
    let (told, mut heard) = mpsc::channel(4);
    for runner in 0..8_u64 {
        let (told, env) = (told.clone(), sim.env());
        sim.spawn("runner", async move {
            for lap in 0..20 {
                env.sleep(ms(env.random() % 3)).await;
                env.step("lap");
                told.send(runner * 100 + lap).await.expect("somebody counts");
            }
        });
    }
    drop(told);
    let mut order = Vec::new();
    while let Some(lap) = heard.recv().await {
        order.push(lap);
    }
    Ok(order)
}

#[test]
fn a_seed_repeats_itself_and_another_seed_does_not() {
    let run = |seed| {
        let outcome: Outcome<Vec<u64>> = sim::run(seed, Plan::calm(), race);
        (outcome.hash, outcome.stats.polls, outcome.stats.time, outcome.expect("a race ends"))
    };
    let first = run(1);
    assert_eq!(first.3.len(), 160);
    assert_eq!(run(1), first);
    let others: Vec<_> = (2..12).map(run).collect();
    assert!(others.iter().all(|other| other.0 != first.0 && other.3 != first.3));
}

#[test]
fn ready_tasks_run_in_every_order() {
    let orders: std::collections::BTreeSet<Vec<u64>> = (0..200)
        .map(|seed| {
            let outcome = sim::run(seed, Plan::calm(), |sim| async move {
                let order = Arc::new(Mutex::new(Vec::new()));
                for name in 0..3 {
                    let order = order.clone();
                    sim.spawn("one", async move { order.lock().unwrap().push(name) });
                }
                sim.sleep(ms(1)).await;
                Ok(order.lock().unwrap().clone())
            });
            outcome.expect("three tasks run")
        })
        .collect();
    assert_eq!(orders.len(), 6);
}

#[test]
fn sleepers_wake_in_the_order_of_their_times_and_an_idle_day_takes_no_time() {
    let outcome = sim::run(3, Plan::calm(), |sim| async move {
        let woken = Arc::new(Mutex::new(Vec::new()));
        let day = Duration::from_secs(24 * 3600 - 1);
        for after in [ms(30), day, ms(10), ms(20)] {
            let (woken, env) = (woken.clone(), sim.env());
            sim.spawn("sleeper", async move {
                let wall = env.wall_ms();
                env.sleep(after).await;
                assert_eq!(env.mono(), after);
                assert_eq!(env.wall_ms() - wall, after.as_millis() as i64);
                woken.lock().unwrap().push(after);
            });
        }
        sim.sleep(day + ms(1)).await;
        assert_eq!(*woken.lock().unwrap(), [ms(10), ms(20), ms(30), day]);
        Ok(())
    });
    assert!(outcome.stats.polls < 20, "{}", outcome.stats.polls);
    outcome.expect("sleepers wake");
}

#[test]
fn a_dropped_timer_does_not_make_time_jump() {
    let outcome = sim::run(3, Plan::calm(), |sim| async move {
        let answer = sim.timeout(Duration::from_secs(3600), async { 7 }).await;
        assert_eq!(answer, Some(7));
        let none = sim.timeout(ms(5), pending::<()>()).await;
        assert_eq!((none, sim.now()), (None, ms(5)));
        Ok(())
    });
    assert_eq!(outcome.stats.time, ms(5));
    outcome.expect("timeouts end");
}

#[test]
fn dropping_the_handle_of_a_task_stops_it_wherever_it_waits() {
    let outcome = sim::run(4, Plan::calm(), |sim| async move {
        let (drops, laps) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (held, counted, env) = (Held(drops.clone()), laps.clone(), sim.env());
        let task = sim.env().spawn(
            "loop",
            Box::pin(async move {
                let _held = held;
                loop {
                    env.sleep(ms(10)).await;
                    counted.fetch_add(1, Relaxed);
                }
            }),
        );
        sim.sleep(ms(35)).await;
        assert_eq!((laps.load(Relaxed), drops.load(Relaxed)), (3, 0));
        drop(task);
        sim.env().give_way().await;
        assert_eq!(drops.load(Relaxed), 1);
        sim.sleep(ms(100)).await;
        assert_eq!(laps.load(Relaxed), 3);
        Ok(())
    });
    outcome.expect("a task stops");
}

#[test]
fn a_task_that_drops_its_own_handle_is_gone_after_its_poll() {
    let outcome = sim::run(4, Plan::calm(), |sim| async move {
        let (drops, own) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(None)));
        let (held, mine) = (Held(drops.clone()), own.clone());
        let task = sim.env().spawn(
            "suicide",
            Box::pin(async move {
                let held = held;
                let handle = mine.lock().unwrap().take();
                drop(handle);
                assert_eq!(held.0.load(Relaxed), 0, "not while it runs");
                pending::<()>().await;
            }),
        );
        *own.lock().unwrap() = Some(task);
        sim.sleep(ms(1)).await;
        assert_eq!(drops.load(Relaxed), 1);
        Ok(())
    });
    outcome.expect("a task may drop itself");
}

#[test]
fn a_task_tells_when_it_has_ended() {
    let outcome = sim::run(5, Plan::calm(), |sim| async move {
        let env = sim.env();
        let task = sim.env().spawn("short", Box::pin(async move { env.sleep(ms(7)).await }));
        task.ended().await;
        assert_eq!(sim.now(), ms(7));
        task.ended().await;
        Ok(())
    });
    outcome.expect("a task ends");
}

#[test]
fn the_primitives_of_tokio_work_without_its_runtime() {
    let outcome = sim::run(12, Plan::calm(), |sim| async move {
        let (gate, lock) = (Arc::new(Semaphore::new(2)), Arc::new(AsyncMutex::new(0_u64)));
        let (inside, most) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (done, mut finished) = mpsc::unbounded_channel();
        for _ in 0..10 {
            let (gate, lock, env, done) = (gate.clone(), lock.clone(), sim.env(), done.clone());
            let (inside, most) = (inside.clone(), most.clone());
            sim.spawn("worker", async move {
                let _permit = gate.acquire_owned().await.unwrap();
                most.fetch_max(inside.fetch_add(1, Relaxed) + 1, Relaxed);
                let mut count = lock.lock().await;
                let before = *count;
                env.sleep(ms(10)).await;
                *count = before + 1;
                inside.fetch_sub(1, Relaxed);
                done.send(()).unwrap();
            });
        }
        for _ in 0..10 {
            finished.recv().await.ok_or("a worker is missing")?;
        }
        assert_eq!((*lock.lock().await, most.load(Relaxed), sim.now()), (10, 2, ms(100)));

        let (value, mut watched) = watch::channel(0);
        let (bell, rang) = (Arc::new(Notify::new()), oneshot::channel());
        let (waits, tell) = (bell.clone(), rang.0);
        sim.spawn("waits", async move {
            waits.notified().await;
            tell.send("rang").unwrap();
        });
        sim.sleep(ms(1)).await;
        value.send(1).map_err(|error| error.to_string())?;
        watched.changed().await.map_err(|error| error.to_string())?;
        bell.notify_waiters();
        assert_eq!(rang.1.await, Ok("rang"));
        Ok(())
    });
    outcome.expect("tokio::sync needs no runtime");
}

#[test]
fn a_run_waits_until_it_is_quiet() {
    let outcome = sim::run(13, Plan::calm(), |sim| async move {
        let left = Arc::new(AtomicU64::new(3));
        let (work, env) = (left.clone(), sim.env());
        sim.spawn("work", async move {
            while work.load(Relaxed) > 0 {
                env.sleep(Duration::from_secs(1)).await;
                work.fetch_sub(1, Relaxed);
            }
        });
        let waiting = move || vec!["work".to_owned(); left.load(Relaxed) as usize];
        sim.quiesce(Duration::from_secs(10), waiting).await?;
        assert!(sim.now() >= Duration::from_secs(3) && sim.now() < Duration::from_secs(4));
        Ok(())
    });
    outcome.expect("work ends");
}

/// The failure of a run that must fail, with its report.
fn failure(outcome: Outcome<()>) -> (Failure, String) {
    let report = outcome.to_string();
    (outcome.result.expect_err("this run must fail"), report)
}

#[test]
fn a_run_that_never_gets_quiet_says_what_it_waits_for() {
    let outcome = sim::run(14, Plan::calm(), |sim| async move {
        sim.node("lazy", |env: Arc<SimEnv>| async move {
            env.run("does nothing", pending());
        });
        sim.note("waiting begins");
        sim.quiesce(Duration::from_secs(5), || vec!["account 7".to_owned()]).await
    });
    let (failure, report) = failure(outcome);
    let Failure::Stuck(what) = failure else { panic!("{failure}") };
    assert!(what.contains("account 7") && what.contains("lazy#1 does nothing × 1"), "{what}");
    assert!(report.contains("seed 14 failed") && report.contains("world#0 waiting begins"), "{report}");
    assert!(report.contains("lazy#1 boots"), "{report}");
}

#[test]
fn a_run_in_which_nothing_can_happen_any_more_fails() {
    let (failure, _) = failure(sim::run(15, Plan::calm(), |_| pending()));
    assert!(matches!(&failure, Failure::Stuck(what) if what.contains("world#0 scenario")), "{failure}");
}

#[test]
fn a_task_that_spins_is_found() {
    let outcome = sim::run(16, Plan::calm(), |sim| async move {
        loop {
            sim.env().give_way().await;
        }
    });
    let (failure, _) = failure(outcome);
    assert!(matches!(&failure, Failure::Stuck(what) if what.contains("scenario")), "{failure}");
}

#[test]
fn a_run_has_a_limit() {
    let plan = Plan { limit: Duration::from_secs(60), ..Plan::calm() };
    let outcome = sim::run(17, plan, |sim| async move {
        loop {
            sim.sleep(Duration::from_secs(1)).await;
        }
    });
    let (failure, _) = failure(outcome);
    assert!(matches!(&failure, Failure::Stuck(what) if what.contains("60s")), "{failure}");
}

#[test]
fn a_panic_is_a_failure_with_the_name_of_its_task() {
    let outcome = sim::run(18, Plan::calm(), |sim| async move {
        sim.node("frail", |env: Arc<SimEnv>| async move {
            env.run("worker", async { panic!("the door is stuck") });
        });
        sim.sleep(ms(1)).await;
        Ok(())
    });
    let (failure, _) = failure(outcome);
    assert_eq!(failure, Failure::Panic("worker of frail#1: the door is stuck".into()));
}

#[test]
fn planted_bugs_are_known_by_name() {
    let outcome = sim::run(19, Plan::calm().bug("lost-door"), |sim| async move {
        assert!(sim.env().bug("lost-door") && !sim.env().bug("other"));
        Ok(())
    });
    outcome.expect("bugs have names");
}

#[test]
fn a_run_gives_its_memory_back() {
    let drops = Arc::new(AtomicU64::new(0));
    let (booted, scenario) = (Held(drops.clone()), Held(drops.clone()));
    let outcome = sim::run(21, Plan::calm(), |sim| async move {
        let booted = Arc::new(booted);
        let own = sim.clone();
        sim.node("cyclic", move |env: Arc<SimEnv>| {
            let (booted, own) = (booted.clone(), own.clone());
            async move { (booted, own, env) }
        });
        sim.sleep(ms(1)).await;
        let kept = (sim.clone(), scenario);
        sim.spawn("waits", async move {
            pending::<()>().await;
            drop(kept);
        });
        Ok(())
    });
    outcome.expect("it ends");
    assert_eq!(drops.load(Relaxed), 2);
}
