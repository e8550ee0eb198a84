//! One run: goods, customers, couriers, a moody provider, then healing, quiet, and judgement.

use std::time::Duration;

use bongsu_sim::{Failure, Sim};
use sandbox::provider::Mode;

use crate::{
    clients, couriers, history, judge, poison, rebuilds,
    world::{Mall, Shape},
};

/// Orders tried in one run.
const ORDERS: u64 = 500;
/// Virtual time in which they come.
const RUSH: Duration = Duration::from_secs(40);
/// What a run that held has done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    /// Orders tried.
    pub(crate) orders: u64,
    /// One instance of each of the five contexts in its newest build, nothing rebuilt, and no audit.
    pub(crate) plain: bool,
}

/// A healed system is quiet after this: the deadline, the longest retry pause, a delivery, and slack.
pub(crate) const QUIET: Duration = Duration::from_secs(600);

pub(crate) async fn scenario(sim: Sim, bug: Option<&'static str>) -> Result<Done, Failure> {
    let shape = Shape::drawn(&sim, bug);
    let mall = Mall::start(&sim, shape);
    judge::watch(&mall);
    let rebuilt = rebuilds::begin(&mall);
    clients::stock_up(&mall).await;
    couriers::start(&mall, shape.courier);
    poison::begin(&mall, shape);
    history::begin(&mall);
    let mut dice = sim.dice("rush");
    for number in 0..ORDERS {
        let customer = mall.clone();
        sim.spawn("customer", async move { clients::order(&customer, number).await });
        sim.sleep(dice.around(RUSH / ORDERS as u32)).await;
        if dice.below(8) == 0 {
            let mode = *dice.pick(&[Mode::Ok, Mode::Ok, Mode::Decline, Mode::Slow, Mode::Down]).expect("five");
            mall.behave(mode, dice.below(40_000) as u32);
        }
    }
    sim.sleep(Duration::from_secs(15)).await;
    sim.heal();
    mall.behave(Mode::Ok, 0);
    poison::heal(&mall, shape);
    // What a planted bug leaves undone stays so: the ordinary wait would only cost time.
    judge::quiet(&sim, &mall, if bug.is_some() { QUIET / 4 } else { QUIET }).await?;
    if rebuilt {
        rebuilds::check(&mall).await?;
    }
    judge::judge(&sim, &mall)?;
    let audited = mall.stores.contains_key("audit");
    let plain = shape.instances == 1 && shape.older.is_none() && !rebuilt && !audited;
    Ok(Done { orders: ORDERS, plain })
}
