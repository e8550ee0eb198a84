//! Customers: they order, sometimes twice with one key, and sometimes change their mind.

use std::{sync::PoisonError, time::Duration};

use bongsu_core::{CommandId, Ctx, Messages, Wire};
use bongsu_runtime::{Answer, Call, CommandError, Once, Outcome, Reply, Runtime};
use bongsu_sim::Dice;
use bytes::Bytes;
use money::Money;
use ordering_domain::{
    cancel_order::CancelOrder,
    check_out::CheckOut,
    events::Method,
    ids::CustomerId,
    order::OrderCommand,
    place_order::{PlaceOrder, WantedLine},
    price_list::Offer,
};
use product_domain::{receive_stock::ReceiveStock, stock::StockCommand};
use system_tests::evidence::{Heard, Op};

use crate::{carts::by_cart, world::Mall};

/// What is on sale, and how many of each: few enough to run out.
pub(crate) const GOODS: [(&str, u32); 3] = [("TV", 120), ("MASK", 300), ("NOTEBOOK", 750)];

/// How somebody orders.
#[derive(Clone, Debug, PartialEq, Messages)]
pub(crate) enum Wish {
    Place(PlaceOrder),
    CheckOut(CheckOut),
}

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
    let (customer, address) = (CustomerId::from(format!("customer {}", number % 7)), "서울시 12번가".to_owned());
    let order = PlaceOrder { customer: customer.clone(), lines, address, method: Method::Card };
    let wish = match dice.below(8) {
        0 => Wish::from(by_cart(mall, &mut dice, &key, order.clone()).await),
        _ => order.clone().into(),
    };
    let id = id_of(mall, &key, &wish);
    let answers = insist(mall, &mut dice, &key, &wish).await;
    let heard = match answers.first() {
        None => Heard::Nothing,
        Some((status, _)) if *status < 300 => Heard::Accepted,
        Some(_) => Heard::Refused,
    };
    mall.history.lock().unwrap_or_else(PoisonError::into_inner).push(Op { order: id.clone(), heard, answers });
    if heard != Heard::Nothing && dice.below(16) == 0 {
        reuse_the_key(mall, &mut dice, &key, order).await;
    }
    if dice.below(3) == 0 {
        mall.sim.sleep(Duration::from_millis(dice.below(6_000))).await;
        let cancel = OrderCommand::from(CancelOrder { order: id.into(), customer });
        ask(mall, ("ordering", dice.bits()), &format!("cancel {number}"), cancel).await;
    }
}

/// Asks a few times, now and then twice at once, and sometimes again after an answer; every answer heard.
async fn insist(mall: &Mall, dice: &mut Dice, key: &str, wish: &Wish) -> Vec<(u16, Bytes)> {
    let mut answers = Vec::new();
    for _ in 0..1 + dice.below(4) {
        let once = |turn| ask(mall, ("ordering", turn), key, wish.clone());
        let heard = match dice.below(8) {
            0 => <[Asked; 2]>::from(futures::future::join(once(dice.bits()), once(dice.bits())).await).to_vec(),
            _ => vec![once(dice.bits()).await],
        };
        let heard = heard.into_iter().filter_map(|asked| asked?.ok());
        answers.extend(heard.map(|answer| (answer.reply.status, answer.reply.body)));
        if !answers.is_empty() && dice.below(4) > 0 {
            break;
        }
        mall.sim.sleep(Duration::from_millis(dice.below(2_000))).await;
    }
    answers
}

/// Another order under a key that was used: refused, and without effect.
async fn reuse_the_key(mall: &Mall, dice: &mut Dice, key: &str, order: PlaceOrder) {
    let other = OrderCommand::from(PlaceOrder { address: "somewhere else".into(), ..order });
    if let Some(Ok(answer)) = ask(mall, ("ordering", dice.bits()), key, other).await {
        mall.sim.fail(format!("I12: {key} was used for another order and answered {answer:?}"));
    }
}

fn wanted(dice: &mut Dice) -> WantedLine {
    let (sku, _) = GOODS[dice.below(3) as usize];
    let quantity = if dice.below(12) == 0 { 100 } else { 1 + dice.below(2) as u32 };
    WantedLine { sku: sku.into(), quantity, seen_minor: None, offer: Some(offer(sku)) }
}

/// What a price list would say of these goods.
pub(crate) fn offer(sku: &str) -> Offer {
    Offer { name: sku.into(), price: Money::krw(1_000), past: Vec::new(), retired: false }
}

/// The id an order has if it is placed under this key.
pub(crate) fn id_of(mall: &Mall, key: &str, order: &impl Wire) -> String {
    call(mall, key, order).ctx.id("ord", 0)
}

async fn persist<C: Wire + Clone + Send + Sync + 'static>(mall: &Mall, context: &'static str, key: &str, command: C) {
    while !matches!(ask(mall, (context, 0), key, command.clone()).await, Some(Ok(_))) {
        mall.sim.sleep(Duration::from_millis(100)).await;
    }
}

/// What came of a question; `None` when no answer came.
pub(crate) type Asked = Option<Result<Answer, CommandError>>;

/// Asks one instance of a context, whosever turn it is, once.
pub(crate) async fn ask<C: Wire + Send + Sync + 'static>(
    mall: &Mall,
    (context, turn): (&'static str, u64),
    key: &str,
    command: C,
) -> Asked {
    let call = call(mall, key, &command);
    let node = mall.node(context, turn);
    let asked = node.ask("request", move |runtime: std::sync::Arc<Runtime>| async move {
        runtime.handle().execute_any(&command, &call, &reply).await
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
        Outcome::Rejected(why) => (409, why.name.clone()),
    };
    Reply { status, headers: Vec::new(), body: body.into() }
}
