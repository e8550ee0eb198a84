//! A timer is what it was last set to: moved, it does not fire where it stood.

use std::time::Duration;

use bongsu_core::{Aggregate, Ctx, Decider, Effect, Input, Messages, Process, Route, message};
use bongsu_memory::MemoryStore;
use bongsu_runtime::{Runtime, Service, ports::env::Env as _};

use crate::world::{Hindered, Lab, ask, until};

macro_rules! declare {
    ($name:ident, $wire:literal, { $($field:ident: $ty:ty),* }) => {
        #[message($wire, version = 1)]
        pub(crate) struct $name { $(pub(crate) $field: $ty),* }
    };
}

declare!(Set, "clock.set", { clock: String, at_ms: i64 });
declare!(WasSet, "clock.was-set", { clock: String, at_ms: i64 });
declare!(Ring, "clock.ring", { clock: String });
declare!(Rang, "clock.rang", { at_ms: i64 });
declare!(Never, "clock.never", {});
#[derive(Clone, Debug, PartialEq, Messages)]
enum Command {
    Set(Set),
    Ring(Ring),
}
#[derive(Clone, Debug, PartialEq, Messages)]
enum Event {
    WasSet(WasSet),
    Rang(Rang),
}

struct Clocks;

/// Rings at the time its clock was set to last.
struct Alarm;

impl Aggregate for Clocks {
    const NAME: &'static str = "clock";
    type Event = Event;
    type State = Vec<i64>;

    fn evolve(rang: &mut Vec<i64>, event: &Event) {
        if let Event::Rang(rung) = event {
            rang.push(rung.at_ms);
        }
    }
}

impl Decider for Clocks {
    type Command = Command;
    type Rejection = Never;

    fn target(&self, command: &Command, _: &Ctx) -> String {
        match command {
            Command::Set(Set { clock, .. }) | Command::Ring(Ring { clock }) => clock.clone(),
        }
    }

    fn decide(&self, _: &Vec<i64>, command: Command, ctx: &Ctx) -> Result<Vec<Event>, Never> {
        Ok(vec![match command {
            Command::Set(Set { clock, at_ms }) => WasSet { clock, at_ms }.into(),
            Command::Ring(_) => Rang { at_ms: ctx.now_ms }.into(),
        }])
    }
}

impl Process for Alarm {
    const NAME: &'static str = "alarm";
    type Heard = WasSet;
    type State = String;
    type Command = Ring;

    fn route(&self, heard: &WasSet) -> Route {
        Route::Start(heard.clock.clone())
    }

    fn evolve(clock: &mut String, input: &Input<'_, WasSet>) {
        if let Input::Heard(heard) = input {
            clock.clone_from(&heard.clock);
        }
    }

    fn react(&self, clock: &String, input: &Input<'_, WasSet>, _: &Ctx) -> Vec<Effect<Ring>> {
        match input {
            Input::Heard(heard) => vec![Effect::Wake { name: "ring", at_ms: heard.at_ms }],
            Input::Woke { .. } => vec![Effect::Send(Ring { clock: clock.clone() })],
            Input::Refused { .. } => vec![],
        }
    }
}

fn clocks() -> Service {
    Service::new("clocks").decider(Clocks, |_, _, _| None).process(Alarm)
}

async fn set(lab: &Lab, clocks: &Runtime, at_ms: i64) {
    let set = Command::from(Set { clock: "c".into(), at_ms });
    ask(&clocks.handle(), set, &lab.call(None)).await.unwrap();
}

async fn rang(clocks: &Runtime) -> Vec<i64> {
    clocks.handle().load::<Clocks>("c").await.unwrap().0
}

/// The drainer sees that the timer is due and is held up; meanwhile the clock is set to a later time.
#[tokio::test(start_paused = true)]
async fn a_timer_moved_while_it_was_about_to_fire_fires_at_its_new_time_and_once() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let slow = Hindered::over(&store);
    let clocks = lab.start_with(slow.clone(), lab.broker.clone(), clocks(), "clocks-1");
    let started = lab.env.wall_ms();
    set(&lab, &clocks, started + 10_000).await;
    until("it is nearly time", async || lab.env.wall_ms() >= started + 9_500).await;
    // What changes the timer is on its way to the store when the timer becomes due, and arrives before its firing.
    slow.hold();
    let later = started + 60_000;
    let moved = async { set(&lab, &clocks, later).await };
    let let_go = async {
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        slow.let_go().await;
    };
    futures::join!(moved, let_go);
    until("it rang", async || !rang(&clocks).await.is_empty()).await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    let rang = rang(&clocks).await;
    assert_eq!(rang.len(), 1, "{rang:?}");
    assert!(rang[0] >= later, "it rang {} ms too early", later - rang[0]);
}
