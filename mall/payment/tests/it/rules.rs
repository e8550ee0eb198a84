//! When money is taken, when it is given back, and that it never stays where no order is.

use bongsu_core::{Aggregate, Decider, DecodeError, Extra, Wire};
use bongsu_testing::given::{ctx, each_interleaving, given, policy};
use payment::{OrderCancelled, OrderPlaced, OrderRejected, StockReserved, follow_orders, payment::*};

use crate::words::*;

#[test]
fn nothing_is_captured_before_the_amount_is_known_and_stock_is_held() {
    given(&PAYMENTS, []).when(intend()).on("o1").then([intended()]);
    given(&PAYMENTS, []).when(hold()).on("o1").then([held()]);
}

#[test]
fn the_provider_is_asked_when_both_are_known_whichever_comes_first() {
    given(&PAYMENTS, [intended()]).when(hold()).then([held(), requested()]);
    given(&PAYMENTS, [held()]).when(intend()).then([intended(), requested()]);
}

#[test]
fn nothing_is_captured_after_the_end_nor_in_the_last_moments_before_the_deadline() {
    given(&PAYMENTS, [intended(), ended()]).when(hold()).then([held()]);
    given(&PAYMENTS, [held(), ended()]).when(intend()).then([intended()]);
    given(&PAYMENTS, [ended()]).when(intend()).then([intended()]);
    given(&PAYMENTS, [intended()]).at(28_999).when(hold()).then([held(), requested()]);
    given(&PAYMENTS, [intended()]).at(29_000).when(hold()).then([held(), forgone()]);
    given(&PAYMENTS, [held()]).at(29_000).when(intend()).then([intended(), forgone()]);
}

#[test]
fn what_is_known_is_not_asked_twice_and_an_end_counts_once() {
    let refused = |known: &[PaymentEvent], again: PaymentCommand| {
        given(&PAYMENTS, known).when(again).then_rejected(PaymentRejection::AlreadyKnown);
    };
    refused(&[intended(), held(), requested()], hold());
    refused(&[held(), intended(), requested()], intend());
    refused(&[ended()], end());
    refused(&[intended(), held(), requested(), captured(), ended(), going_back()], end());
}

#[test]
fn the_providers_answer_is_recorded_once_and_only_where_it_was_asked() {
    let asked = vec![intended(), held(), requested()];
    for (answer, recorded) in [(take(), captured()), (decline(), declined())] {
        given(&PAYMENTS, asked.clone()).when(answer).on("o1").then([recorded.clone()]);
        for again in [take(), decline()] {
            let history = [asked.clone(), vec![recorded.clone()]].concat();
            given(&PAYMENTS, history).when(again).then_rejected(PaymentRejection::AlreadyRecorded);
        }
    }
    for history in [vec![], vec![intended()], vec![intended(), held(), forgone()]] {
        given(&PAYMENTS, history).when(take()).then_rejected(PaymentRejection::NotRequested);
    }
}

#[test]
fn what_was_captured_goes_back_when_the_order_ends() {
    given(&PAYMENTS, [intended(), held(), requested(), captured()]).when(end()).on("o1").then([ended(), going_back()]);
}

#[test]
fn where_nothing_was_taken_nothing_goes_back() {
    let refused = vec![intended(), held(), requested(), declined()];
    for history in [vec![], vec![intended()], vec![intended(), held(), forgone()], refused] {
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

/// Decides every command in turn; the provider answers only what it was asked.
fn live(commands: &[&PaymentCommand]) -> (PaymentState, Vec<PaymentEvent>) {
    let mut state = PaymentState::default();
    let mut events = Vec::new();
    for command in commands {
        for event in PAYMENTS.decide(&state, (*command).clone(), &ctx(0)).unwrap_or_default() {
            Payments::evolve(&mut state, &event);
            events.push(event);
        }
    }
    (state, events)
}

fn count(events: &[PaymentEvent], wanted: &PaymentEvent) -> usize {
    events.iter().filter(|event| *event == wanted).count()
}

#[test]
fn an_order_that_ended_keeps_no_money_whatever_came_first() {
    let mut refunds = 0;
    each_interleaving(&[vec![intend(), end()], vec![hold()], vec![take()]], |commands| {
        // The provider may answer late: its answer is repeated at the end, as an activity does.
        let (state, events) = live(&[commands, &[&take(), &give_back()]].concat());
        let kept = matches!(state.charge, Charge::Captured { .. } | Charge::Requested | Charge::RefundRequested { .. });
        assert!(!kept, "{commands:?} leaves {state:?}");
        let (taken, back) = (count(&events, &captured()), count(&events, &refunded()));
        assert!(taken <= 1 && taken == back, "{commands:?}: taken {taken}, given back {back}");
        refunds += back;
    });
    assert!(refunds > 0, "no interleaving captured anything");
}

#[test]
fn an_order_that_stands_is_paid_exactly_once_whatever_came_first() {
    each_interleaving(&[vec![intend()], vec![hold()], vec![take()]], |commands| {
        let (state, events) = live(&[commands, &[&take()]].concat());
        assert_eq!(state.charge, Charge::Captured { capture: "cap".into(), amount: AMOUNT });
        assert_eq!((count(&events, &requested()), count(&events, &captured())), (1, 1));
    });
}

#[test]
fn a_command_that_says_more_than_is_understood_is_refused_at_any_depth() {
    for body in [
        r#"{"order":"o1","outcome":{"outcome":"declined","reason":"no"},"tip":1}"#,
        r#"{"order":"o1","outcome":{"outcome":"declined","reason":"no","tip":1}}"#,
        r#"{"order":"o1","outcome":{"outcome":"captured","capture":"c","amount":{"minor":1,"currency":"KRW"},"tip":1}}"#,
    ] {
        let read = PaymentCommand::read("payment.record-capture", 1, body.as_bytes(), Extra::Refused);
        assert!(matches!(read, Err(DecodeError::Broken { .. })), "{read:?}");
    }
}

#[test]
fn an_order_its_stock_and_both_of_its_ends_are_remembered() {
    let placed = OrderPlaced { order: id(), customer: "ann".into(), amount: AMOUNT, expires_at_ms: 30_000 };
    policy(follow_orders, placed).then([intend()]);
    policy(follow_orders, StockReserved { order: id() }).then([hold()]);
    policy(follow_orders, OrderRejected { order: id() }).then([end()]);
    policy(follow_orders, OrderCancelled { order: id() }).then([end()]);
}
