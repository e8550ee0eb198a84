//! One row per order: a part for each context, and the status derived from the parts.
//!
//! Facts of different contexts arrive in any order; since a part is changed by its own context alone, every
//! order of arrival ends in the same row.

use std::collections::BTreeSet;

use bongsu_core::{Metadata, Projection, Wire as _};
use money::Money;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::heard::{CustomerId, Line, OrderFact, OrderId};

/// Folds the order history.
pub struct OrderHistory;

/// One order as its customer sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Which order.
    pub order: OrderId,
    /// What ordering said when it was placed; unknown until that is heard.
    pub placed: Option<Placed>,
    /// Ordering's part.
    pub ordering: OrderPart,
    /// Whether the customer asked for it back, and what became of that.
    pub cancellation: Option<CancellationPart>,
    /// Why it was rejected or cancelled.
    pub why: Option<String>,
    /// Product's part.
    pub stock: Option<StockPart>,
    /// Payment's part.
    pub payment: Option<PaymentPart>,
    /// Delivery's part.
    pub delivery: Option<DeliveryPart>,
    /// Everything that was heard of it, as it happened.
    pub told: BTreeSet<Told>,
}

/// One fact that was heard. In the order in which they happened, whatever came first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Told {
    /// When it happened, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Its name, `CONTEXT.FACT`.
    pub fact: String,
}

/// What is known of the order itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// Whose.
    pub customer: CustomerId,
    /// What.
    pub lines: Vec<Line>,
    /// Sum of the lines.
    pub amount: Money,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// How far ordering says it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OrderPart {
    /// Nothing heard from ordering yet.
    #[default]
    Unheard,
    /// Placed.
    Pending,
    /// Confirmed.
    Confirmed,
    /// Rejected.
    Rejected,
    /// Cancelled.
    Cancelled,
    /// Completed.
    Completed,
}

/// What became of the wish to have it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CancellationPart {
    /// Delivery has not answered yet.
    Requested,
    /// It was on its way.
    Refused,
}

/// What product holds for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StockPart {
    /// Held.
    Reserved,
    /// Not enough.
    Rejected,
    /// Given back.
    Released,
    /// Gone for good.
    Committed,
}

/// What payment did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PaymentPart {
    /// Money taken.
    Captured,
    /// Declined.
    Declined,
    /// Money back.
    Refunded,
}

/// Where the parcel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryPart {
    /// Packed.
    Prepared,
    /// On its way.
    Departed,
    /// Arrived.
    Completed,
    /// Not deliverable.
    Failed,
    /// Kept back.
    Cancelled,
}

/// The status shown, with its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Status {
    /// For programs.
    pub code: &'static str,
    /// Korean.
    pub ko: &'static str,
    /// English.
    pub en: &'static str,
}

/// Rows by customer, newest last.
pub const BY_CUSTOMER: u16 = 0;

impl Projection for OrderHistory {
    const NAME: &'static str = "order-history";
    const VERSION: u32 = 2;
    type Event = OrderFact;
    type Row = Row;

    fn fold(key: &str, row: Option<Row>, event: &OrderFact, metadata: &Metadata) -> Option<Row> {
        let mut row = row.unwrap_or_else(|| Row { order: key.into(), ..Row::default() });
        let (fact, _) = event.name();
        row.told.insert(Told { at_ms: metadata.at_ms.unwrap_or_default(), fact: fact.to_owned() });
        row.hear(event.clone());
        Some(row)
    }

    fn index(key: &str, row: &Row) -> Vec<(u16, Vec<u8>)> {
        let entry = row.placed.as_ref().map(|placed| {
            let mut entry = customer_prefix(&placed.customer);
            entry.extend_from_slice(&(placed.at_ms.max(0) as u64).to_be_bytes());
            entry.extend_from_slice(key.as_bytes());
            (BY_CUSTOMER, entry)
        });
        entry.into_iter().collect()
    }
}

/// What the index keys of one customer start with.
pub fn customer_prefix(customer: &str) -> Vec<u8> {
    let mut prefix = customer.as_bytes().to_vec();
    prefix.push(0);
    prefix
}

