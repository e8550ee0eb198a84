//! MyPage: one row per order, one screen per customer, folded from facts alone. It owns no truth.
//!
//! [`service`] is the map: every arrow in is one line. [`heard`] is what it needs of each fact,
//! [`order_history`] how a row is folded, [`api`] what is shown.
#![forbid(unsafe_code)]

pub mod heard;
pub mod order_history;
pub mod api;

pub use bongsu::NoSettings as Settings;
use bongsu_runtime::Service;

use crate::order_history::OrderHistory;

/// The map of MyPage.
pub fn service(_: &Settings) -> Service {
    Service::new("mypage").projection::<OrderHistory>()
}
