//! An order that ended gives back what it holds, and only that.

use bongsu_core::{Changes, Ctx, Decision, StreamRef, View, message};

use crate::{
    events::{ReservationClosed, ReservationReleased, StockReleased},
    ids::OrderId,
    reservation::{Reservation, ReservationRejection, ReservationState},
    stock::Stock,
};

/// Give back what an order holds.
#[message("reservation.release", version = 1, key = order)]
pub struct ReleaseStock {
    /// Whose.
    pub order: OrderId,
}

/// Decides [`ReleaseStock`].
///
/// An order that was never heard of is remembered as ended, so that a reserve that comes later is refused.
/// An order that holds nothing gives nothing back; that is the normal end of a rejected reservation and
/// therefore accepted without a change, never an error.
pub struct Release;

impl Decision for Release {
    const NAME: &'static str = "release-stock";
    type Command = ReleaseStock;
    type Rejection = ReservationRejection;

    fn reads(&self, command: &ReleaseStock, view: &View, _: &Ctx) -> Vec<StreamRef> {
        let reservation = view.state::<Reservation>(&command.order);
        let stocks = reservation.held().iter().map(|line| StreamRef::of::<Stock>(&line.sku));
        stocks.chain([StreamRef::of::<Reservation>(&command.order)]).collect()
    }

    fn decide(&self, view: &View, command: ReleaseStock, _: &Ctx) -> Result<Changes, ReservationRejection> {
        let order = command.order;
        match view.state::<Reservation>(&order) {
            ReservationState::Unknown => Ok(Changes::new().append::<Reservation>(&order, ReservationClosed {})),
            ReservationState::Held { lines } => {
                let given_back = lines.iter().fold(Changes::new(), |changes, line| {
                    let released = StockReleased { order: order.clone(), quantity: line.quantity };
                    changes.append::<Stock>(&line.sku, released)
                });
                Ok(given_back.append::<Reservation>(&order, ReservationReleased { lines }))
            }
            ReservationState::Rejected | ReservationState::Ended => Ok(Changes::new()),
            ReservationState::Committed => Err(ReservationRejection::AlreadyCommitted),
        }
    }
}
