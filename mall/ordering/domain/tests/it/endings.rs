//! The order with both its processes, as they live together: whatever the others say, in every order, and
//! whenever the customer and the clock step in, an order ends once and for a reason it was given.

use bongsu_core::{Decider, Wire};
use bongsu_given::{Running, ctx, each_interleaving, process};
use ordering_domain::{
    cancel_order::CancelOrder,
    checkout::{Checkout, CheckoutHeard, DEADLINE},
    events::{CancelledWhy, OrderEvent, RejectedWhy},
    fulfilment::{Fulfilment, FulfilmentHeard},
    order::{Cancellation, OrderCommand, OrderState, Orders, Phase},
};

use crate::orders::*;

/// What comes from outside the context.
#[derive(Clone, Debug)]
enum Outside {
    Checkout(CheckoutHeard),
    Fulfilment(FulfilmentHeard),
    Cancel,
    Deadline,
}

/// One order, its processes, and every event it had.
struct Context {
    orders: Orders,
    state: OrderState,
    events: Vec<OrderEvent>,
    checkout: Option<Running<'static, Checkout>>,
    fulfilment: Option<Running<'static, Fulfilment>>,
    done: (usize, usize),
}

fn from_product(fact: impl Into<CheckoutHeard>) -> Outside {
    Outside::Checkout(fact.into())
}

fn from_delivery(fact: impl Into<FulfilmentHeard>) -> Outside {
    Outside::Fulfilment(fact.into())
}

impl Context {
    fn placed() -> Self {
        let mut context = Self {
            orders: orders(),
            state: OrderState::default(),
            events: vec![],
            checkout: Some(process(&Checkout)),
            fulfilment: Some(process(&Fulfilment)),
            done: (0, 0),
        };
        context.append(placed().into());
        context
    }

    fn takes(&mut self, outside: &Outside) {
        match outside.clone() {
            Outside::Checkout(fact) => self.checkout = self.checkout.take().map(|running| running.hears(fact)),
            Outside::Fulfilment(fact) => self.fulfilment = self.fulfilment.take().map(|running| running.hears(fact)),
            Outside::Cancel => self.decide(CancelOrder { order: "o1".into(), customer: "ann".into() }.into()),
            Outside::Deadline => {
                let armed = |running: &Running<'_, Checkout>| running.end().timers.contains_key(DEADLINE);
                self.checkout = self.checkout.take().map(|it| if armed(&it) { it.wakes(DEADLINE) } else { it });
            }
        }
        self.carry_out();
    }

    /// Decides what the processes asked for, until they ask for nothing more.
    fn carry_out(&mut self) {
        loop {
            let checkout = self.checkout.as_ref().and_then(|it| it.end().sent.get(self.done.0).cloned());
            let fulfilment = self.fulfilment.as_ref().and_then(|it| it.end().sent.get(self.done.1).cloned());
            if let Some(command) = checkout {
                self.done.0 += 1;
                self.decide(over_the_wire(&command));
            } else if let Some(command) = fulfilment {
                self.done.1 += 1;
                self.decide(over_the_wire(&command));
            } else {
                return;
            }
        }
    }

    fn decide(&mut self, command: OrderCommand) {
        if let Ok(events) = self.orders.decide(&self.state, command, &ctx(0)) {
            events.into_iter().for_each(|event| self.append(event));
        }
    }

    fn append(&mut self, event: OrderEvent) {
        <Orders as bongsu_core::Aggregate>::evolve(&mut self.state, &event);
        let (name, schema) = event.name();
        let bytes = event.encode();
        if let Some(own) = CheckoutHeard::decode(name, schema, &bytes).expect("it was just encoded") {
            self.checkout = self.checkout.take().map(|running| running.hears(own));
        }
        if let Some(own) = FulfilmentHeard::decode(name, schema, &bytes).expect("it was just encoded") {
            self.fulfilment = self.fulfilment.take().map(|running| running.hears(own));
        }
        self.events.push(event);
    }

    fn ends(&self) -> usize {
        let is_end = |event: &&OrderEvent| {
            matches!(event, OrderEvent::Rejected(_) | OrderEvent::Cancelled(_) | OrderEvent::Completed(_))
        };
        self.events.iter().filter(is_end).count()
    }
}

