//! A context that makes new things: each withdrawal is sent in two parcels, by a policy or by a process.

use bongsu_core::{Aggregate, Ctx, Decider, Effect, Input, Messages, Process, Public, Route, message};
use bongsu_runtime::Service;

use crate::bank::{EntryBooked, MoneyLeft};

macro_rules! declare {
    ($name:ident, $wire:literal, { $($field:ident: $ty:ty),* }) => {
        #[message($wire, version = 1)]
        pub(crate) struct $name { $(pub(crate) $field: $ty),* }
    };
}

declare!(Pack, "parcel.pack", { from: String });
declare!(Packed, "parcel.packed", { from: String });
declare!(PackedAlready, "parcel.packed-already", {});
declare!(ParcelPacked, "post.parcel-packed", { from: String });

/// New parcels only: what is packed cannot be packed again.
pub(crate) struct Parcels;

impl Aggregate for Parcels {
    const NAME: &'static str = "parcel";
    type Event = Packed;
    type State = bool;

    fn evolve(packed: &mut bool, _: &Packed) {
        *packed = true;
    }
}

impl Decider for Parcels {
    type Command = Pack;
    type Rejection = PackedAlready;

    fn target(&self, _: &Pack, ctx: &Ctx) -> String {
        ctx.id("par", 0)
    }

    fn decide(&self, packed: &bool, command: Pack, _: &Ctx) -> Result<Vec<Packed>, PackedAlready> {
        if *packed { Err(PackedAlready {}) } else { Ok(vec![Packed { from: command.from }]) }
    }
}

fn told(id: &str, event: &Packed, _: &bool) -> Option<Public> {
    Some(Public::new(id, &ParcelPacked { from: event.from.clone() }))
}

/// One fact, two new parcels.
fn pack_two(fact: &MoneyLeft, _: &Ctx) -> Vec<Pack> {
    ["seoul", "busan"].map(|from| Pack { from: format!("{from}/{}", fact.account) }).into()
}

#[derive(Clone, Debug, PartialEq, Messages)]
pub(crate) enum Heard {
    MoneyLeft(MoneyLeft),
    EntryBooked(EntryBooked),
}

/// Two new parcels when money left, one more with each entry booked, and another when it was packed too long ago.
struct PackAndWait;

impl Process for PackAndWait {
    const NAME: &'static str = "pack-and-wait";
    type Heard = Heard;
    type State = ();
    type Command = Pack;

    fn route(&self, heard: &Heard) -> Route {
        match heard {
            Heard::MoneyLeft(fact) => Route::Start(fact.account.clone()),
            Heard::EntryBooked(fact) => Route::Continue(fact.account.clone()),
        }
    }

    fn evolve((): &mut (), _: &Input<'_, Heard>) {}

    fn react(&self, (): &(), input: &Input<'_, Heard>, ctx: &Ctx) -> Vec<Effect<Pack>> {
        let pack = |from: &str| Effect::Send(Pack { from: from.into() });
        match input {
            Input::Heard(Heard::MoneyLeft(_)) => {
                vec![pack("first"), pack("second"), Effect::Wake { name: "late", at_ms: ctx.now_ms + 1_000 }]
            }
            Input::Heard(Heard::EntryBooked(_)) => vec![pack("booked")],
            Input::Woke { .. } => vec![pack("late"), pack("later"), Effect::Done],
            Input::Refused { .. } => vec![],
        }
    }
}

pub(crate) fn post_by_policy() -> Service {
    Service::new("post").decider(Parcels, told).policy("pack-two", pack_two)
}

pub(crate) fn post_by_process() -> Service {
    Service::new("post").decider(Parcels, told).process(PackAndWait)
}
