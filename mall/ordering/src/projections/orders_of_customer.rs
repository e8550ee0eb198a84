//! The orders of one customer, newest last: what `GET /orders` lists. Folded from this context's own facts.

use bongsu_core::{Messages, Metadata, Projection};
use money::Money;
use ordering_domain::{events::OrderLine, ids::CustomerId, order::Phase};
use serde::{Deserialize, Serialize};

use crate::facts::{
    CancellationRefused, CancellationRequested, OrderCancelled, OrderCompleted, OrderConfirmed, OrderPlaced,
    OrderRejected,
};

/// What changes the list.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum OrderFact {
    Placed(OrderPlaced),
    Confirmed(OrderConfirmed),
    Rejected(OrderRejected),
    Cancelled(OrderCancelled),
    Completed(OrderCompleted),
    CancellationRequested(CancellationRequested),
    CancellationRefused(CancellationRefused),
}

/// One order in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Whose.
    pub customer: CustomerId,
    /// What.
    pub lines: Vec<OrderLine>,
    /// Sum of the lines.
    pub amount: Money,
    /// When, milliseconds since the Unix epoch.
    pub placed_at_ms: i64,
    /// How far it is.
    pub state: State,
}

/// How far an order is, in the words of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = OrderState)]
pub enum State {
    /// Placed; waits for stock and payment.
    Pending,
    /// On its way to the customer.
    Confirmed,
    /// Ended unconfirmed.
    Rejected,
    /// Ended by the customer or by a failed delivery.
    Cancelled,
    /// Delivered.
    Completed,
}

/// Rows by customer, oldest first.
pub const BY_CUSTOMER: u16 = 0;

/// Folds the list.
pub struct OrdersOfCustomer;

impl Projection for OrdersOfCustomer {
    const NAME: &'static str = "orders-of-customer";
    const VERSION: u32 = 1;
    type Event = OrderFact;
    type Row = Row;

    fn fold(_: &str, row: Option<Row>, event: &OrderFact, _: &Metadata) -> Option<Row> {
        let state = match event {
            OrderFact::Placed(e) => {
                return Some(Row {
                    customer: e.customer.clone(),
                    lines: e.lines.clone(),
                    amount: e.amount,
                    placed_at_ms: e.placed_at_ms,
                    state: State::Pending,
                });
            }
            OrderFact::Confirmed(_) | OrderFact::CancellationRequested(_) | OrderFact::CancellationRefused(_) => {
                State::Confirmed
            }
            OrderFact::Rejected(_) => State::Rejected,
            OrderFact::Cancelled(_) => State::Cancelled,
            OrderFact::Completed(_) => State::Completed,
        };
        row.map(|row| Row { state, ..row })
    }

    fn index(order: &str, row: &Row) -> Vec<(u16, Vec<u8>)> {
        let mut entry = customer_prefix(&row.customer);
        entry.extend_from_slice(&row.placed_at_ms.unsigned_abs().to_be_bytes());
        entry.extend_from_slice(order.as_bytes());
        vec![(BY_CUSTOMER, entry)]
    }
}

impl State {
    /// The state of a phase; an order that is not there has none and shows as pending.
    pub fn of(phase: &Phase) -> Self {
        match phase {
            Phase::Unknown | Phase::Pending => Self::Pending,
            Phase::Confirmed { .. } => Self::Confirmed,
            Phase::Rejected { .. } => Self::Rejected,
            Phase::Cancelled { .. } => Self::Cancelled,
            Phase::Completed => Self::Completed,
        }
    }
}

/// What the index keys of one customer start with; a name holds no NUL, so no name is the start of another.
pub fn customer_prefix(customer: &str) -> Vec<u8> {
    [customer.as_bytes(), &[0]].concat()
}
