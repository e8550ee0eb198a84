//! Parcels follow the order's life: packed when it is confirmed, kept back when the customer asks in time.

use bongsu_core::{Ctx, Policy, version, wire};
use delivery_domain::{
    cancel_delivery::CancelDelivery, delivery::DeliveryCommand, events::Item, prepare_delivery::PrepareDelivery,
};
use serde::{Deserialize, Serialize};

/// Stock is held and money is taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderConfirmed {
    /// Which order.
    pub order: String,
    /// What goes into the parcel.
    pub lines: Vec<Item>,
    /// Where it goes.
    pub address: String,
}
version!(OrderConfirmed, "ordering.order-confirmed", 1);

/// The customer wants it back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CancellationRequested {
    /// Which order.
    pub order: String,
}
version!(CancellationRequested, "ordering.cancellation-requested", 1);

wire! {
    /// What delivery hears of orders.
    pub enum OrderFact {
        Confirmed(OrderConfirmed),
        CancellationRequested(CancellationRequested),
    }
}

/// Packs, and keeps back what has not left. A parcel that has left stays on its way: its own fact says so.
pub struct FollowOrders;

impl Policy for FollowOrders {
    const NAME: &'static str = "follow-orders";
    type Fact = OrderFact;
    type Command = DeliveryCommand;

    fn react(&self, fact: &OrderFact, _: &Ctx) -> Vec<DeliveryCommand> {
        vec![match fact.clone() {
            OrderFact::Confirmed(OrderConfirmed { order, lines, address }) => {
                PrepareDelivery { order, address, items: lines }.into()
            }
            OrderFact::CancellationRequested(CancellationRequested { order }) => CancelDelivery { order }.into(),
        }]
    }
}
