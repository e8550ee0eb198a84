//! Money: integer minor units with a currency.
//!
//! Amounts are counted, never measured: there is no floating point here, and arithmetic that would leave
//! the range or mix currencies is an error, not a wrap. It knows nothing of prices, orders or payments.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, Visitor},
};

/// An ISO 4217 code: three upper-case letters.
///
/// ```
/// use money::Currency;
/// assert_eq!(Currency::new("KRW").unwrap(), Currency::KRW);
/// assert!(Currency::new("krw").is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

/// An amount in the smallest unit of its currency (won, cent).
///
/// ```
/// use money::Money;
/// let two = Money::krw(10_000).times(2).unwrap();
/// assert_eq!(two.plus(Money::krw(500)), Ok(Money::krw(20_500)));
/// assert!(Money::krw(i64::MAX).plus(Money::krw(1)).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Money {
    /// How many of the smallest unit.
    pub minor: i64,
    /// Of which currency.
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^[A-Z]{3}$", example = "KRW"))]
    pub currency: Currency,
}

/// Why an amount could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Amounts of two currencies do not add up.
    #[error("{left} and {right} cannot be added")]
    Mixed {
        /// Currency of the first amount.
        left: Currency,
        /// Currency of the second amount.
        right: Currency,
    },
    /// The result does not fit 64 bits.
    #[error("the amount is too large")]
    Overflow,
    /// Not three upper-case letters.
    #[error("{0:?} is not an ISO 4217 currency code")]
    NotACurrency(String),
}

impl Currency {
    /// The South Korean won; it has no minor unit, so one minor is one won.
    pub const KRW: Self = Self(*b"KRW");

    /// Reads a code.
    ///
    /// # Errors
    /// [`MoneyError::NotACurrency`] unless it is three upper-case ASCII letters.
    pub fn new(code: &str) -> Result<Self, MoneyError> {
        match <[u8; 3]>::try_from(code.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Self(letters)),
            _ => Err(MoneyError::NotACurrency(code.into())),
        }
    }

    /// The three letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency is made of ASCII letters")
    }
}

impl Money {
    /// The most of a currency that anything costs, 10¹⁵ of its smallest unit. Every reader of JSON reads it exactly, and a
    /// program that adds up a thousand of it stays within 64 bits. Whoever takes an amount from outside refuses more.
    pub const MOST: i64 = 1_000_000_000_000_000;

    /// An amount of a currency.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// An amount in won.
    pub const fn krw(won: i64) -> Self {
        Self::new(won, Currency::KRW)
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError::Mixed`] for two currencies, [`MoneyError::Overflow`] when the sum does not fit.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed { left: self.currency, right: other.currency });
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self::new(minor, self.currency))
    }

    /// So many times the amount.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when the product does not fit.
    pub fn times(self, quantity: u32) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(i64::from(quantity)).ok_or(MoneyError::Overflow)?;
        Ok(Self::new(minor, self.currency))
    }

    /// Whether anything may cost this: 1 to [`Money::MOST`].
    pub const fn is_a_price(self) -> bool {
        1 <= self.minor && self.minor <= Self::MOST
    }

    /// The sum of all; `None` of nothing, because nothing has no currency.
    ///
    /// # Errors
    /// As [`plus`](Self::plus).
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Option<Self>, MoneyError> {
        amounts.into_iter().try_fold(None, |total: Option<Self>, next| match total {
            None => Ok(Some(next)),
            Some(total) => total.plus(next).map(Some),
        })
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Code)
    }
}

/// What reads a code.
struct Code;

impl Visitor<'_> for Code {
    type Value = Currency;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, code: &str) -> Result<Currency, E> {
        Currency::new(code).map_err(E::custom)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.minor, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(cents: i64) -> Money {
        Money::new(cents, Currency::new("USD").unwrap())
    }

    #[test]
    fn amounts_of_two_currencies_do_not_add_up() {
        let error = Money::krw(1).plus(usd(1)).unwrap_err();
        assert_eq!(error.to_string(), "KRW and USD cannot be added");
    }

    #[test]
    fn an_amount_never_wraps_around() {
        assert_eq!(Money::krw(i64::MAX).plus(Money::krw(1)), Err(MoneyError::Overflow));
        assert_eq!(Money::krw(i64::MAX / 2).times(3), Err(MoneyError::Overflow));
        assert_eq!(Money::krw(i64::MIN).times(2), Err(MoneyError::Overflow));
    }

    #[test]
    fn a_price_is_positive_and_has_an_end() {
        for (minor, is_one) in [(i64::MIN, false), (0, false), (1, true), (Money::MOST, true), (Money::MOST + 1, false)]
        {
            assert_eq!(Money::krw(minor).is_a_price(), is_one, "{minor}");
        }
        assert!(Money::krw(Money::MOST).times(1_000).is_ok());
    }

    #[test]
    fn a_sum_keeps_the_currency_and_nothing_has_none() {
        assert_eq!(Money::sum([usd(3), usd(4)]), Ok(Some(usd(7))));
        assert_eq!(Money::sum([]), Ok(None));
        assert!(Money::sum([usd(3), Money::krw(4)]).is_err());
    }

    #[test]
    fn on_the_wire_it_is_two_plain_fields() {
        let json = serde_json::to_string(&Money::krw(10_000)).unwrap();
        assert_eq!(json, r#"{"minor":10000,"currency":"KRW"}"#);
        assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), Money::krw(10_000));
    }

    #[test]
    fn garbage_is_not_money() {
        for bad in [
            r#"{"minor":1,"currency":"won"}"#,
            r#"{"minor":1.5,"currency":"KRW"}"#,
            r#"{"minor":"1","currency":"KRW"}"#,
            r#"{"minor":1}"#,
            r#"{"minor":9223372036854775808,"currency":"KRW"}"#,
        ] {
            assert!(serde_json::from_str::<Money>(bad).is_err(), "{bad}");
        }
    }
}
