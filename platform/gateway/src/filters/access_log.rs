//! One line per answered request.

use http::response;

use crate::filter::{Exchange, Filter};

/// Logs method, path (without its query, which may hold what nobody should read), status and who answered.
pub struct AccessLog;

impl Filter for AccessLog {
    fn name(&self) -> &'static str {
        "access-log"
    }

    fn on_response(&self, response: &mut response::Parts, exchange: &Exchange) {
        let (method, path) = (exchange.asked.0.as_str(), exchange.asked.1.as_str());
        let status = response.status.as_u16();
        let ms = (exchange.began.elapsed().as_secs_f64() * 10_000.0).round() / 10.0;
        let upstream = exchange.service.as_deref().unwrap_or("-");
        let instance = exchange.instance.map_or_else(|| "-".to_owned(), |instance| instance.to_string());
        if status >= 500 {
            tracing::warn!(target: "access", method, path, status, ms, upstream, instance, "request");
        } else {
            tracing::info!(target: "access", method, path, status, ms, upstream, instance, "request");
        }
    }
}
