//! What a command says and what happens by it is written down once, and not read back on its way to the store.

use std::cell::Cell;

use bongsu_core::{Aggregate, Ctx, Decider, Effect, Input, Messages, Process, Public, Route, message};
use bongsu_memory::MemoryStore;
use bongsu_runtime::Service;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::world::{Lab, ask};

thread_local! {
    static WRITTEN: Cell<u32> = const { Cell::new(0) };
    static READ: Cell<u32> = const { Cell::new(0) };
}

/// A number that counts how often any of its kind is written and read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Counted(u32);

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WRITTEN.set(WRITTEN.get() + 1);
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        READ.set(READ.get() + 1);
        u32::deserialize(deserializer).map(Self)
    }
}

#[message("jar.fill", version = 1, key = jar)]
struct Fill {
    jar: String,
    by: Counted,
}

#[message("jar.filled", version = 1, key = jar)]
struct Filled {
    jar: String,
    by: Counted,
}

#[message("jar.never", version = 1)]
struct Never {}

/// A fact that counts nothing: how often it is written is its own affair.
#[message("kitchen.jar-filled", version = 1, key = jar)]
struct JarFilled {
    jar: String,
    by: u32,
}

struct Jars;

impl Aggregate for Jars {
    const NAME: &'static str = "jar";
    type Event = Filled;
    type State = u32;

    fn evolve(full: &mut u32, event: &Filled) {
        *full += event.by.0;
    }
}

impl Decider for Jars {
    type Command = Fill;
    type Rejection = Never;

    fn decide(&self, _: &u32, fill: Fill, _: &Ctx) -> Result<Vec<Filled>, Never> {
        Ok(vec![Filled { jar: fill.jar, by: fill.by }])
    }
}

#[derive(Clone, Debug, PartialEq, Messages)]
enum Heard {
    #[starts]
    Filled(Filled),
}

/// Hears the event in the same Commit.
struct Lids;

impl Process for Lids {
    const NAME: &'static str = "lids";
    type Heard = Heard;
    type State = u32;
    type Command = Fill;

    fn route(&self, heard: &Heard) -> Route {
        let Heard::Filled(filled) = heard;
        Route::Start(filled.jar.clone())
    }

    fn evolve(seen: &mut u32, input: &Input<'_, Heard>) {
        if let Input::Heard(Heard::Filled(filled)) = input {
            *seen += filled.by.0;
        }
    }

    fn react(&self, _: &u32, _: &Input<'_, Heard>, _: &Ctx) -> Vec<Effect<Fill>> {
        vec![Effect::Done]
    }
}

fn told(_: &str, event: &Filled, _: &u32) -> Option<Public> {
    Some(Public::of(&JarFilled { jar: event.jar.clone(), by: event.by.0 }))
}

/// The command and its event each once; the process reads the event as a type of its own, once.
#[tokio::test(start_paused = true)]
async fn a_command_and_its_event_are_encoded_once_and_read_at_most_once_before_the_store() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let kitchen = lab.start(Service::new("kitchen").decider(Jars, told).process(Lids), &store, "kitchen-1");
    for number in 1..=3 {
        let fill = Fill { jar: format!("j{number}"), by: Counted(7) };
        WRITTEN.set(0);
        READ.set(0);
        let answer = ask(&kitchen.handle(), fill, &lab.call(None)).await.unwrap();
        assert_eq!(answer.reply.status, 200);
        assert_eq!((WRITTEN.get(), READ.get()), (2, 1));
    }
}
