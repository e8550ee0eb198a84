//! Customers who fill a cart first. The cart is shared by everybody of a name, so that it also changes under them.

use std::{sync::Arc, time::Duration};

use bongsu_runtime::Runtime;
use bongsu_sim::Dice;
use ordering_domain::{
    add_item::AddItem,
    cart::{CartState, Carts},
    check_out::CheckOut,
    ids::{CustomerId, Sku},
    place_order::{PlaceOrder, WantedLine},
};

use crate::{
    clients::{ask, offer},
    world::Mall,
};

/// Puts everything wanted into the cart, looks at it, and asks for what it holds then.
pub(crate) async fn by_cart(mall: &Mall, dice: &mut Dice, key: &str, place: PlaceOrder) -> CheckOut {
    let PlaceOrder { customer, lines, address, method } = place;
    for (number, line) in lines.into_iter().enumerate() {
        let WantedLine { sku, quantity, offer, .. } = line;
        let add = AddItem { customer: customer.clone(), sku, quantity, offer };
        ask(mall, ("ordering", dice.bits()), &format!("{key}, item {number}"), add).await;
    }
    let cart = look(mall, dice.bits(), customer.clone()).await.unwrap_or_default();
    let wanted =
        |sku: &Sku, quantity| WantedLine { sku: sku.clone(), quantity, seen_minor: None, offer: Some(offer(sku)) };
    let lines = cart.lines().iter().map(|line| wanted(&line.sku, line.quantity)).collect();
    CheckOut { customer, lines, address, method, seen: None }
}

async fn look(mall: &Mall, turn: u64, customer: CustomerId) -> Option<CartState> {
    let node = mall.node("ordering", turn);
    let looked = node.ask("look", move |runtime: Arc<Runtime>| async move {
        runtime.handle().load::<Carts>(&customer).await.map(|(cart, _)| cart)
    });
    mall.sim.timeout(Duration::from_secs(5), looked).await?.ok()?.ok()
}
