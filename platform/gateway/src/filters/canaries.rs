//! Whether whoever stands in for a service is asked in its place.

use std::sync::Arc;

use http::request;
use tokio::sync::watch;

use crate::breaker::Door;
use crate::breakers::Breakers;
use crate::filter::{Exchange, Filter, Flow, Who};
use crate::filters::Live;
use crate::table::Table;

/// Once it is known who asks: he falls to the same one each time, whichever of his browsers or tokens he shows; whoever has no name, by
/// the address he comes from.
pub struct Canaries {
    table: watch::Receiver<Arc<Table>>,
    breakers: Arc<Breakers>,
}

/// What it is called.
pub(super) const CANARIES: &str = "canaries";

impl Canaries {
    pub(crate) fn of(live: Live<'_>) -> Self {
        Self { table: live.table.clone(), breakers: Arc::clone(live.breakers) }
    }
}

impl Filter for Canaries {
    fn name(&self) -> &'static str {
        CANARIES
    }

    fn on_request(&self, request: &mut request::Parts, exchange: &mut Exchange) -> Flow {
        let table = self.table.borrow();
        if table.canaries.is_empty() {
            return Flow::Continue;
        }
        let address = exchange.peer.ip().to_string();
        let caller = match &exchange.who {
            Who::Person(who) => &who.name,
            Who::Visitor(who) => who.visitor.as_ref().unwrap_or(&who.name),
            Who::Nobody | Who::Operator | Who::Process(_) => &address,
        };
        let service = exchange.service.as_deref().unwrap_or_default();
        let canary = table
            .canary(service, &request.headers, caller)
            .map(|canary| Door { service: canary.service.clone(), route: exchange.route.clone().unwrap_or_default() });
        // One that is left alone stands in for nobody: the service itself may be well.
        if let Some(door) = canary.filter(|door| !self.breakers.is_shut(door)) {
            exchange.service = Some(door.service);
        }
        Flow::Continue
    }
}
