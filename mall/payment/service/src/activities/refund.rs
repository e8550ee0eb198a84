//! Gives the money of an order back, once.

use bongsu_runtime::{
    Activity, Unavailable,
    ports::{Fut, env::HttpClient},
};
use payment_domain::{events::RefundRequested, record_refund::RecordRefund};
use serde::{Deserialize, Serialize};

use crate::activities::provider::{Provider, Refused};

/// Asks until the money is back.
pub struct Refund(pub Provider);

#[derive(Serialize)]
struct Ask<'a> {
    key: &'a str,
    capture: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    refund: String,
}

impl Activity for Refund {
    const NAME: &'static str = "refund";
    type Event = RefundRequested;
    type Command = RecordRefund;

    fn run<'a>(
        &'a self,
        _: &'a str,
        event: RefundRequested,
        http: &'a dyn HttpClient,
    ) -> Fut<'a, Result<RecordRefund, Unavailable>> {
        Box::pin(async move {
            let RefundRequested { order, capture } = event;
            let ask = Ask { key: &order, capture: &capture };
            match self.0.post(http, "/refunds", &ask).await? {
                Ok(Answer { refund }) => Ok(RecordRefund { order, refund }),
                // What was taken has to go back: it is asked for until somebody has put the books right.
                Err(Refused(status)) => Err(Unavailable(format!("the provider refuses it: {status}"))),
            }
        })
    }
}
