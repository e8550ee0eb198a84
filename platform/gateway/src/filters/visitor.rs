//! Who is asking without a login, and who was in the same browser before somebody logged in.

use std::sync::Arc;

use bongsu_keys::{Keys, Vouched};
use http::request;
use tokio::sync::watch;

use super::same_origin::{comes_from_here, is_read, refused};
use crate::filter::{Exchange, Filter, Flow, Who};
use crate::table::{May, Table};
use crate::visitors::Visitors;

/// Gives whoever comes without a login an id of his own, where a route is for visitors and nowhere else; one that is not
/// signed by us is none. To a service that has such routes, somebody who is logged in is named together with the visitor his
/// browser was.
pub struct Visitor {
    table: watch::Receiver<Arc<Table>>,
    visitors: Option<Visitors>,
}

impl Visitor {
    pub(crate) fn new(table: watch::Receiver<Arc<Table>>, keys: Option<Keys>) -> Self {
        Self { table, visitors: keys.map(Visitors::new) }
    }
}

impl Filter for Visitor {
    fn name(&self) -> &'static str {
        "visitor"
    }

    fn on_request(&self, request: &mut request::Parts, exchange: &mut Exchange) -> Flow {
        let Some(visitors) = &self.visitors else { return Flow::Continue };
        let service = exchange.service.as_deref().unwrap_or_default();
        let table = self.table.borrow();
        if !table.has_visitors(service) {
            return Flow::Continue;
        }
        let known = visitors.known(&request.headers);
        match (&mut exchange.who, known) {
            (Who::Person(person), Some((visitor, renewed))) => {
                person.visitor = Some(visitor);
                exchange.cookies.extend(renewed);
            }
            (Who::Nobody, known) if table.may(service, &request.method, request.uri.path()) == May::Visitors => {
                // A page elsewhere must not put another visitor in the place of the one that was there.
                if known.is_none() && !is_read(&request.method) && comes_from_here(&request.headers) == Some(false) {
                    return refused().into();
                }
                let is = known.or_else(|| visitors.new_one().map(|(id, cookie)| (id, Some(cookie))));
                let Some((visitor, cookie)) = is else { return Flow::Continue };
                exchange.who = Who::Visitor(Vouched::visiting(visitor));
                exchange.cookies.extend(cookie);
            }
            _ => {}
        }
        Flow::Continue
    }
}
