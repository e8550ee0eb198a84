//! A count corrects the books.

use bongsu_core::message;

use crate::{
    events::{StockAdjusted, StockEvent},
    ids::Sku,
    stock::{MOST_ON_HAND, StockRejection, StockState},
};

/// Correct the books after a count.
#[message("stock.adjust", version = 1, key = sku)]
pub struct AdjustStock {
    /// Which product.
    pub sku: Sku,
    /// What to add; negative for missing pieces.
    pub by: i64,
}

/// What orders hold was promised to them, so a count cannot take it away.
pub(crate) fn decide(state: &StockState, adjust: &AdjustStock) -> Result<Vec<StockEvent>, StockRejection> {
    match state.on_hand.checked_add_signed(adjust.by) {
        None if adjust.by > 0 => Err(StockRejection::TooMuch { most: MOST_ON_HAND }),
        Some(left) if left > MOST_ON_HAND => Err(StockRejection::TooMuch { most: MOST_ON_HAND }),
        Some(left) if left >= state.reserved => Ok(vec![StockAdjusted { by: adjust.by }.into()]),
        None | Some(_) => Err(StockRejection::BelowReserved { reserved: state.reserved }),
    }
}
