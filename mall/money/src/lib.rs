//! Money: integer minor units with a currency.
#![forbid(unsafe_code)]
