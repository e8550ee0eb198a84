//! Routes for operators only, until people can log in.

use std::sync::Arc;

use bongsu_host::problem::Problem;
use bongsu_keys::{Caller, Keys, OPERATOR};
use http::{header, request};
use tokio::sync::watch;

use crate::filter::{Exchange, Filter, Flow};
use crate::table::Table;

/// Asks for an operator's key where the table says so, and keeps it: no service sees it. There, who has one is the
/// operator for the service, too; elsewhere it changes nothing.
pub struct Guard {
    /// Which routes.
    pub table: watch::Receiver<Arc<Table>>,
    /// By which operators are recognised; without them these routes are closed.
    pub keys: Option<Keys>,
}

impl Filter for Guard {
    fn name(&self) -> &'static str {
        "guard"
    }

    fn on_request(&self, request: &mut request::Parts, exchange: &mut Exchange) -> Flow {
        let caller = self.keys.as_ref().and_then(|keys| keys.caller(&request.headers).ok());
        if caller.is_some() {
            request.headers.remove(header::AUTHORIZATION);
        }
        let service = exchange.service.as_deref().unwrap_or_default();
        if !self.table.borrow().is_for_operators(service, &request.method, request.uri.path()) {
            return Flow::Continue;
        }
        match caller {
            Some(Caller(name)) if name == OPERATOR => {
                exchange.is_operator = true;
                Flow::Continue
            }
            Some(Caller(name)) => Problem::not_an_operator(&name).into(),
            None => Problem::not_known().into(),
        }
    }
}
