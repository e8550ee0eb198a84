//! What was stored once can be read for ever.

use std::path::Path;

use bongsu_testing::given::contract::golden;
use payment_domain::{
    events::PaymentEvent,
    payment::{PaymentCommand, PaymentRejection},
};

use crate::words::*;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/golden"))
}

#[test]
fn events_of_payments_are_read_for_ever() {
    let first = [intended(), held(), requested(), forgone(), ended()];
    let then = [captured(), declined(), going_back(), refunded()];
    golden::<PaymentEvent>(folder(), &[first.to_vec(), then.to_vec()].concat());
}

#[test]
fn commands_and_rejections_are_read_for_ever() {
    golden::<PaymentCommand>(folder(), &[intend(), hold(), end(), take(), give_back()]);
    golden(folder(), &[PaymentRejection::AlreadyKnown]);
}
