//! A completed order takes what it held out of the house for good.

use bongsu_core::{Changes, Ctx, Decision, StreamRef, View, message};

use crate::{
    events::{ReservationCommitted, StockCommitted},
    ids::OrderId,
    reservation::{Reservation, ReservationRejection, ReservationState},
    stock::Stock,
};

/// Take out what an order holds.
#[message("reservation.commit", version = 1, key = order)]
pub struct CommitStock {
    /// Whose.
    pub order: OrderId,
}

/// Decides [`CommitStock`].
pub struct CommitReserved;

impl Decision for CommitReserved {
    const NAME: &'static str = "commit-stock";
    type Command = CommitStock;
    type Rejection = ReservationRejection;

    fn reads(&self, command: &CommitStock, view: &View, _: &Ctx) -> Vec<StreamRef> {
        let reservation = view.state::<Reservation>(&command.order);
        let stocks = reservation.held().iter().map(|line| StreamRef::of::<Stock>(&line.sku));
        stocks.chain([StreamRef::of::<Reservation>(&command.order)]).collect()
    }

    fn decide(&self, view: &View, command: CommitStock, _: &Ctx) -> Result<Changes, ReservationRejection> {
        let order = command.order;
        match view.state::<Reservation>(&order) {
            ReservationState::Held { lines } => {
                let taken = lines.iter().fold(Changes::new(), |changes, line| {
                    let committed = StockCommitted { order: order.clone(), quantity: line.quantity };
                    changes.append::<Stock>(&line.sku, committed)
                });
                Ok(taken.append::<Reservation>(&order, ReservationCommitted { lines }))
            }
            ReservationState::Committed => Err(ReservationRejection::AlreadyCommitted),
            ReservationState::Unknown | ReservationState::Rejected | ReservationState::Ended => {
                Err(ReservationRejection::NothingHeld)
            }
        }
    }
}
