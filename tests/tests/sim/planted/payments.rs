//! A step that may have been executed when the order ended is taken for one that was not: its money is kept.

use bongsu_core::{Aggregate, Ctx, Decider};
use bongsu_runtime::Service;
use payment::{
    Settings,
    payment::{PaymentCommand, PaymentEvent, PaymentRejection, PaymentState, Payments},
};

struct KeepWhatCameLate(Payments);

/// The map of payment with the bug in it.
pub(super) fn service() -> Service {
    let settings = Settings::default();
    let planted = KeepWhatCameLate(Payments { margin_ms: settings.margin_ms });
    payment::service(&settings).decider_instead(planted)
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
