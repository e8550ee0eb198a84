//! An address to listen on.

use std::net::SocketAddr;

use serde::{Deserialize as _, Deserializer, de::Error as _};

use super::range::shown;

/// Reads an IP address with a port.
pub(super) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    let expected = "must be an IP address and a port, as 127.0.0.1:8080";
    text.parse().map_err(|_| D::Error::custom(format!("{expected}, not {}", shown(&text))))
}
