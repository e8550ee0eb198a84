//! Goods come in (입고).

use bongsu_core::message;

use crate::{
    events::{StockEvent, StockReceived},
    ids::Sku,
    stock::{MOST_ON_HAND, StockRejection, StockState},
};

/// Put goods on the shelf.
#[message("stock.receive", version = 1, key = sku)]
pub struct ReceiveStock {
    /// Which product.
    pub sku: Sku,
    /// How many, at least one.
    pub quantity: u32,
}

pub(crate) fn decide(state: &StockState, receive: &ReceiveStock) -> Result<Vec<StockEvent>, StockRejection> {
    if receive.quantity == 0 {
        return Err(StockRejection::NothingReceived);
    }
    if state.on_hand + u64::from(receive.quantity) > MOST_ON_HAND {
        return Err(StockRejection::TooMuch { most: MOST_ON_HAND });
    }
    Ok(vec![StockReceived { quantity: receive.quantity }.into()])
}
