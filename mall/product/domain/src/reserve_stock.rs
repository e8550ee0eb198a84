//! An order takes what it needs: all lines or none, decided in one Commit over every stock it touches.

use std::collections::BTreeMap;

use bongsu_core::{Changes, Ctx, Decision, StreamRef, View, message};

use crate::{
    events::{Line, ReservationHeld, ReservationRejected, Shortage, StockReserved},
    ids::{OrderId, Sku},
    reservation::{Reservation, ReservationRejection, ReservationState},
    stock::Stock,
};

/// Hold stock for an order.
#[message("reservation.reserve", version = 1, key = order)]
pub struct ReserveStock {
    /// Whose.
    pub order: OrderId,
    /// What it needs; lines of the same sku are summed.
    pub lines: Vec<Line>,
}

/// Decides [`ReserveStock`].
///
/// Not enough stock is an outcome, remembered and told to others, not a rejection: the order must hear it.
/// A reservation that was decided before, or whose order has ended, is refused.
pub struct Reserve;

impl Decision for Reserve {
    const NAME: &'static str = "reserve-stock";
    type Command = ReserveStock;
    type Rejection = ReservationRejection;

    fn reads(&self, command: &ReserveStock, _: &View, _: &Ctx) -> Vec<StreamRef> {
        let stocks = command.lines.iter().map(|line| StreamRef::of::<Stock>(&line.sku));
        stocks.chain([StreamRef::of::<Reservation>(&command.order)]).collect()
    }

    fn decide(&self, view: &View, command: ReserveStock, _: &Ctx) -> Result<Changes, ReservationRejection> {
        match view.state::<Reservation>(&command.order) {
            ReservationState::Unknown => {}
            ReservationState::Held { .. } => return Err(ReservationRejection::AlreadyHeld),
            ReservationState::Rejected => return Err(ReservationRejection::AlreadyRejected),
            ReservationState::Ended | ReservationState::Committed => return Err(ReservationRejection::OrderEnded),
        }
        let lines = per_sku(&command.lines);
        let short: Vec<_> = lines.iter().filter_map(|line| shortage(view, line)).collect();
        if !short.is_empty() {
            return Ok(Changes::new().append::<Reservation>(&command.order, ReservationRejected { short }));
        }
        let held = lines.iter().fold(Changes::new(), |changes, line| {
            let reserved = StockReserved { order: command.order.clone(), quantity: line.quantity };
            changes.append::<Stock>(&line.sku, reserved)
        });
        Ok(held.append::<Reservation>(&command.order, ReservationHeld { lines }))
    }
}

fn per_sku(lines: &[Line]) -> Vec<Line> {
    let mut sums: BTreeMap<&Sku, u64> = BTreeMap::new();
    for line in lines {
        let sum = sums.entry(&line.sku).or_default();
        *sum = sum.saturating_add(line.quantity);
    }
    sums.into_iter().map(|(sku, quantity)| Line { sku: sku.clone(), quantity }).collect()
}

/// `>` and not `>=`: the last piece can be sold.
fn shortage(view: &View, line: &Line) -> Option<Shortage> {
    let available = view.state::<Stock>(&line.sku).available();
    (line.quantity > available).then(|| Shortage { sku: line.sku.clone(), asked: line.quantity, available })
}
