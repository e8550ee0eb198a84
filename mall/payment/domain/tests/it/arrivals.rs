//! Ordering, product and the provider speak in any order: money never stays where no order is.

use bongsu_core::{Aggregate, Decider};
use bongsu_testing::given::{ctx, each_interleaving};
use payment_domain::{
    events::PaymentEvent,
    payment::{Charge, PaymentCommand, PaymentState, Payments},
};

use crate::words::*;

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