impl Row {
    fn hear(&mut self, fact: OrderFact) {
        match fact {
            OrderFact::OrderPlaced(e) => {
                self.placed =
                    Some(Placed { customer: e.customer, lines: e.lines, amount: e.amount, at_ms: e.placed_at_ms });
                self.ordering = OrderPart::Pending;
            }
            OrderFact::OrderConfirmed(_) => self.ordering = OrderPart::Confirmed,
            OrderFact::OrderRejected(e) => {
                self.ordering = OrderPart::Rejected;
                self.why = Some(e.why);
            }
            OrderFact::CancellationRequested(_) => self.cancellation = Some(CancellationPart::Requested),
            OrderFact::CancellationRefused(_) => self.cancellation = Some(CancellationPart::Refused),
            OrderFact::OrderCancelled(e) => {
                self.ordering = OrderPart::Cancelled;
                self.why = Some(e.why);
            }
            OrderFact::OrderCompleted(_) => self.ordering = OrderPart::Completed,
            OrderFact::StockReserved(_) => self.stock = Some(StockPart::Reserved),
            OrderFact::StockRejected(_) => self.stock = Some(StockPart::Rejected),
            OrderFact::StockReleased(_) => self.stock = Some(StockPart::Released),
            OrderFact::StockCommitted(_) => self.stock = Some(StockPart::Committed),
            OrderFact::PaymentCaptured(_) => self.payment = Some(PaymentPart::Captured),
            OrderFact::PaymentDeclined(_) => self.payment = Some(PaymentPart::Declined),
            OrderFact::PaymentRefunded(_) => self.payment = Some(PaymentPart::Refunded),
            OrderFact::DeliveryPrepared(_) => self.delivery = Some(DeliveryPart::Prepared),
            OrderFact::DeliveryDeparted(_) => self.delivery = Some(DeliveryPart::Departed),
            OrderFact::DeliveryCompleted(_) => self.delivery = Some(DeliveryPart::Completed),
            OrderFact::DeliveryFailed(_) => self.delivery = Some(DeliveryPart::Failed),
            OrderFact::DeliveryCancelled(_) => self.delivery = Some(DeliveryPart::Cancelled),
        }
    }

    /// Whether everybody has said his last word: nothing more will be heard of it.
    pub fn is_settled(&self) -> bool {
        let gave_back = matches!(self.stock, Some(StockPart::Released | StockPart::Rejected));
        match self.ordering {
            OrderPart::Completed => self.stock == Some(StockPart::Committed),
            OrderPart::Rejected | OrderPart::Cancelled => gave_back && self.payment != Some(PaymentPart::Captured),
            OrderPart::Unheard | OrderPart::Pending | OrderPart::Confirmed => false,
        }
    }

    /// The wish stands and nobody has answered it yet.
    fn is_called_back(&self) -> bool {
        let unanswered = matches!(self.delivery, None | Some(DeliveryPart::Prepared | DeliveryPart::Cancelled));
        self.cancellation == Some(CancellationPart::Requested) && unanswered
    }

    /// The status shown: an end decided by ordering wins, else the parcel tells, else the order.
    pub fn status(&self) -> Status {
        match (self.ordering, self.delivery) {
            (OrderPart::Rejected, _) => Status { code: "rejected", ko: "주문 거절", en: "Order rejected" },
            (OrderPart::Cancelled, _) => Status { code: "cancelled", ko: "주문 취소", en: "Order cancelled" },
            (_, Some(DeliveryPart::Completed)) => Status { code: "delivered", ko: "배송 완료", en: "Delivered" },
            (_, Some(DeliveryPart::Departed)) => Status { code: "on-its-way", ko: "배송 시작", en: "On its way" },
            (OrderPart::Confirmed, _) if self.is_called_back() => {
                Status { code: "cancelling", ko: "주문 취소 요청됨", en: "Cancellation requested" }
            }
            (_, Some(DeliveryPart::Failed)) => {
                Status { code: "delivery-failed", ko: "배송 처리 실패", en: "Delivery failed" }
            }
            (_, Some(DeliveryPart::Cancelled)) => {
                Status { code: "delivery-cancelled", ko: "배송 취소 됨", en: "Delivery cancelled" }
            }
            (OrderPart::Confirmed, _) | (_, Some(DeliveryPart::Prepared)) => {
                Status { code: "preparing", ko: "배송 준비 중", en: "Preparing delivery" }
            }
            (OrderPart::Completed, None) => Status { code: "delivered", ko: "배송 완료", en: "Delivered" },
            (OrderPart::Pending | OrderPart::Unheard, None) => {
                Status { code: "pending", ko: "주문 접수", en: "Order received" }
            }
        }
    }
}
