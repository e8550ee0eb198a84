//! What was stored once can be read for ever.

use std::path::Path;

use bongsu_given::contract::golden;
use money::Money;
use product_domain::{
    adjust_stock::AdjustStock,
    commit_stock::CommitStock,
    events::*,
    receive_stock::ReceiveStock,
    release_stock::ReleaseStock,
    reservation::ReservationRejection,
    reserve_stock::ReserveStock,
    stock::{StockCommand, StockRejection},
};

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/golden"))
}

fn order() -> String {
    "ord_1".into()
}

fn lines() -> Vec<Line> {
    vec![Line { sku: "TV".into(), quantity: 2 }]
}

#[test]
fn events_of_products_and_stock_are_read_for_ever() {
    let (sku, name, price) = (|| "TV".to_owned(), || "TV".to_owned(), Money::krw(10_000));
    golden::<ProductEvent>(
        folder(),
        &[
            ProductRegistered { sku: sku(), name: name(), price, at_ms: 1 }.into(),
            ProductChanged { sku: sku(), name: name(), price, at_ms: 1 }.into(),
            ProductRetired { sku: sku(), at_ms: 1 }.into(),
        ],
    );
    golden::<StockEvent>(
        folder(),
        &[
            StockReceived { quantity: 10 }.into(),
            StockAdjusted { by: -3 }.into(),
            StockReserved { order: order(), quantity: 2 }.into(),
            StockReleased { order: order(), quantity: 2 }.into(),
            StockCommitted { order: order(), quantity: 2 }.into(),
        ],
    );
}

#[test]
fn events_of_reservations_are_read_for_ever() {
    let short = vec![Shortage { sku: "TV".into(), asked: 100, available: 10 }];
    golden::<ReservationEvent>(
        folder(),
        &[
            ReservationHeld { lines: lines() }.into(),
            ReservationRejected { short }.into(),
            ReservationReleased { lines: lines() }.into(),
            ReservationCommitted { lines: lines() }.into(),
            ReservationClosed {}.into(),
        ],
    );
}

#[test]
fn commands_and_rejections_are_read_for_ever() {
    let receive = ReceiveStock { sku: "TV".into(), quantity: 10 };
    let adjust = AdjustStock { sku: "TV".into(), by: -3 };
    golden::<StockCommand>(folder(), &[receive.into(), adjust.into()]);
    golden(folder(), &[ReserveStock { order: order(), lines: lines() }]);
    golden(folder(), &[ReleaseStock { order: order() }]);
    golden(folder(), &[CommitStock { order: order() }]);
    golden(folder(), &[StockRejection::BelowReserved { reserved: 4 }]);
    golden(folder(), &[ReservationRejection::OrderEnded]);
}
