//! A step that may have been executed when the order ended is taken for one that was not: its money is kept.

use bongsu_core::{Aggregate, Ctx, Decider};
use bongsu_runtime::Service;
use payment_domain::{
    events::PaymentEvent,
    payment::{PaymentCommand, PaymentRejection, PaymentState, Payments},
};
use payment_service::{
    activities::{capture::Capture, provider::Provider, refund::Refund},
    facts,
    policies::follow_orders::FollowOrders,
    settings::Settings,
};

#[derive(Default)]
struct KeepWhatCameLate(Payments);

/// The map of payment with the bug in it.
pub(super) fn service() -> Service {
    let provider = Provider::new(&Settings::default());
    let told = ["ordering.order-placed.v1", "product.stock-reserved.v1"];
    let ended = ["ordering.order-rejected.v1", "ordering.order-cancelled.v1"];
    Service::new("payment")
        .decider(KeepWhatCameLate::default(), facts::of_payment)
        .policy(FollowOrders, &[told, ended].concat())
        .activity(Capture(provider.clone()))
        .activity(Refund(provider))
}

impl Aggregate for KeepWhatCameLate {
    const NAME: &'static str = Payments::NAME;
    type Event = PaymentEvent;
    type State = PaymentState;

    fn evolve(state: &mut PaymentState, event: &PaymentEvent) {
        Payments::evolve(state, event);
    }
}

impl Decider for KeepWhatCameLate {
    type Command = PaymentCommand;
    type Rejection = PaymentRejection;

    fn target(&self, command: &PaymentCommand, ctx: &Ctx) -> String {
        self.0.target(command, ctx)
    }

    fn decide(
        &self,
        state: &PaymentState,
        command: PaymentCommand,
        ctx: &Ctx,
    ) -> Result<Vec<PaymentEvent>, PaymentRejection> {
        let late = matches!(command, PaymentCommand::RecordCapture(_));
        let mut events = self.0.decide(state, command, ctx)?;
        events.retain(|event| !late || !matches!(event, PaymentEvent::RefundRequested(_)));
        Ok(events)
    }
}
