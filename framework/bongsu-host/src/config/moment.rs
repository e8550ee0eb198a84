//! Times and places that can be set: what is none is refused when the process starts, with its key. Without that, the map
//! that is made of it is refused, which knows no settings.

use bongsu_runtime::daily;
use serde::{Deserialize as _, Deserializer, de::Error as _};

/// Reads a time of a day, `HH:MM` or `HH:MM:SS`, for a field that is set from outside:
///
/// ```
/// use bongsu_host::config::{time_of_day, time_zone};
///
/// #[derive(serde::Deserialize)]
/// struct Settings {
///     #[serde(deserialize_with = "time_of_day")]
///     at: String,
///     #[serde(deserialize_with = "time_zone")]
///     zone: String,
/// }
/// let read = |text: &str| toml::from_str::<Settings>(text).map_err(|refused| refused.message().to_owned());
/// assert_eq!(read("at = '23:30'\nzone = 'Asia/Seoul'").unwrap().at, "23:30");
/// assert!(read("at = '25:00'\nzone = 'UTC'").err().unwrap().contains("\"25:00\" is no time of a day"));
/// ```
///
/// # Errors
/// What was given, and what is expected.
pub fn time_of_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    daily(&text, "UTC").check().map_err(D::Error::custom)?;
    Ok(text)
}

/// Reads a name of the IANA time zone database, as [`time_of_day`] reads a time.
///
/// # Errors
/// What was given, and what is expected.
pub fn time_zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    daily("00:00", &text).check().map_err(D::Error::custom)?;
    Ok(text)
}
