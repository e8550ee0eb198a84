//! A confirmed order is packed.

use bongsu_core::{Ctx, version};
use serde::{Deserialize, Serialize};

use crate::{
    delivery::{DeliveryRejection, DeliveryState, Phase},
    events::{DeliveryEvent, DeliveryPrepared, Item},
};

/// Pack a parcel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrepareDelivery {
    /// Of which order.
    pub order: String,
    /// Where it goes.
    pub address: String,
    /// What is in it.
    pub items: Vec<Item>,
}
version!(PrepareDelivery, "delivery.prepare", 1);

pub(crate) fn decide(
    state: &DeliveryState,
    prepare: PrepareDelivery,
    ctx: &Ctx,
) -> Result<Vec<DeliveryEvent>, DeliveryRejection> {
    let PrepareDelivery { order, address, items } = prepare;
    match state.phase {
        Phase::Unknown => Ok(vec![DeliveryPrepared { order, address, items, at_ms: ctx.now_ms }.into()]),
        Phase::Cancelled => Err(DeliveryRejection::AlreadyCancelled),
        Phase::Prepared | Phase::Departed | Phase::Completed | Phase::Failed => Err(DeliveryRejection::AlreadyPrepared),
    }
}
