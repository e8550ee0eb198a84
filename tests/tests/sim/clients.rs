//! Customers: they order, sometimes twice with one key, and sometimes change their mind.

use std::{sync::PoisonError, time::Duration};

use bongsu_core::{CommandId, Ctx, Wire};
use bongsu_runtime::{Answer, Call, CommandError, Once, Outcome, Reply, Runtime};
use money::Money;
use ordering_domain::{
    cancel_order::CancelOrder,
    events::Method,
    order::OrderCommand,
    place_order::{PlaceOrder, WantedLine},
    price_list::Offer,
};
use product_domain::{receive_stock::ReceiveStock, stock::StockCommand};
use system_tests::evidence::{Heard, Op};

use crate::world::Mall;

/// What is on sale, and how many of each: few enough to run out.
pub(crate) const GOODS: [(&str, u32); 3] = [("TV", 60), ("MASK", 150), ("NOTEBOOK", 375)];

/// Goods come in: the same once-key until it is known to have worked.
pub(crate) async fn stock_up(mall: &Mall) {
    for (sku, quantity) in GOODS {
        let receive = StockCommand::from(ReceiveStock { sku: sku.into(), quantity });
        persist(mall, "product", &format!("receive {sku}"), receive).await;
    }
}

/// One customer places one order, and asks again with the same key while it hears nothing.
pub(crate) async fn order(mall: &Mall, number: u64) {
    let mut dice = mall.sim.dice(&format!("order {number}"));
    let key = format!("order {number}");
    let lines = (0..=dice.below(2)).map(|_| wanted(&mut dice)).collect();
    let (customer, address) = (format!("customer {}", number % 7), "서울시 12번가".to_owned());
    let command = OrderCommand::from(PlaceOrder { customer: customer.clone(), lines, address, method: Method::Card });
    let id = call(mall, &key, &command).ctx.id("ord", 0);
    let (mut heard, mut first) = (Heard::Nothing, None);
    for _ in 0..1 + dice.below(4) {
        if let Some(Ok(answer)) = ask(mall, "ordering", &key, command.clone()).await {
            heard = if answer.reply.status < 300 { Heard::Accepted } else { Heard::Refused };
            let first = first.get_or_insert_with(|| answer.reply.clone());
            if *first != answer.reply {
                mall.sim.fail(format!("I13 one key, two answers: {key} was told {first:?}, then {:?}", answer.reply));
            }
        }
        if heard != Heard::Nothing && dice.below(4) > 0 {
            break;
        }
        mall.sim.sleep(Duration::from_millis(dice.below(2_000))).await;
    }
    mall.history.lock().unwrap_or_else(PoisonError::into_inner).push(Op { order: id.clone(), heard });
    if dice.below(3) == 0 {
        mall.sim.sleep(Duration::from_millis(dice.below(6_000))).await;
        let cancel = OrderCommand::from(CancelOrder { order: id, customer });
        ask(mall, "ordering", &format!("cancel {number}"), cancel).await;
    }
}

fn wanted(dice: &mut bongsu_testing::sim::Dice) -> WantedLine {
    let (sku, _) = GOODS[dice.below(3) as usize];
    let quantity = if dice.below(12) == 0 { 100 } else { 1 + dice.below(2) as u32 };
    let offer = Offer { name: sku.into(), price: Money::krw(1_000), past: Vec::new(), retired: false };
    WantedLine { sku: sku.into(), quantity, seen_minor: None, offer: Some(offer) }
}

async fn persist<C: Wire + Clone + Send + Sync + 'static>(mall: &Mall, context: &'static str, key: &str, command: C) {
    while !matches!(ask(mall, context, key, command.clone()).await, Some(Ok(_))) {
        mall.sim.sleep(Duration::from_millis(100)).await;
    }
}

/// Asks once; `None` when no answer came.
async fn ask<C: Wire + Send + Sync + 'static>(
    mall: &Mall,
    context: &'static str,
    key: &str,
    command: C,
) -> Option<Result<Answer, CommandError>> {
    let call = call(mall, key, &command);
    let node = mall.nodes[context].clone();
    let asked = node.ask("request", move |runtime: std::sync::Arc<Runtime>| async move {
        runtime.handle().execute(&command, &call, &reply).await
    });
    mall.sim.timeout(Duration::from_secs(5), asked).await?.ok()
}

fn call<C: Wire>(mall: &Mall, key: &str, command: &C) -> Call {
    use bongsu_runtime::ports::env::Env as _;
    let id = CommandId::from_parts(&["client", key]);
    let body = format!("{:032x}", bongsu_core::digest(&[&String::from_utf8_lossy(&command.encode())]));
    let once = Some(Once { key: id.to_string(), body });
    Call { ctx: Ctx::new(mall.sim.env().wall_ms(), id, "client"), once }
}

fn reply(outcome: &Outcome<'_>) -> Reply {
    let (status, body) = match outcome {
        Outcome::Accepted { token, .. } => (202, token.to_string()),
        Outcome::Rejected { name, .. } => (409, (*name).to_owned()),
    };
    Reply { status, headers: Vec::new(), body: body.into() }
}
