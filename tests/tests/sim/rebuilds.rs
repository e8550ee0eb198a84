//! An operator who has read models rebuilt in the midst of everything, and a visitor who must never be shown less.

use std::{collections::BTreeMap, time::Duration};

use bongsu_runtime::{Ended, NotRebuilt, Purpose, Range, ReadModelStatus, Runtime};
use bongsu_sim::Failure;
use mypage::order_history::{OrderHistory, OrderPart, Row};

use crate::world::Mall;

/// Read models that are rebuilt: of other contexts' facts, and of own facts.
const REBUILT: [(&str, &str); 2] = [("mypage", "order-history"), ("ordering", "orders-of-customer")];
/// Every so manieth run has rebuilds.
const EVERY: u64 = 3;

/// Starts both, if this run has rebuilds; whether it has.
pub(crate) fn begin(mall: &Mall) -> bool {
    let mut dice = mall.sim.dice("rebuilds");
    if dice.below(EVERY) > 0 {
        return false;
    }
    for (context, read_model) in REBUILT {
        let (mall, after) = (mall.clone(), Duration::from_millis(5_000 + dice.below(35_000)));
        mall.sim.clone().spawn("operator", async move {
            mall.sim.sleep(after).await;
            start(&mall, context, read_model, Purpose::Rebuild).await;
        });
    }
    let visitor = mall.clone();
    mall.sim.spawn("visitor", async move { visit(&visitor).await });
    true
}

/// I6: at the end the rows shown are, key by key, those folded from the first fact.
pub(crate) async fn check(mall: &Mall) -> Result<(), Failure> {
    for (context, read_model) in REBUILT {
        let generation = start(mall, context, read_model, Purpose::Check).await;
        let status = loop {
            mall.sim.sleep(Duration::from_millis(100)).await;
            match status(mall, context, read_model).await {
                Some(status) if status.filling.as_ref().is_none_or(|it| it.generation != generation) => break status,
                _ => {}
            }
        };
        match status.last {
            Some(Ended::Checked { rows, different: 0, .. }) => mall.sim.check("I6 rebuilt rows", Ok(rows))?,
            other => mall.sim.check("I6 rebuilt rows", Err(format!("{read_model}: {other:?}")))?,
        }
    }
    Ok(())
}

/// What is still to be done of rebuilds in a store.
pub(crate) fn left(mall: &Mall) -> Option<String> {
    let mut docs = mall.stores.values().flat_map(|store| store.docs_of("rebuild"));
    let open = docs.find(|doc| {
        let state: serde_json::Value = serde_json::from_slice(&doc.data).unwrap_or_default();
        !state["filling"].is_null() || !state["drop"].is_null()
    });
    open.map(|doc| format!("a rebuild of {}", doc.key.id))
}

/// Asks until it is known to be under way; the newest generation.
async fn start(mall: &Mall, context: &'static str, read_model: &'static str, purpose: Purpose) -> u64 {
    loop {
        let node = mall.node(context, 0);
        let asked = node.ask("rebuild", move |runtime: std::sync::Arc<Runtime>| async move {
            runtime.handle().operator().rebuild(read_model, purpose).await
        });
        match mall.sim.timeout(Duration::from_secs(5), asked).await {
            Some(Ok(Ok(generation) | Err(NotRebuilt::Running { generation }))) => return generation,
            Some(Ok(Err(unknown @ NotRebuilt::Unknown(_)))) => mall.sim.fail(unknown.to_string()),
            _ => mall.sim.sleep(Duration::from_millis(500)).await,
        }
    }
}

async fn status(mall: &Mall, context: &'static str, read_model: &'static str) -> Option<ReadModelStatus> {
    let node = mall.node(context, 0);
    let asked = node.ask("projections", move |runtime: std::sync::Arc<Runtime>| async move {
        runtime.handle().operator().read_models().await
    });
    let all = mall.sim.timeout(Duration::from_secs(5), asked).await?.ok()?.ok()?;
    all.into_iter().find(|status| status.name == read_model)
}

/// Looks at every order again and again: what was heard of one is never forgotten.
async fn visit(mall: &Mall) {
    let mut before: BTreeMap<String, usize> = BTreeMap::new();
    loop {
        // Often while one read model takes the other's place.
        let pause = if left(mall).is_some() { 500 } else { 2_000 };
        mall.sim.sleep(Duration::from_millis(pause)).await;
        let range = Range { limit: 1_000, ..Range::default() };
        let node = mall.node("mypage", 0);
        let asked = node.ask("visit", move |runtime: std::sync::Arc<Runtime>| async move {
            runtime.handle().rows::<OrderHistory>(range).await
        });
        let Some(Ok(Ok(page))) = mall.sim.timeout(Duration::from_secs(5), asked).await else { continue };
        let now: BTreeMap<String, usize> = page.rows.iter().map(|(order, row)| (order.clone(), heard(row))).collect();
        let less = before.iter().find(|(order, heard)| now.get(*order).is_none_or(|now| now < heard));
        if let Some((order, heard)) = less {
            mall.sim.fail(format!("I6: {order} was shown with {heard} parts, then with {:?}", now.get(order)));
            return;
        }
        before = now;
    }
}

/// How many contexts were heard of an order.
fn heard(row: &Row) -> usize {
    let parts = [
        row.placed.is_some(),
        row.ordering != OrderPart::Unheard,
        row.why.is_some(),
        row.cancellation.is_some(),
        row.stock.is_some(),
        row.payment.is_some(),
        row.delivery.is_some(),
    ];
    parts.into_iter().filter(|heard| *heard).count()
}
