//! A planted bug: stock restored for an order that took none, as public versions of this mall do. It is here
//! to be found by the simulator's rules and is reachable from its map alone.

use bongsu_core::{Changes, Ctx, Decision, StreamRef, View};
use product_domain::{
    events::StockReleased,
    release_stock::{Release, ReleaseStock},
    reservation::{Reservation, ReservationRejection, ReservationState},
    stock::Stock,
};

pub(crate) struct ReleaseWhateverWasAsked;

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
