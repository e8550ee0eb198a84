//! Receiving and counting.

use bongsu_given::given;
use product_domain::{
    adjust_stock::AdjustStock,
    events::{StockAdjusted, StockReceived, StockReserved},
    receive_stock::ReceiveStock,
    stock::{MOST_ON_HAND, Stock, StockRejection},
};

fn receive(quantity: u32) -> ReceiveStock {
    ReceiveStock { sku: "TV".into(), quantity }
}

fn adjust(by: i64) -> AdjustStock {
    AdjustStock { sku: "TV".into(), by }
}

fn received(quantity: u32) -> product_domain::events::StockEvent {
    StockReceived { quantity }.into()
}

fn reserved(quantity: u64) -> product_domain::events::StockEvent {
    StockReserved { order: "o1".into(), quantity }.into()
}

#[test]
fn goods_that_come_in_are_on_hand() {
    given(&Stock, []).when(receive(10)).on("TV").then([received(10)]);
    assert_eq!(given(&Stock, [received(10), received(5)]).state().on_hand, 15);
}

#[test]
fn a_receipt_of_nothing_is_refused() {
    given(&Stock, []).when(receive(0)).then_rejected(StockRejection::NothingReceived);
}

#[test]
fn a_shelf_holds_only_so_much() {
    let too_much = || StockRejection::TooMuch { most: MOST_ON_HAND };
    given(&Stock, [received(1_000_000_000)]).when(receive(1)).then_rejected(too_much());
    given(&Stock, [received(999_999_999)]).when(receive(1)).then([received(1)]);
    given(&Stock, [received(1)]).when(adjust(i64::MAX)).then_rejected(too_much());
}

#[test]
fn a_count_corrects_the_books_both_ways() {
    given(&Stock, [received(10)]).when(adjust(-3)).on("TV").then([StockAdjusted { by: -3 }.into()]);
    given(&Stock, [received(10)]).when(adjust(3)).then([StockAdjusted { by: 3 }.into()]);
}

#[test]
fn a_count_cannot_take_what_orders_hold() {
    let held = || [received(10), reserved(4)];
    given(&Stock, held()).when(adjust(-6)).then([StockAdjusted { by: -6 }.into()]);
    given(&Stock, held()).when(adjust(-7)).then_rejected(StockRejection::BelowReserved { reserved: 4 });
    given(&Stock, held()).when(adjust(i64::MIN)).then_rejected(StockRejection::BelowReserved { reserved: 4 });
}

#[test]
fn what_orders_hold_is_not_available() {
    let stock = given(&Stock, [received(10), reserved(4)]);
    assert_eq!((stock.state().on_hand, stock.state().reserved, stock.state().available()), (10, 4, 6));
}
