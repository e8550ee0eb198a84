//! Stock given back that was never taken, as public versions of this mall do, and stock given back twice.

use bongsu_core::{Changes, Ctx, Decision, StreamRef, View};
use product_domain::{
    events::StockReleased,
    release_stock::{Release, ReleaseStock},
    reservation::{Reservation, ReservationRejection, ReservationState},
    stock::Stock,
};

/// Gives back a TV for an order that took nothing.
pub(super) struct ReleaseWhateverWasAsked;

/// Gives back every line twice.
pub(super) struct ReleaseTwice;

impl Decision for ReleaseWhateverWasAsked {
    const NAME: &'static str = "phantom-stock";
    type Command = ReleaseStock;
    type Rejection = ReservationRejection;

    fn reads(&self, command: &ReleaseStock, view: &View, ctx: &Ctx) -> Vec<StreamRef> {
        Release.reads(command, view, ctx).into_iter().chain([StreamRef::of::<Stock>("TV")]).collect()
    }

    fn decide(&self, view: &View, command: ReleaseStock, ctx: &Ctx) -> Result<Changes, ReservationRejection> {
        match view.state::<Reservation>(&command.order) {
            ReservationState::Rejected => {
                let released = StockReleased { order: command.order, quantity: 1 };
                Ok(Changes::new().append::<Stock>("TV", released))
            }
            _ => Release.decide(view, command, ctx),
        }
    }
}

impl Decision for ReleaseTwice {
    const NAME: &'static str = "undo-twice";
    type Command = ReleaseStock;
    type Rejection = ReservationRejection;

    fn reads(&self, command: &ReleaseStock, view: &View, ctx: &Ctx) -> Vec<StreamRef> {
        Release.reads(command, view, ctx)
    }

    fn decide(&self, view: &View, command: ReleaseStock, ctx: &Ctx) -> Result<Changes, ReservationRejection> {
        let held = view.state::<Reservation>(&command.order).held().to_vec();
        let once = Release.decide(view, command.clone(), ctx)?;
        Ok(held.iter().fold(once, |changes, line| {
            let released = StockReleased { order: command.order.clone(), quantity: line.quantity };
            changes.append::<Stock>(&line.sku, released)
        }))
    }
}
