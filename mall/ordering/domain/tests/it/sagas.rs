//! Both processes under every fault: each fact early, late and twice, each timer at any time, each command refused.

use bongsu_given::saga::{Ending, saga};
use ordering_domain::{cancel_order::CancelOrder, checkout::Checkout, fulfilment::Fulfilment, order::OrderRejection};

use crate::orders::*;

fn cancel() -> CancelOrder {
    CancelOrder { order: "o1".into(), customer: "ann".into() }
}

/// Product and payment may both be down for good: then the deadline ends it.
#[test]
fn a_checkout_ends_whatever_is_said_refused_repeated_or_late() {
    let survived = saga(&Checkout, &orders(), [placed().into()], OrderRejection::NotPending)
        .hears([vec![stock_reserved().into()], vec![stock_rejected().into()], vec![]])
        .hears([vec![captured().into()], vec![declined().into()], vec![]])
        .asked(cancel())
        .goes_every_way();
    assert_eq!(survived.endings.keys().copied().collect::<Vec<_>>(), [Ending::Done], "{survived:?}");
    assert!(survived.ways > 500 && survived.woken > 0, "{survived:?}");
    println!("{survived:?}");
}

/// A fulfilment has no deadline: while delivery is silent, it waits.
#[test]
fn a_fulfilment_ends_whatever_is_said_refused_repeated_or_late() {
    let survived = saga(&Fulfilment, &orders(), [placed().into(), confirmed().into()], OrderRejection::NotConfirmed)
        .hears([
            vec![departed().into(), delivered().into()],
            vec![departed().into(), failed().into()],
            vec![failed().into()],
            vec![delivery_cancelled().into()],
            vec![departed().into()],
            vec![],
        ])
        .asked(cancel())
        .may_wait()
        .goes_every_way();
    assert_eq!(survived.endings.keys().copied().collect::<Vec<_>>(), [Ending::Done, Ending::Waiting], "{survived:?}");
    assert!(survived.ways > 100, "{survived:?}");
    println!("{survived:?}");
}
