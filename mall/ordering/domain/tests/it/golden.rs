//! What was stored once can be read for ever.

use std::path::Path;

use bongsu_given::contract::golden;
use money::Money;
use ordering_domain::{
    add_item::AddItem,
    cancel_order::CancelOrder,
    cancel_undelivered::CancelUndelivered,
    cart::{CartCommand, CartRejection},
    cart_events::*,
    change_quantity::ChangeQuantity,
    check_out::CheckOut,
    complete_order::CompleteOrder,
    confirm_order::ConfirmOrder,
    create_cart::CreateCart,
    events::{CancelledWhy, Method, OrderEvent, OrderRejected, RejectedWhy},
    order::{OrderCommand, OrderRejection},
    place_order::{PlaceOrder, WantedLine},
    price_list::{Offer, PastPrice},
    refuse_cancellation::RefuseCancellation,
    reject_order::RejectOrder,
    remove_item::RemoveItem,
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

#[test]
fn everything_of_carts_is_read_for_ever() {
    let (cart, sku, customer) = (|| "crt_1".to_owned(), || "TV".to_owned(), || "ann".to_owned());
    golden::<CartEvent>(
        folder(),
        &[
            CartCreated { cart: cart(), at_ms: 1 }.into(),
            ItemAdded { sku: sku(), quantity: 2, at_ms: 2 }.into(),
            QuantityChanged { sku: sku(), quantity: 3, at_ms: 3 }.into(),
            ItemRemoved { sku: sku(), at_ms: 4 }.into(),
            CartCheckedOut { cart: cart(), order: id(), at_ms: 5 }.into(),
        ],
    );
    golden::<CartCommand>(
        folder(),
        &[
            CreateCart { customer: customer() }.into(),
            AddItem { customer: customer(), sku: sku(), quantity: 2, offer: Some(offer(10_000)) }.into(),
            ChangeQuantity { customer: customer(), sku: sku(), quantity: 3, seen: None }.into(),
            RemoveItem { customer: customer(), sku: sku(), seen: None }.into(),
        ],
    );
    let lines = vec![wanted(2, Some(offer(10_000)))];
    golden(folder(), &[CheckOut { customer: customer(), lines, address: "Seoul".into(), method: Method::Card }]);
    golden(folder(), &[CartRejection::Full { most: 50 }]);
}
