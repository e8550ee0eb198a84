//! When money is taken.

use bongsu_testing::given::given;
use payment_domain::payment::PaymentRejection;

use crate::words::*;

#[test]
fn nothing_is_captured_before_stock_is_held() {
    given(&PAYMENTS, []).when(intend()).on("o1").then([intended()]);
}

#[test]
fn nothing_is_captured_before_the_amount_is_known() {
    given(&PAYMENTS, []).when(hold()).on("o1").then([held()]);
}

#[test]
fn the_provider_is_asked_when_both_are_known_whichever_comes_first() {
    given(&PAYMENTS, [intended()]).when(hold()).then([held(), requested()]);
    given(&PAYMENTS, [held()]).when(intend()).then([intended(), requested()]);
}

#[test]
fn nothing_is_captured_after_the_end() {
    given(&PAYMENTS, [intended(), ended()]).when(hold()).then([held()]);
    given(&PAYMENTS, [held(), ended()]).when(intend()).then([intended()]);
    given(&PAYMENTS, [ended()]).when(intend()).then([intended()]);
}

#[test]
fn in_the_last_moments_before_the_deadline_nothing_is_captured() {
    given(&PAYMENTS, [intended()]).at(28_999).when(hold()).then([held(), requested()]);
    given(&PAYMENTS, [intended()]).at(29_000).when(hold()).then([held(), forgone()]);
    given(&PAYMENTS, [held()]).at(29_000).when(intend()).then([intended(), forgone()]);
}

#[test]
fn what_is_known_is_not_asked_twice() {
    given(&PAYMENTS, [intended(), held(), requested()]).when(hold()).then_rejected(PaymentRejection::AlreadyKnown);
    given(&PAYMENTS, [held(), intended(), requested()]).when(intend()).then_rejected(PaymentRejection::AlreadyKnown);
}

#[test]
fn the_providers_answer_is_recorded() {
    given(&PAYMENTS, [intended(), held(), requested()]).when(take()).on("o1").then([captured()]);
    given(&PAYMENTS, [intended(), held(), requested()]).when(decline()).on("o1").then([declined()]);
}

#[test]
fn the_providers_answer_is_recorded_only_once() {
    for answer in [captured(), declined()] {
        let history = [intended(), held(), requested(), answer];
        given(&PAYMENTS, history.clone()).when(take()).then_rejected(PaymentRejection::AlreadyRecorded);
        given(&PAYMENTS, history).when(decline()).then_rejected(PaymentRejection::AlreadyRecorded);
    }
}

#[test]
fn an_answer_to_a_question_never_asked_is_refused() {
    for history in [vec![], vec![intended()], vec![intended(), held(), forgone()]] {
        given(&PAYMENTS, history).when(take()).then_rejected(PaymentRejection::NotRequested);
    }
}
