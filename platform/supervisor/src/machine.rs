//! The one place of this crate that asks the machine for the time of day.

use std::time::SystemTime;

/// The wall clock in RFC 3339, UTC, milliseconds: `2026-01-31T09:30:00.125Z`.
#[expect(clippy::disallowed_methods, reason = "this module is the supervisor's source of time; nothing simulates it")]
pub(crate) fn now_rfc3339() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}
