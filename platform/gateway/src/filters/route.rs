//! Whose path it is: a service's, or the gateway's own.

use std::sync::Arc;

use bongsu_host::problem::Problem;
use http::request;
use tokio::sync::watch;

use crate::filter::{Exchange, Filter, Flow};
use crate::own;
use crate::table::Table;

/// The name of the filter that finds whose path it is.
pub(crate) const ROUTES: &str = "routes";
/// Just after a start.
pub(super) const UNKNOWN: &str = "The routes are not known yet.";

/// Finds the service, if it is not the gateway that is asked; 404 for a path that belongs to nobody, 503 while nobody knows whose any path is.
pub struct Routes(pub watch::Receiver<Arc<Table>>);

impl Filter for Routes {
    fn name(&self) -> &'static str {
        ROUTES
    }

    fn on_request(&self, request: &mut request::Parts, exchange: &mut Exchange) -> Flow {
        let table = self.0.borrow();
        if own::is_own(request.uri.path()) && !exchange.is_elsewhere {
            exchange.is_own = true;
            return Flow::Continue;
        }
        match table.route_of(request.uri.path()) {
            Some(route) => {
                exchange.service = Some(route.service.clone());
                exchange.route = Some(route.path.clone());
                Flow::Continue
            }
            None if table.revision == 0 => Problem::unavailable(UNKNOWN).into(),
            None => Problem::not_found("No service has this path.").into(),
        }
    }
}
