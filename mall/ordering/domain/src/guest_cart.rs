//! A visitor's cart, from its opening until it is merged, or nobody has done anything with it for a week.

use bongsu_core::{Ctx, Effect, Input, Messages, Process, Route, Wire};
use serde::{Deserialize, Serialize};

use crate::{
    abandon_cart::{AbandonCart, GUEST_MS},
    cart::CartRejection,
    cart_events::{CartAbandoned, CartCreated, CartMerged},
    ids::{CartId, CustomerId},
};

/// The timer that looks whether a cart is still used.
pub const WEEK: &str = "week";

/// Asks for a cart to be given up when a week is over. Whether it was used meanwhile is judged there; then it asks again.
pub struct GuestCart;

/// What it hears, of this context's own events.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum GuestCartHeard {
    Created(CartCreated),
    Merged(CartMerged),
    Abandoned(CartAbandoned),
}

/// Which cart it is about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GuestCartState {
    of: Option<(CustomerId, CartId)>,
    is_over: bool,
    /// It was over before the input it is at.
    was_over: bool,
}

impl Process for GuestCart {
    const NAME: &'static str = "guest-cart";
    type Heard = GuestCartHeard;
    type State = GuestCartState;
    type Command = AbandonCart;

    /// A customer's cart stays for ever.
    fn route(&self, heard: &GuestCartHeard) -> Route {
        match heard {
            GuestCartHeard::Created(e) if e.guest.is_some() => Route::Start(e.cart.to_string()),
            GuestCartHeard::Created(_) => Route::Ignore,
            GuestCartHeard::Merged(e) => Route::Continue(e.cart.to_string()),
            GuestCartHeard::Abandoned(e) => Route::Continue(e.cart.to_string()),
        }
    }

    fn evolve(state: &mut GuestCartState, input: &Input<'_, GuestCartHeard>) {
        state.was_over = state.is_over;
        match input {
            Input::Heard(GuestCartHeard::Created(e)) => {
                state.of = e.guest.clone().map(|guest| (guest, e.cart.clone()));
            }
            Input::Heard(GuestCartHeard::Merged(_) | GuestCartHeard::Abandoned(_)) => state.is_over = true,
            Input::Woke { .. } => {}
            Input::Refused { rejection, .. } => state.is_over |= still_used_until(rejection).is_none(),
        }
    }

    fn react(&self, state: &GuestCartState, input: &Input<'_, GuestCartHeard>, _: &Ctx) -> Vec<Effect<AbandonCart>> {
        let wake = |at_ms| vec![Effect::Wake { name: WEEK, at_ms }];
        match (input, &state.of) {
            _ if state.was_over => Vec::new(),
            _ if state.is_over => vec![Effect::CancelWake(WEEK), Effect::Done],
            (Input::Heard(GuestCartHeard::Created(e)), _) => wake(e.at_ms.saturating_add(GUEST_MS)),
            (Input::Woke { .. }, Some((customer, cart))) => {
                vec![Effect::Send(AbandonCart { customer: customer.clone(), cart: cart.clone() })]
            }
            (Input::Refused { rejection, .. }, _) => still_used_until(rejection).map(wake).unwrap_or_default(),
            _ => Vec::new(),
        }
    }
}

/// When a cart that was used in the meantime is looked at again.
fn still_used_until(rejection: &[u8]) -> Option<i64> {
    match CartRejection::decode("cart.rejection", 1, rejection) {
        Ok(Some(CartRejection::StillUsed { until_ms })) => Some(until_ms),
        _ => None,
    }
}
