//! Orders as the API shows them.

use bongsu_runtime::rfc3339;
use money::Money;
use ordering_domain::{
    events::{CancelledWhy, Method, OrderLine, OrderPlaced, RejectedWhy},
    ids::{OrderId, Sku},
    order::{Cancellation, OrderState, Phase},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    addresses::Address,
    projections::orders_of_customer::{Row, State},
};

/// An order.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Order {
    #[schema(value_type = String)]
    order_id: OrderId,
    state: State,
    lines: Vec<ShownLine>,
    /// Sum of the lines.
    amount: Money,
    pay: Pay,
    /// Where it goes, while that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    address: Option<String>,
    address_state: AddressState,
    #[schema(format = DateTime)]
    placed_at: String,
    /// Rejected unless it is confirmed by then.
    #[schema(format = DateTime)]
    expires_at: String,
    /// Why it was rejected or cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    why: Option<Why>,
    /// The lines that fell short, when it was rejected for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    short: Option<Vec<Short>>,
    /// What became of the wish to have a confirmed order back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    cancellation: Option<Wish>,
}

/// Where an order goes.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Address)]
pub(super) struct ShownAddress {
    /// Where it goes, while that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    address: Option<String>,
    address_state: AddressState,
}

/// Whether an address is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum AddressState {
    Known,
    /// Its customer is forgotten, and with him where he had things sent to.
    Forgotten,
    /// Not now.
    Unavailable,
}

/// An order in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct OrderItem {
    #[schema(value_type = String)]
    order_id: OrderId,
    state: State,
    lines: Vec<ShownLine>,
    /// Sum of the lines.
    amount: Money,
    #[schema(format = DateTime)]
    placed_at: String,
}

/// How it is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Pay {
    /// By card.
    Card,
}

/// One line of an order.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct ShownLine {
    #[schema(value_type = String)]
    sku: Sku,
    /// Its name when it was ordered.
    name: String,
    quantity: u32,
    /// For one piece, when it was ordered.
    price: Money,
}

/// A line there was too little of.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Short {
    #[schema(value_type = String)]
    sku: Sku,
    asked: u64,
    available: u64,
}

/// Why an order ended.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Why {
    OutOfStock,
    PaymentDeclined,
    Deadline,
    Customer,
    DeliveryFailed,
}

/// The wish to have a confirmed order back.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Wish {
    /// Delivery has not answered yet.
    Requested,
    /// It was on its way.
    Refused,
}

impl Pay {
    pub(super) fn method(self) -> Method {
        match self {
            Self::Card => Method::Card,
        }
    }
}

impl Order {
    pub(super) fn of(placed: &OrderPlaced, state: &OrderState, address: ShownAddress) -> Self {
        let ShownAddress { address, address_state } = address;
        let mut why = None;
        let mut short = None;
        let mut cancellation = None;
        match &state.phase {
            Phase::Rejected { why: reason, short: lines } => {
                why = Some(Why::of_rejected(*reason));
                short = Some(lines.iter().map(Short::of).collect());
            }
            Phase::Cancelled { why: reason } => why = Some(Why::of_cancelled(*reason)),
            Phase::Confirmed { cancellation: wish } => cancellation = Wish::of(*wish),
            Phase::Unknown | Phase::Pending | Phase::Completed => {}
        }
        Self {
            order_id: placed.order.clone(),
            state: State::of(&state.phase),
            lines: shown(&placed.lines),
            amount: placed.amount,
            pay: match placed.method {
                Method::Card => Pay::Card,
            },
            address,
            address_state,
            placed_at: rfc3339(placed.placed_at_ms),
            expires_at: rfc3339(placed.expires_at_ms),
            why,
            short,
            cancellation,
        }
    }
}

impl From<Address> for ShownAddress {
    fn from(address: Address) -> Self {
        match address {
            Address::Known(address) => Self { address: Some(address), address_state: AddressState::Known },
            Address::Forgotten => Self { address: None, address_state: AddressState::Forgotten },
            Address::Unreadable => Self { address: None, address_state: AddressState::Unavailable },
        }
    }
}

impl OrderItem {
    pub(super) fn of(order: OrderId, row: &Row) -> Self {
        let state = row.state;
        let amount = row.amount;
        let placed_at = rfc3339(row.placed_at_ms);
        Self { order_id: order, state, lines: shown(&row.lines), amount, placed_at }
    }
}

impl Short {
    fn of(line: &ordering_domain::events::Shortage) -> Self {
        Self { sku: line.sku.clone(), asked: line.asked, available: line.available }
    }
}

impl Why {
    fn of_rejected(why: RejectedWhy) -> Self {
        match why {
            RejectedWhy::OutOfStock => Self::OutOfStock,
            RejectedWhy::PaymentDeclined => Self::PaymentDeclined,
            RejectedWhy::Deadline => Self::Deadline,
        }
    }

    fn of_cancelled(why: CancelledWhy) -> Self {
        match why {
            CancelledWhy::Customer => Self::Customer,
            CancelledWhy::DeliveryFailed => Self::DeliveryFailed,
        }
    }
}

impl Wish {
    fn of(wish: Cancellation) -> Option<Self> {
        match wish {
            Cancellation::None => None,
            Cancellation::Requested => Some(Self::Requested),
            Cancellation::Refused => Some(Self::Refused),
        }
    }
}

fn shown(lines: &[OrderLine]) -> Vec<ShownLine> {
    let line = |line: &OrderLine| ShownLine {
        sku: line.sku.clone(),
        name: line.name.clone(),
        quantity: line.quantity,
        price: line.price,
    };
    lines.iter().map(line).collect()
}
