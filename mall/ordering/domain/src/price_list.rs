//! What this context knows of products: enough to accept an order while product is down.

use bongsu_core::{Messages, Metadata, Projection};
use money::Money;
use serde::{Deserialize, Serialize};

use crate::heard::{ProductChanged, ProductRegistered, ProductRetired};

/// A price counts for so long after it changed, for customers who saw it.
pub const PRICE_GRACE_MS: i64 = 60_000;

/// What changes the price list.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum PriceFact {
    Registered(ProductRegistered),
    Changed(ProductChanged),
    Retired(ProductRetired),
}

/// One row of the price list, by sku.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// What customers read.
    pub name: String,
    /// Today's price of one piece.
    pub price: Money,
    /// Prices that ended within the minute before the last change.
    pub past: Vec<PastPrice>,
    /// No longer sold.
    pub retired: bool,
}

/// A price that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastPrice {
    /// For one piece.
    pub price: Money,
    /// When it ended, milliseconds since the Unix epoch.
    pub until_ms: i64,
}

/// Folds product facts into offers.
pub struct PriceList;

impl Projection for PriceList {
    const NAME: &'static str = "price-list";
    const VERSION: u32 = 1;
    type Event = PriceFact;
    type Row = Offer;

    fn fold(_: &str, row: Option<Offer>, event: &PriceFact, _: &Metadata) -> Option<Offer> {
        match event {
            PriceFact::Registered(e) => Some(Offer::now(row, &e.name, e.price, e.at_ms)),
            PriceFact::Changed(e) => Some(Offer::now(row, &e.name, e.price, e.at_ms)),
            PriceFact::Retired(_) => row.map(|offer| Offer { retired: true, ..offer }),
        }
    }
}

impl Offer {
    fn now(before: Option<Self>, name: &str, price: Money, at_ms: i64) -> Self {
        let past = before.map(|before| before.past_at(price, at_ms)).unwrap_or_default();
        Self { name: name.into(), price, past, retired: false }
    }

    /// Forgets what ended too long ago to matter to anybody; a price that did not change did not end.
    fn past_at(self, new: Money, at_ms: i64) -> Vec<PastPrice> {
        let ended = (self.price != new).then_some(PastPrice { price: self.price, until_ms: at_ms });
        let recent = self.past.into_iter().filter(|past| at_ms.saturating_sub(past.until_ms) <= PRICE_GRACE_MS);
        recent.chain(ended).collect()
    }
}
