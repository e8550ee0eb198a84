//! What one order holds. It is the memory that keeps an order from giving back what it never took.

use bongsu_core::{Aggregate, message};
use serde::{Deserialize, Serialize};

use crate::events::{Line, ReservationEvent};

/// The reservation of one order; id = order id.
pub struct Reservation;

/// Where a reservation stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "kebab-case")]
pub enum ReservationState {
    /// The order was never heard of.
    #[default]
    Unknown,
    /// Every line is held.
    Held {
        /// One line per sku.
        lines: Vec<Line>,
    },
    /// There was not enough; nothing is held.
    Rejected,
    /// The order ended and holds nothing: given back, or ended before it was heard of.
    Ended,
    /// What was held left for good.
    Committed,
}

/// Why a reservation did not change.
#[message("reservation.rejection", version = 1)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum ReservationRejection {
    /// It was decided before, in favour.
    AlreadyHeld,
    /// It was decided before, against.
    AlreadyRejected,
    /// The order has ended.
    OrderEnded,
    /// There is nothing to commit.
    NothingHeld,
    /// What was held has left.
    AlreadyCommitted,
}

impl Aggregate for Reservation {
    const NAME: &'static str = "reservation";
    type Event = ReservationEvent;
    type State = ReservationState;

    fn evolve(state: &mut ReservationState, event: &ReservationEvent) {
        *state = match event {
            ReservationEvent::Held(held) => ReservationState::Held { lines: held.lines.clone() },
            ReservationEvent::Rejected(_) => ReservationState::Rejected,
            ReservationEvent::Released(_) | ReservationEvent::Closed(_) => ReservationState::Ended,
            ReservationEvent::Committed(_) => ReservationState::Committed,
        };
    }
}

impl ReservationState {
    /// What the order holds now.
    pub fn held(&self) -> &[Line] {
        match self {
            Self::Held { lines } => lines,
            Self::Unknown | Self::Rejected | Self::Ended | Self::Committed => &[],
        }
    }
}
