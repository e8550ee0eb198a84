//! How much there is of one sku, and how much of it is spoken for.

use bongsu_core::{Aggregate, Ctx, Decider, Messages, message};
use serde::{Deserialize, Serialize};

use crate::{
    adjust_stock::{self, AdjustStock},
    events::StockEvent,
    receive_stock::{self, ReceiveStock},
};

/// No shelf holds more than this of one sku: sums of quantities stay far from the end of the integers.
pub const MOST_ON_HAND: u64 = 1_000_000_000;

/// Version of [`StockState`] and of how it is folded. Raise it when either changes: a build goes on with snapshots of
/// its own number alone.
pub const STOCK_SCHEMA: u32 = 1;

/// The stock of one sku; id = sku.
pub struct Stock;

/// What is known of it. Always `reserved <= on_hand`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockState {
    /// Pieces in the house.
    pub on_hand: u64,
    /// Of these, held by orders.
    pub reserved: u64,
}

/// What an operator may ask of stock. Orders ask through decisions.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum StockCommand {
    Receive(ReceiveStock),
    Adjust(AdjustStock),
}

/// Why stock did not change.
#[message("stock.rejection", version = 1)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum StockRejection {
    /// A receipt of nothing.
    NothingReceived,
    /// More than a shelf holds.
    TooMuch {
        /// The limit.
        most: u64,
    },
    /// Orders hold more than would be left.
    BelowReserved {
        /// What they hold.
        reserved: u64,
    },
}

impl StockState {
    /// What an order could still take.
    pub fn available(&self) -> u64 {
        self.on_hand.saturating_sub(self.reserved)
    }
}

impl Aggregate for Stock {
    const NAME: &'static str = "stock";
    type Event = StockEvent;
    type State = StockState;

    /// Saturates instead of failing: the decisions keep the numbers in range, replay must not judge them.
    fn evolve(state: &mut StockState, event: &StockEvent) {
        match event {
            StockEvent::Received(e) => state.on_hand = state.on_hand.saturating_add(e.quantity.into()),
            StockEvent::Adjusted(e) => state.on_hand = state.on_hand.saturating_add_signed(e.by),
            StockEvent::Reserved(e) => state.reserved = state.reserved.saturating_add(e.quantity),
            StockEvent::Released(e) => state.reserved = state.reserved.saturating_sub(e.quantity),
            StockEvent::Committed(e) => {
                state.reserved = state.reserved.saturating_sub(e.quantity);
                state.on_hand = state.on_hand.saturating_sub(e.quantity);
            }
        }
    }
}

impl Decider for Stock {
    type Command = StockCommand;
    type Rejection = StockRejection;

    fn decide(&self, state: &StockState, command: StockCommand, _: &Ctx) -> Result<Vec<StockEvent>, StockRejection> {
        match command {
            StockCommand::Receive(receive) => receive_stock::decide(state, &receive),
            StockCommand::Adjust(adjust) => adjust_stock::decide(state, &adjust),
        }
    }
}
