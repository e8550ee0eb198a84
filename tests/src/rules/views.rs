//! I10: the read model agrees with the contexts it was folded from.

use std::collections::BTreeMap;

use delivery::delivery::{Deliveries, Phase as Parcel};
use mypage::order_history::{DeliveryPart, OrderPart, PaymentPart, Row, StockPart};
use ordering_domain::order::{Orders, Phase};
use payment::payment::{Charge, Payments};
use product_domain::{events::ReservationEvent, reservation::Reservation};

use super::Checked;
use crate::evidence::Evidence;

/// I10: for every order, each part of its row is what that context holds now.
pub(super) fn agree(evidence: &Evidence) -> Checked {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for doc in evidence.store("mypage").rows("order-history@2") {
        let row = serde_json::from_slice(&doc.data).map_err(|error| format!("row {}: {error}", doc.key.id))?;
        rows.insert(doc.key.id.to_string(), row);
    }
    let orders = evidence.store("ordering").states_of::<Orders>();
    let stock = stock_parts(evidence);
    let payments = evidence.store("payment").states_of::<Payments>();
    let parcels = evidence.store("delivery").states_of::<Deliveries>();
    for (order, state) in orders.iter() {
        let row = rows.remove(order).ok_or_else(|| format!("{order} has no row"))?;
        let expected = (
            order_part(&state.phase),
            stock.get(order).copied(),
            payment_part(payments.get(order).map(|payment| &payment.charge)),
            delivery_part(parcels.get(order).map(|parcel| parcel.phase)),
        );
        let shown = (row.ordering, row.stock, row.payment, row.delivery);
        if shown != expected {
            return Err(format!("{order} shows {shown:?}, the contexts hold {expected:?}"));
        }
        let customer = state.placed.as_ref().map(|placed| &*placed.customer);
        if row.placed.as_ref().map(|placed| &*placed.customer) != customer {
            return Err(format!("{order} belongs to {customer:?}, its row says {:?}", row.placed));
        }
    }
    match rows.keys().next() {
        Some(order) => Err(format!("MyPage shows {order}, which does not exist")),
        None => Ok(orders.len() as u64),
    }
}

fn order_part(phase: &Phase) -> OrderPart {
    match phase {
        Phase::Unknown => OrderPart::Unheard,
        Phase::Pending => OrderPart::Pending,
        Phase::Confirmed { .. } => OrderPart::Confirmed,
        Phase::Rejected { .. } => OrderPart::Rejected,
        Phase::Cancelled { .. } => OrderPart::Cancelled,
        Phase::Completed => OrderPart::Completed,
    }
}

/// What each reservation told last; one that was closed before it held anything told nothing.
fn stock_parts(evidence: &Evidence) -> BTreeMap<String, StockPart> {
    let events = evidence.store("product").events_of::<Reservation>();
    let told = events.iter().filter_map(|(order, event)| {
        let part = match event {
            ReservationEvent::Held(_) => StockPart::Reserved,
            ReservationEvent::Rejected(_) => StockPart::Rejected,
            ReservationEvent::Released(_) => StockPart::Released,
            ReservationEvent::Committed(_) => StockPart::Committed,
            ReservationEvent::Closed(_) => return None,
        };
        Some((order.clone(), part))
    });
    told.collect()
}

fn payment_part(charge: Option<&Charge>) -> Option<PaymentPart> {
    match charge? {
        Charge::None | Charge::Requested | Charge::Forgone => None,
        Charge::Declined { .. } => Some(PaymentPart::Declined),
        Charge::Captured { .. } | Charge::RefundRequested { .. } => Some(PaymentPart::Captured),
        Charge::Refunded { .. } => Some(PaymentPart::Refunded),
    }
}

fn delivery_part(parcel: Option<Parcel>) -> Option<DeliveryPart> {
    match parcel? {
        Parcel::Unknown => None,
        Parcel::Prepared => Some(DeliveryPart::Prepared),
        Parcel::Departed => Some(DeliveryPart::Departed),
        Parcel::Completed => Some(DeliveryPart::Completed),
        Parcel::Failed => Some(DeliveryPart::Failed),
        Parcel::Cancelled => Some(DeliveryPart::Cancelled),
    }
}
