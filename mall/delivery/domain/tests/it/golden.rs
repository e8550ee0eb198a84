//! What was stored once can be read for ever.

use std::path::Path;

use bongsu_testing::given::contract::golden;
use delivery_domain::{
    cancel_delivery::CancelDelivery,
    complete_delivery::CompleteDelivery,
    delivery::{DeliveryCommand, DeliveryRejection},
    depart::Depart,
    events::*,
    fail_delivery::FailDelivery,
    prepare_delivery::PrepareDelivery,
};

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/golden"))
}

fn order() -> String {
    "o1".into()
}

fn items() -> Vec<Item> {
    vec![Item { sku: "TV".into(), name: "TV".into(), quantity: 2 }]
}

#[test]
fn events_of_deliveries_are_read_for_ever() {
    golden::<DeliveryEvent>(
        folder(),
        &[
            DeliveryPrepared { order: order(), address: "Seoul".into(), items: items(), at_ms: 1 }.into(),
            DeliveryDeparted { order: order(), at_ms: 1 }.into(),
            DeliveryCompleted { order: order(), at_ms: 1 }.into(),
            DeliveryFailed { order: order(), why: "lost".into(), at_ms: 1 }.into(),
            DeliveryCancelled { order: order(), at_ms: 1 }.into(),
        ],
    );
}

#[test]
fn commands_and_rejections_are_read_for_ever() {
    golden::<DeliveryCommand>(
        folder(),
        &[
            PrepareDelivery { order: order(), address: "Seoul".into(), items: items() }.into(),
            Depart { order: order() }.into(),
            CompleteDelivery { order: order() }.into(),
            FailDelivery { order: order(), why: "lost".into() }.into(),
            CancelDelivery { order: order() }.into(),
        ],
    );
    golden(folder(), &[DeliveryRejection::Why { longest: 200 }]);
}
