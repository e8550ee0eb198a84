//! Our provider as the crate `openidconnect` meets it: the whole way, with a public client and ES256, with a secret and RS256.
//!
//! Everything over HTTP against a real system (`house.rs`); a person fills in the pages (`browser.rs`).

mod house;
mod browser;
mod relying_party;
