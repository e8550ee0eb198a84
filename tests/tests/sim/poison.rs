//! An older build in the midst of everything: it cannot read one fact in sixteen, until it is replaced. Half of them it takes
//! for newer, and the next build does them by itself; the others for broken, and an operator has them tried again.

use std::{
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

use bongsu_core::{Ctx, DecodeError, Extra, Wire, digest};
use bongsu_runtime::{Deed, Runtime, Service};
use product::policies::follow_orders as stock;
use serde::{Deserialize, Deserializer};
use system_tests::mall;

use crate::world::{Mall, Shape};

/// The contexts that may run an older build.
pub(crate) const MAY_BE_OLDER: [&str; 3] = ["product", "payment", "delivery"];
/// What begins an order's life in them: with it, nothing that comes later makes sense.
const UNREAD: [&str; 2] = ["ordering.order-placed", "ordering.order-confirmed"];
/// One order in so many.
const ONE_IN: u128 = 16;
/// Between two looks at what is parked.
const ROUND: Duration = Duration::from_secs(1);

/// A fact as an older build reads it.
#[derive(Clone)]
struct Unread<F>(F);

/// What a fact is taken for.
enum Looks {
    Newer,
    Broken,
}

#[derive(Deserialize)]
struct Named {
    order: String,
}

/// The map of a context in its older build.
pub(crate) fn older(context: &str, shape: Shape) -> Service {
    const FOLLOW: &str = "follow-orders";
    match context {
        "product" => mall::map("product").policy_instead(FOLLOW, older_build(stock::follow_orders)),
        "payment" => {
            let settings = payment::Settings::default();
            payment::service(&settings).policy_instead(FOLLOW, older_build(payment::follow_orders))
        }
        _ => delivery::service(&shape.delivery()).policy_instead(FOLLOW, older_build(delivery::follow_orders)),
    }
}

/// A policy as an older build has it.
fn older_build<F, C>(react: fn(&F, &Ctx) -> Vec<C>) -> impl Fn(&Unread<F>, &Ctx) -> Vec<C> {
    move |fact, ctx| react(&fact.0, ctx)
}

/// Starts an operator who tries once in vain.
pub(crate) fn begin(mall: &Mall, shape: Shape) {
    let Some(context) = shape.older else { return };
    let after = Duration::from_millis(mall.sim.dice("operator").below(40_000));
    let mall = mall.clone();
    mall.sim.clone().spawn("operator", async move {
        mall.sim.sleep(after).await;
        retry_all(&mall, context, "perhaps it works now").await;
    });
}

/// Replaces the older build, and has everything parked tried again, until nothing is.
pub(crate) fn heal(mall: &Mall, shape: Shape) {
    let Some(context) = shape.older else { return };
    mall.rolled_out.store(true, SeqCst);
    for node in &mall.nodes[context] {
        node.crash();
        node.restart();
    }
    let mall = mall.clone();
    mall.sim.clone().spawn("operator", async move {
        loop {
            mall.sim.sleep(ROUND).await;
            retry_all(&mall, context, "the newest build is rolled out").await;
        }
    });
}

/// As `bongsu parked retry` does. Whoever is not answered asks again at the next round.
async fn retry_all(mall: &Mall, context: &'static str, why: &'static str) {
    let node = mall.node(context, 0);
    let asked = node.ask("retry", move |runtime: Arc<Runtime>| async move {
        let (handle, deed) = (runtime.handle(), Deed::new("olga", Some(why)).ok()?);
        for parked in handle.operator().parked().await.ok()? {
            handle.operator().unpark(&parked.id, &deed).await.ok()?;
        }
        Some(())
    });
    let _heard = mall.sim.timeout(Duration::from_secs(5), asked).await;
}

impl<F: Wire> Wire for Unread<F> {
    fn names() -> Vec<(&'static str, u32)> {
        F::names()
    }

    fn name(&self) -> (&'static str, u32) {
        self.0.name()
    }

    fn encode(&self) -> Vec<u8> {
        self.0.encode()
    }

    fn read(name: &str, schema: u32, data: &[u8], extra: Extra) -> Result<Option<Self>, DecodeError> {
        let (known, name_of) = (schema, name.to_owned());
        match UNREAD.contains(&name).then(|| unread(data)).flatten() {
            Some(Looks::Newer) => Err(DecodeError::Newer { name: name_of, schema: schema + 1, known }),
            Some(Looks::Broken) => Err(DecodeError::Broken { name: name_of, schema, reason: "unheard of".into() }),
            None => Ok(F::read(name, schema, data, extra)?.map(Self)),
        }
    }

    fn read_from<'de, D: Deserializer<'de>>(name: &str, reader: D) -> Result<Option<Self>, D::Error> {
        Ok(F::read_from(name, reader)?.map(Self))
    }
}

/// How what it cannot read looks to an older build; `None`: it can.
fn unread(data: &[u8]) -> Option<Looks> {
    let named = serde_json::from_slice::<Named>(data).ok()?;
    let number = digest(&[&named.order]);
    let looks = if (number / ONE_IN).is_multiple_of(2) { Looks::Newer } else { Looks::Broken };
    number.is_multiple_of(ONE_IN).then_some(looks)
}
