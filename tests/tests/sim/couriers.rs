//! People who move parcels by hand: some parcels are lost, some are never handed over, some are moved twice.

use std::{collections::BTreeMap, time::Duration};

use bongsu_core::Aggregate;
use delivery::{
    Who,
    delivery::{CompleteDelivery, Deliveries, DeliveryCommand, DeliveryState, Depart, FailDelivery, Phase},
};
use system_tests::evidence::{decode, of};

use crate::{
    clients::{Asked, ask},
    world::Mall,
};

/// Between two looks at the list of parcels.
const ROUND: Duration = Duration::from_millis(700);

/// Starts their work, which ends with the run. Where the clock moves parcels, they only report those that fail.
pub(crate) fn start(mall: &Mall, courier: Who) {
    let mall = mall.clone();
    mall.sim.clone().spawn("couriers", async move {
        let mut parcels = Parcels::default();
        for round in 0.. {
            mall.sim.sleep(ROUND).await;
            parcels.look(&mall);
            walk_round(&mall, courier, round, &parcels).await;
        }
    });
}

/// The list of parcels, read on at every look.
#[derive(Default)]
struct Parcels {
    read: usize,
    states: BTreeMap<String, DeliveryState>,
}

impl Parcels {
    fn look(&mut self, mall: &Mall) {
        mall.stores["delivery"].look(|events| {
            let news = decode::<Deliveries>(&events[self.read..]);
            news.for_each(|(order, event)| Deliveries::evolve(of(&mut self.states, order), &event));
            self.read = events.len();
        });
    }
}

async fn walk_round(mall: &Mall, courier: Who, round: u64, parcels: &Parcels) {
    for (order, parcel) in &parcels.states {
        let Some(command) = next(mall, courier, order, parcel.phase) else { continue };
        let key = format!("{} {order} {round}", bongsu_core::Wire::name(&command).0);
        let turn = mall.sim.dice(&key).bits();
        // Whatever the answer is: somebody walks by again.
        let _heard: Asked = ask(mall, ("delivery", turn), &key, command).await;
    }
}

/// What a parcel's courier does with it now, always the same for one parcel in one phase.
fn next(mall: &Mall, courier: Who, order: &str, phase: Phase) -> Option<DeliveryCommand> {
    if !matches!(phase, Phase::Prepared | Phase::Departed) {
        return None;
    }
    let mut dice = mall.sim.dice(&format!("parcel {order} {phase:?}"));
    let order = || order.into();
    let fail = || FailDelivery { order: order(), why: "nobody at home".into() };
    match (phase, dice.below(8)) {
        (_, 0) => Some(fail().into()),
        (Phase::Prepared, _) if courier == Who::Manual => Some(Depart { order: order() }.into()),
        (Phase::Departed, _) if courier == Who::Manual => Some(CompleteDelivery { order: order() }.into()),
        _ => None,
    }
}
