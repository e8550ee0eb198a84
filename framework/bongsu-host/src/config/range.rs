//! Numbers that can be set: each says from where to where it makes sense.
//!
//! A number outside is refused when the process starts, with its key and its range. Without one, a number that nothing
//! can be done with (a window that ends after the year 9999, a timeout of less than nothing) is found by whoever meets it.

use std::fmt;

use serde::{Deserializer, de};

/// Reads a whole number from `LEAST` to `MOST`, for a field that is set from outside:
///
/// ```
/// use bongsu_host::config::within;
///
/// #[derive(serde::Deserialize)]
/// struct Settings {
///     #[serde(deserialize_with = "within::<_, _, 1, 60_000>")]
///     window_ms: i64,
/// }
/// let refused = toml::from_str::<Settings>("window_ms = -1").err().unwrap();
/// assert!(refused.message().contains("must be a whole number from 1 to 60000, not -1"));
/// assert_eq!(toml::from_str::<Settings>("window_ms = 60000").unwrap().window_ms, 60_000);
/// ```
///
/// # Errors
/// Names the range and what was given.
pub fn within<'de, D, T, const LEAST: i64, const MOST: i64>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64>,
{
    let number = deserializer.deserialize_i64(Within { least: LEAST, most: MOST })?;
    // Only a range that is wider than the field comes here.
    T::try_from(number).map_err(|_| refused(LEAST, MOST, &number))
}

struct Within {
    least: i64,
    most: i64,
}

fn refused<E: de::Error>(least: i64, most: i64, given: &dyn fmt::Display) -> E {
    E::custom(format!("must be a whole number from {least} to {most}, not {given}"))
}

/// The range somebody expects, by how [`within`] says it.
pub(super) fn bounds(expected: &str) -> Option<(i64, i64)> {
    let (least, most) = expected.strip_prefix("a whole number from ")?.split_once(" to ")?;
    Some((least.parse().ok()?, most.parse().ok()?))
}

/// A text that was given, at the end of a line.
pub(super) fn shown(given: &str) -> &str {
    if given.is_empty() { "an empty text" } else { given }
}

impl Within {
    fn take<E: de::Error>(self, given: i128) -> Result<i64, E> {
        let fitting = i64::try_from(given).ok().filter(|number| (self.least..=self.most).contains(number));
        fitting.ok_or_else(|| refused(self.least, self.most, &given))
    }
}

impl de::Visitor<'_> for Within {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {} to {}", self.least, self.most)
    }

    fn visit_i64<E: de::Error>(self, given: i64) -> Result<i64, E> {
        self.take(given.into())
    }

    fn visit_u64<E: de::Error>(self, given: u64) -> Result<i64, E> {
        self.take(given.into())
    }

    /// What was written (`1e9`) is not known any more, and what it is read as (`1000000000.0`) is nowhere to be found.
    fn visit_f64<E: de::Error>(self, _: f64) -> Result<i64, E> {
        Err(refused(self.least, self.most, &"one with a point or an exponent"))
    }

    /// A number from the environment that is larger than any comes as text. One that would be taken was quoted in a file.
    fn visit_str<E: de::Error>(self, given: &str) -> Result<i64, E> {
        let Self { least, most } = self;
        match given.parse() {
            Ok(number) if (least..=most).contains(&number) => {
                Err(refused(least, most, &format_args!("the text \"{given}\": without quotes it is a number")))
            }
            _ => Err(refused(least, most, &shown(given))),
        }
    }

    fn visit_bool<E: de::Error>(self, given: bool) -> Result<i64, E> {
        Err(refused(self.least, self.most, &given))
    }
}
