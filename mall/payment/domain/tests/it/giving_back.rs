//! When money is given back.

use bongsu_testing::given::given;
use payment_domain::payment::PaymentRejection;

use crate::words::*;

#[test]
fn what_was_captured_goes_back_when_the_order_ends() {
    given(&PAYMENTS, [intended(), held(), requested(), captured()]).when(end()).on("o1").then([ended(), going_back()]);
}

#[test]
fn where_nothing_was_taken_nothing_goes_back() {
    let before = [
        vec![],
        vec![intended()],
        vec![intended(), held(), forgone()],
        vec![intended(), held(), requested(), declined()],
    ];
    for history in before {
        given(&PAYMENTS, history).when(end()).then([ended()]);
    }
}

#[test]
fn a_capture_that_turns_out_to_have_happened_after_the_end_goes_back_at_once() {
    let history = || [intended(), held(), requested(), ended()];
    given(&PAYMENTS, history()).when(take()).then([captured(), going_back()]);
    given(&PAYMENTS, history()).when(decline()).then([declined()]);
}

#[test]
fn an_end_counts_once() {
    for history in [vec![ended()], vec![intended(), held(), requested(), captured(), ended(), going_back()]] {
        given(&PAYMENTS, history).when(end()).then_rejected(PaymentRejection::AlreadyKnown);
    }
}

#[test]
fn a_refund_is_recorded_once_and_only_when_asked_for() {
    let paid = vec![intended(), held(), requested(), captured()];
    let returning = [paid.clone(), vec![ended(), going_back()]].concat();
    let returned = [returning.clone(), vec![refunded()]].concat();
    given(&PAYMENTS, returning).when(give_back()).on("o1").then([refunded()]);
    given(&PAYMENTS, returned).when(give_back()).then_rejected(PaymentRejection::AlreadyRecorded);
    for history in [vec![], vec![intended()], paid] {
        given(&PAYMENTS, history).when(give_back()).then_rejected(PaymentRejection::NotRequested);
    }
}
