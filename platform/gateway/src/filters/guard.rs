//! Who may ask what.

use std::sync::Arc;

use bongsu_host::problem::Problem;
use bongsu_keys::{NotKnown, OPERATOR};
use http::{HeaderMap, request};
use tokio::sync::watch;

use crate::filter::{Exchange, Filter, Flow, Who};
use crate::table::{May, Table};

/// Asks for what the table says: a role, somebody, a visitor, or nothing; and for an operator where the gateway itself is asked. Where people cannot log in everybody is somebody, and an
/// operator's key makes nobody else of him but where operators are meant.
pub struct Guard {
    /// Which routes.
    pub table: watch::Receiver<Arc<Table>>,
    /// Whether people can log in.
    pub has_login: bool,
}

impl Filter for Guard {
    fn name(&self) -> &'static str {
        "guard"
    }

    fn on_request(&self, request: &mut request::Parts, exchange: &mut Exchange) -> Flow {
        if exchange.is_own {
            return self.judge(&[OPERATOR], &exchange.who, &request.headers);
        }
        let service = exchange.service.as_deref().unwrap_or_default();
        let table = self.table.borrow();
        match (table.may(service, &request.method, request.uri.path()), &exchange.who) {
            (May::Everybody | May::Visitors | May::Somebody, _) if !self.has_login => {
                exchange.who = Who::Nobody;
                Flow::Continue
            }
            (May::Everybody, _)
            | (May::Visitors, Who::Person(_) | Who::Operator | Who::Visitor(_))
            | (May::Somebody, Who::Person(_) | Who::Operator) => Flow::Continue,
            (May::Visitors | May::Somebody, Who::Nobody | Who::Process(_) | Who::Visitor(_)) => nobody().into(),
            (May::Only(roles), who) => self.judge(&roles, who, &request.headers),
        }
    }
}

impl Guard {
    fn judge(&self, roles: &[&str], who: &Who, headers: &HeaderMap) -> Flow {
        match who {
            Who::Operator => Flow::Continue,
            Who::Person(person) if person.roles.iter().any(|his| roles.contains(&his.as_str())) => Flow::Continue,
            Who::Person(_) => Problem::forbidden(format!("This is for the role {}.", roles.join(" or "))).into(),
            Who::Process(name) => Problem::not_an_operator(name).into(),
            Who::Nobody | Who::Visitor(_) if self.has_login && !roles.contains(&OPERATOR) => nobody().into(),
            Who::Nobody | Who::Visitor(_) => Problem::not_known(NotKnown::of(headers)).into(),
        }
    }
}

fn nobody() -> Problem {
    Problem::nobody().detail("This needs a session, or an access token: 'Authorization: Bearer TOKEN'.")
}
