//! A customer orders. Everything needed to decide is in the command: the adapter looked up the offers in
//! this context's own price list, so that no other context must be up.

use bongsu_core::{Ctx, message};
use money::{Money, MoneyError};
use serde::{Deserialize, Serialize};

use crate::{
    events::{Method, OrderEvent, OrderLine, OrderPlaced},
    ids::{CustomerId, Sku},
    order_state::{OrderRejection, OrderState},
    price_list::{Offer, PRICE_GRACE_MS},
};

/// Lines of one order.
pub const MOST_LINES: usize = 50;
/// Pieces of one line.
pub const MOST_PIECES: u32 = 1_000;
/// Characters of an address, as it is written on a label.
pub const LONGEST_ADDRESS: usize = 300;
/// Bytes of an address, as it is kept: of the longest one, four for a character, sealed and written in base64, there are 1 660.
const LONGEST_KEPT: usize = 2_000;
/// The last moment that has a date, 9999-12-31T23:59:59.999Z, in milliseconds since the Unix epoch.
const LAST_MS: i64 = 253_402_300_799_999;

/// Place an order.
#[message("order.place", version = 1)]
pub struct PlaceOrder {
    /// Who asks.
    pub customer: CustomerId,
    /// What for.
    pub lines: Vec<WantedLine>,
    /// Where to, as it is kept: sealed by the adapter, so that no event and no fact can be read by whoever has not its key.
    pub address: String,
    /// How it is paid.
    pub method: Method,
}

/// One line as the customer wants it, with what the price list says about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedLine {
    /// Which product.
    pub sku: Sku,
    /// How many.
    pub quantity: u32,
    /// The price the customer saw, if the page sent it along.
    pub seen_minor: Option<i64>,
    /// What the price list says; `None` when it does not know the product.
    pub offer: Option<Offer>,
}

pub(crate) fn decide(
    state: &OrderState,
    place: PlaceOrder,
    window_ms: i64,
    ctx: &Ctx,
) -> Result<Vec<OrderEvent>, OrderRejection> {
    if state.placed.is_some() {
        return Err(OrderRejection::AlreadyPlaced);
    }
    if place.address.trim().is_empty() || place.address.len() > LONGEST_KEPT {
        return Err(OrderRejection::Address { longest: LONGEST_ADDRESS });
    }
    let lines = agreed_lines(place.lines, ctx.now_ms)?;
    let placed = OrderPlaced {
        order: ctx.id("ord", 0).into(),
        customer: place.customer,
        amount: total(&lines)?,
        lines,
        method: place.method,
        address: place.address,
        placed_at_ms: ctx.now_ms,
        expires_at_ms: end_of(ctx.now_ms, window_ms),
    };
    Ok(vec![placed.into()])
}

/// When an order placed now is given up: never in the past, and never later than a date can be written.
fn end_of(now_ms: i64, window_ms: i64) -> i64 {
    now_ms.saturating_add(window_ms.max(0)).min(LAST_MS)
}

/// An address that fits a label: asked of what the customer wrote, before it is sealed.
///
/// # Errors
/// [`OrderRejection::Address`] when it does not.
pub fn fits_a_label(address: &str) -> Result<(), OrderRejection> {
    let fits = !address.trim().is_empty()
        && address.chars().count() <= LONGEST_ADDRESS
        && !address.chars().any(|letter| letter.is_control() && letter != '\n');
    if fits { Ok(()) } else { Err(OrderRejection::Address { longest: LONGEST_ADDRESS }) }
}

fn agreed_lines(wanted: Vec<WantedLine>, now_ms: i64) -> Result<Vec<OrderLine>, OrderRejection> {
    match wanted.len() {
        0 => Err(OrderRejection::NoLines),
        1..=MOST_LINES => wanted.into_iter().enumerate().map(|(at, line)| agreed_line(at, line, now_ms)).collect(),
        _ => Err(OrderRejection::TooManyLines { most: MOST_LINES }),
    }
}

fn agreed_line(line: usize, wanted: WantedLine, now_ms: i64) -> Result<OrderLine, OrderRejection> {
    let WantedLine { sku, quantity, seen_minor, offer } = wanted;
    if !(1..=MOST_PIECES).contains(&quantity) {
        return Err(OrderRejection::Quantity { line, most: MOST_PIECES });
    }
    let Some(offer) = offer else { return Err(OrderRejection::UnknownProduct { line, sku }) };
    if offer.retired {
        return Err(OrderRejection::NotSold { line, sku });
    }
    match agreed_price(&offer, seen_minor, now_ms) {
        Some(price) => Ok(OrderLine { sku, name: offer.name, quantity, price }),
        None => Err(OrderRejection::PriceChanged { line, sku, price: offer.price }),
    }
}

/// The price the customer saw wins if it was current within the last minute; unseen, today's price counts.
fn agreed_price(offer: &Offer, seen_minor: Option<i64>, now_ms: i64) -> Option<Money> {
    let Some(seen) = seen_minor else { return Some(offer.price) };
    let recent =
        offer.past.iter().filter(|past| now_ms.saturating_sub(past.until_ms) <= PRICE_GRACE_MS).map(|past| past.price);
    [offer.price].into_iter().chain(recent).find(|price| price.minor == seen)
}

fn total(lines: &[OrderLine]) -> Result<Money, OrderRejection> {
    let amounts: Result<Vec<_>, _> = lines.iter().map(|line| line.price.times(line.quantity)).collect();
    let total = amounts.and_then(Money::sum).map_err(|error| match error {
        MoneyError::Mixed { .. } => OrderRejection::MixedCurrencies,
        MoneyError::Overflow | MoneyError::NotACurrency(_) => OrderRejection::TooExpensive,
    })?;
    let total = total.ok_or(OrderRejection::NoLines)?;
    // Older price lists may name any number; what nobody can be charged is no order.
    if total.is_a_price() { Ok(total) } else { Err(OrderRejection::TooExpensive) }
}
