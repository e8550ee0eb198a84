//! I8: stock.

use std::collections::BTreeMap;

use bongsu_core::{Aggregate, Wire};
use ordering_domain::order::{Orders, Phase};
use product_domain::{
    events::StockEvent,
    reservation::{Reservation, ReservationState},
    stock::{Stock, StockState},
};

use super::Checked;
use crate::evidence::Evidence;

/// I8, after every single event: 0 ≤ reserved ≤ on hand, and on hand = received + adjusted − committed.
pub(super) fn conserved(evidence: &Evidence) -> Checked {
    let mut stocks: BTreeMap<String, (StockState, i128, i128)> = BTreeMap::new();
    let events = evidence.store("product").events_of::<Stock>();
    for (sku, event) in events.iter() {
        let (state, on_hand, reserved) = stocks.entry((*sku).to_owned()).or_default();
        Stock::evolve(state, event);
        match event {
            StockEvent::Received(e) => *on_hand += i128::from(e.quantity),
            StockEvent::Adjusted(e) => *on_hand += i128::from(e.by),
            StockEvent::Reserved(e) => *reserved += i128::from(e.quantity),
            StockEvent::Released(e) => *reserved -= i128::from(e.quantity),
            StockEvent::Committed(e) => {
                *on_hand -= i128::from(e.quantity);
                *reserved -= i128::from(e.quantity);
            }
        }
        if *reserved < 0 || *reserved > *on_hand || i128::from(state.on_hand) != *on_hand {
            return Err(format!("{sku} after {}: {on_hand} on hand, {reserved} reserved, {state:?}", event.name().0));
        }
    }
    let mut held: BTreeMap<String, u64> = BTreeMap::new();
    for state in evidence.store("product").states_of::<Reservation>().values() {
        for line in state.held() {
            *held.entry(line.sku.to_string()).or_default() += line.quantity;
        }
    }
    for (sku, (state, ..)) in &stocks {
        let active = held.get(sku).copied().unwrap_or(0);
        if state.reserved != active {
            return Err(format!("{sku} has {} reserved, its reservations hold {active}", state.reserved));
        }
    }
    if let Some((sku, active)) = held.iter().find(|(sku, active)| **active > 0 && !stocks.contains_key(*sku)) {
        return Err(format!("reservations hold {active} of {sku}, which never was in stock"));
    }
    Ok(events.len() as u64)
}

/// I8: a completed order's reservation is committed, an ended order's holds nothing; there is none without an order.
pub(super) fn reservations_end(evidence: &Evidence) -> Checked {
    let reservations = evidence.store("product").states_of::<Reservation>();
    let orders = evidence.store("ordering").states_of::<Orders>();
    for (order, state) in orders.iter() {
        let reservation = reservations.get(order).cloned().unwrap_or_default();
        let right = match &state.phase {
            Phase::Completed => reservation == ReservationState::Committed,
            Phase::Rejected { .. } | Phase::Cancelled { .. } => {
                matches!(reservation, ReservationState::Rejected | ReservationState::Ended)
            }
            Phase::Confirmed { .. } => matches!(reservation, ReservationState::Held { .. }),
            Phase::Pending | Phase::Unknown => true,
        };
        if !right {
            return Err(format!("{order} is {:?}, its reservation is {reservation:?}", state.phase));
        }
    }
    match reservations.keys().find(|order| !orders.contains_key(*order)) {
        Some(order) => Err(format!("{order} has a reservation and was never placed")),
        None => Ok(orders.len() as u64),
    }
}
