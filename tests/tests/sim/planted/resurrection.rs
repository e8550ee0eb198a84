//! A checkout that answers late replies by confirming, and an order that lets itself be confirmed after its end.

use bongsu_core::{Aggregate, Ctx, Decider, Effect, Input, Process, Route};
use bongsu_runtime::Service;
use ordering::{facts, projections::orders_of_customer::OrdersOfCustomer};
use ordering_domain::{
    checkout::{Checkout, CheckoutCommand, CheckoutHeard, CheckoutState},
    confirm_order::ConfirmOrder,
    events::OrderEvent,
    fulfilment::Fulfilment,
    ids::OrderId,
    order::{OrderCommand, OrderRejection, OrderState, Orders, Phase},
    price_list::PriceList,
};
use serde::{Deserialize, Serialize};

#[derive(Default)]
struct AnyPhase(Orders);

struct Eager;

/// What an eager checkout remembers: what a checkout does, and which replies it has.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Replies {
    usual: CheckoutState,
    order: OrderId,
    held: bool,
    captured: bool,
}

/// The map of ordering with the bug in it.
pub(super) fn service() -> Service {
    Service::new("ordering")
        .decider(AnyPhase::default(), facts::of_order)
        .process(Eager)
        .process(Fulfilment)
        .projection::<PriceList>()
        .projection::<OrdersOfCustomer>()
}

impl Aggregate for AnyPhase {
    const NAME: &'static str = Orders::NAME;
    type Event = OrderEvent;
    type State = OrderState;

    fn evolve(state: &mut OrderState, event: &OrderEvent) {
        Orders::evolve(state, event);
    }
}

impl Decider for AnyPhase {
    type Command = OrderCommand;
    type Rejection = OrderRejection;

    fn target(&self, command: &OrderCommand, ctx: &Ctx) -> String {
        self.0.target(command, ctx)
    }

    fn decide(&self, state: &OrderState, command: OrderCommand, ctx: &Ctx) -> Result<Vec<OrderEvent>, OrderRejection> {
        let ended = matches!(state.phase, Phase::Rejected { .. } | Phase::Cancelled { .. });
        if ended && matches!(command, OrderCommand::Confirm(_)) {
            let forgotten = OrderState { phase: Phase::Pending, ..state.clone() };
            return self.0.decide(&forgotten, command, ctx);
        }
        self.0.decide(state, command, ctx)
    }
}

impl Process for Eager {
    const NAME: &'static str = Checkout::NAME;
    type Heard = CheckoutHeard;
    type State = Replies;
    type Command = CheckoutCommand;

    fn route(&self, heard: &CheckoutHeard) -> Route {
        Checkout.route(heard)
    }

    fn evolve(state: &mut Replies, input: &Input<'_, CheckoutHeard>) {
        Checkout::evolve(&mut state.usual, input);
        match input {
            Input::Heard(CheckoutHeard::Placed(placed)) => state.order.clone_from(&placed.order),
            Input::Heard(CheckoutHeard::StockReserved(_)) => state.held = true,
            Input::Heard(CheckoutHeard::PaymentCaptured(_)) => state.captured = true,
            _ => {}
        }
    }

    fn react(&self, state: &Replies, input: &Input<'_, CheckoutHeard>, ctx: &Ctx) -> Vec<Effect<CheckoutCommand>> {
        let usual = Checkout.react(&state.usual, input, ctx);
        if usual.is_empty() && state.held && state.captured && matches!(input, Input::Heard(_)) {
            return vec![Effect::Send(ConfirmOrder { order: state.order.clone() }.into())];
        }
        usual
    }
}