fn over_the_wire(command: &impl Wire) -> OrderCommand {
    let (name, schema) = command.name();
    let decoded = OrderCommand::decode(name, schema, &command.encode()).expect("it was just encoded");
    decoded.expect("the order knows what its processes ask")
}

/// The phases in which an order can end up over every interleaving.
fn phases(sequences: &[Vec<Outside>]) -> Vec<Phase> {
    let mut phases: Vec<Phase> = Vec::new();
    each_interleaving(sequences, |sequence| {
        let mut context = Context::placed();
        sequence.iter().for_each(|outside| context.takes(outside));
        assert!(context.ends() <= 1, "{sequence:?} ends more than once: {:?}", context.events);
        if !phases.contains(&context.state.phase) {
            phases.push(context.state.phase);
        }
    });
    phases
}

fn rejected_for(why: RejectedWhy) -> Phase {
    let short = if why == RejectedWhy::OutOfStock { vec![shortage()] } else { vec![] };
    Phase::Rejected { why, short }
}

fn stands(cancellation: Cancellation) -> Phase {
    Phase::Confirmed { cancellation }
}

#[test]
fn stock_and_payment_confirm() {
    let sequences = [vec![from_product(stock_reserved())], vec![from_product(captured())]];
    assert_eq!(phases(&sequences), [stands(Cancellation::None)]);
}

#[test]
fn short_of_stock_ends_rejected_even_at_the_last_moment() {
    let phases = phases(&[vec![from_product(stock_rejected())], vec![Outside::Deadline]]);
    assert_eq!(phases, [rejected_for(RejectedWhy::OutOfStock), rejected_for(RejectedWhy::Deadline)]);
}

#[test]
fn a_declined_payment_ends_rejected() {
    let sequences = [vec![from_product(stock_reserved())], vec![from_product(declined())]];
    assert_eq!(phases(&sequences), [rejected_for(RejectedWhy::PaymentDeclined)]);
}

#[test]
fn a_pending_order_races_with_clock_and_customer_and_ends_one_way() {
    let sequences = [
        vec![from_product(stock_reserved())],
        vec![from_product(captured())],
        vec![Outside::Deadline],
        vec![Outside::Cancel],
    ];
    let found = phases(&sequences);
    let possible = [
        stands(Cancellation::None),
        stands(Cancellation::Requested),
        rejected_for(RejectedWhy::Deadline),
        Phase::Cancelled { why: CancelledWhy::Customer },
    ];
    assert!(found.iter().all(|phase| possible.contains(phase)), "{found:?}");
    assert!(found.contains(&possible[2]) && found.contains(&possible[3]), "{found:?}");
}

#[test]
fn a_late_parcel_never_turns_an_ended_order_back() {
    let delivery = vec![from_delivery(departed()), from_delivery(delivered())];
    let found = phases(&[vec![Outside::Cancel], delivery]);
    assert_eq!(found, [Phase::Cancelled { why: CancelledWhy::Customer }]);
}

#[test]
fn a_delivered_order_is_complete_whenever_the_customer_asks_for_it_back() {
    let confirming = [from_product(stock_reserved()), from_product(captured())];
    let delivery = [from_delivery(departed()), from_delivery(delivered())];
    let found = phases(&[[confirming, delivery].concat(), vec![Outside::Cancel]]);
    assert_eq!(found, [Phase::Completed, Phase::Cancelled { why: CancelledWhy::Customer }]);
}

#[test]
fn an_order_asked_back_in_time_ends_cancelled() {
    let confirming = [from_product(stock_reserved()), from_product(captured())];
    let wish = vec![Outside::Cancel, from_delivery(delivery_cancelled())];
    let found = phases(&[[confirming.to_vec(), wish].concat()]);
    assert_eq!(found, [Phase::Cancelled { why: CancelledWhy::Customer }]);
}

#[test]
fn while_delivery_is_silent_a_wish_stays_visible() {
    let sequence = vec![from_product(stock_reserved()), from_product(captured()), Outside::Cancel, Outside::Deadline];
    assert_eq!(phases(&[sequence]), [stands(Cancellation::Requested)]);
}

#[test]
fn a_failed_delivery_ends_cancelled() {
    let confirming = vec![from_product(stock_reserved()), from_product(captured())];
    let delivery = vec![from_delivery(departed()), from_delivery(failed())];
    assert_eq!(phases(&[confirming, delivery]), [Phase::Cancelled { why: CancelledWhy::DeliveryFailed }]);
}
