//! What was stored once can be read for ever.

use std::path::Path;

use bongsu_testing::given::contract::golden;
use money::Money;
use ordering_domain::{
    cancel_order::CancelOrder,
    cancel_undelivered::CancelUndelivered,
    complete_order::CompleteOrder,
    confirm_order::ConfirmOrder,
    events::{CancelledWhy, OrderEvent, OrderRejected, RejectedWhy},
    order::{OrderCommand, OrderRejection},
    place_order::{PlaceOrder, WantedLine},
    price_list::{Offer, PastPrice},
    refuse_cancellation::RefuseCancellation,
    reject_order::RejectOrder,
};

use crate::orders::*;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/golden"))
}

fn id() -> String {
    "o1".into()
}

#[test]
fn events_of_orders_are_read_for_ever() {
    golden::<OrderEvent>(
        folder(),
        &[
            placed().into(),
            confirmed().into(),
            OrderRejected { short: vec![shortage()], ..rejected(RejectedWhy::OutOfStock) }.into(),
            requested().into(),
            refused().into(),
            cancelled(CancelledWhy::DeliveryFailed).into(),
            completed().into(),
        ],
    );
}

#[test]
fn commands_and_rejections_are_read_for_ever() {
    let past = vec![PastPrice { price: Money::krw(9_000), until_ms: 1 }];
    let offer = Offer { past, ..offer(10_000) };
    let lines = vec![WantedLine { seen_minor: Some(9_000), ..wanted(2, Some(offer)) }];
    golden::<OrderCommand>(
        folder(),
        &[
            PlaceOrder { lines, ..place(vec![]) }.into(),
            ConfirmOrder { order: id() }.into(),
            RejectOrder { order: id(), why: RejectedWhy::OutOfStock, short: vec![shortage()] }.into(),
            CancelOrder { order: id(), customer: "ann".into() }.into(),
            RefuseCancellation { order: id() }.into(),
            CancelUndelivered { order: id(), why: CancelledWhy::Customer }.into(),
            CompleteOrder { order: id() }.into(),
        ],
    );
    golden(folder(), &[OrderRejection::PriceChanged { line: 0, sku: "TV".into(), price: Money::krw(10_000) }]);
}
