//! The courier under every fault: its timers early and late, its commands refused, people and customers in between.

use bongsu_testing::saga::{Ending, saga};
use delivery_domain::{
    cancel_delivery::CancelDelivery,
    complete_delivery::CompleteDelivery,
    courier::Courier,
    delivery::{Deliveries, DeliveryRejection},
    events::DeliveryPrepared,
    fail_delivery::FailDelivery,
};

fn id() -> String {
    "o1".into()
}

#[test]
fn a_courier_ends_whoever_moves_the_parcel() {
    let packed = DeliveryPrepared { order: id(), address: "Seoul".into(), items: vec![], at_ms: 0 };
    // A refusal for no reason leaves the parcel where it is: a person has to move it.
    let survived = saga(&Courier::default(), &Deliveries, [packed.into()], DeliveryRejection::NoSuchDelivery)
        .asked(CancelDelivery { order: id() })
        .asked(FailDelivery { order: id(), why: "lost".into() })
        .asked(CompleteDelivery { order: id() })
        .may_wait()
        .goes_every_way();
    assert!(survived.endings[&Ending::Done] > survived.endings[&Ending::Waiting], "{survived:?}");
    assert!(survived.woken > 0, "{survived:?}");
    println!("{survived:?}");
}
