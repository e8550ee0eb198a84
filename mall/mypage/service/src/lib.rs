//! MyPage: one row per order, one screen per customer, folded from facts alone. It owns no truth.
//!
//! [`service`] is the map: every arrow in is one line. [`heard`] is what it needs of each fact,
//! [`order_history`] how a row is folded, [`api`] what is shown.
#![forbid(unsafe_code)]

pub mod heard;
pub mod order_history;
pub mod api;

use bongsu_runtime::Service;

use crate::order_history::OrderHistory;

/// The facts of an order's life.
pub const HEARD: &[&str] = &[
    "ordering.order-placed.v1",
    "ordering.order-confirmed.v1",
    "ordering.order-rejected.v1",
    "ordering.cancellation-requested.v1",
    "ordering.cancellation-refused.v1",
    "ordering.order-cancelled.v1",
    "ordering.order-completed.v1",
    "product.stock-reserved.v1",
    "product.stock-rejected.v1",
    "product.stock-released.v1",
    "product.stock-committed.v1",
    "payment.payment-captured.v1",
    "payment.payment-declined.v1",
    "payment.payment-refunded.v1",
    "delivery.delivery-prepared.v1",
    "delivery.delivery-departed.v1",
    "delivery.delivery-completed.v1",
    "delivery.delivery-failed.v1",
    "delivery.delivery-cancelled.v1",
];

/// The map of MyPage.
pub fn service() -> Service {
    Service::new("mypage").projection::<OrderHistory>(HEARD)
}
