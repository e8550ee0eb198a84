//! What is in a cart, and why one did not change.

use bongsu_core::message;
use serde::{Deserialize, Serialize};

use crate::{
    cart_events::CartEvent,
    ids::{CartId, OrderId, Sku},
    place_order::MOST_PIECES,
};

/// What is known of a customer's cart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartState {
    /// The open one; `None` before the first and after each check-out.
    pub open: Option<OpenCart>,
    /// The order the last one became.
    pub last_order: Option<OrderId>,
    /// Which cart that was.
    pub last_cart: Option<CartId>,
}

/// A cart that is being filled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenCart {
    /// Its id.
    pub cart: CartId,
    /// In the order in which they were first put in.
    pub lines: Vec<CartLine>,
    /// When something was last done with it, milliseconds since the Unix epoch.
    pub touched_ms: i64,
}

/// So many of one product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartLine {
    /// Which product.
    pub sku: Sku,
    /// How many, at least one.
    pub quantity: u32,
}

/// A line as a customer saw it, who wants that one changed and no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenLine {
    /// In which cart.
    pub cart: CartId,
    /// How many there were.
    pub quantity: u32,
}

/// The shape of [`CartState`] for snapshots. Raise it when the state, or what an event makes of it, changes.
pub const CART_SCHEMA: u32 = 2;

/// Why a cart did not change.
#[message("cart.rejection", version = 1)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum CartRejection {
    /// There is an open cart already.
    AlreadyOpen,
    /// There is no open cart.
    NoCart,
    /// Nothing, or more pieces of one product than one order holds.
    Quantity {
        /// The limit.
        most: u32,
    },
    /// More lines than one order holds.
    Full {
        /// The limit.
        most: usize,
    },
    /// Not in the price list.
    UnknownProduct {
        /// What was asked for.
        sku: Sku,
    },
    /// No longer sold.
    NotSold {
        /// What was asked for.
        sku: Sku,
    },
    /// The cart has no such line.
    NotInCart {
        /// What was asked for.
        sku: Sku,
    },
    /// The line is not as the customer saw it.
    Moved {
        /// Which product.
        sku: Sku,
    },
    /// There is nothing to check out.
    Empty,
    /// It is not the cart whose prices were looked up, or that the customer saw.
    Changed,
    /// The cart that the customer saw has become an order already.
    CheckedOut {
        /// Which.
        order: OrderId,
    },
    /// It is no visitor's cart, or would not become a customer's.
    NotAGuests,
    /// It was used in the meantime.
    StillUsed {
        /// Not before then, milliseconds since the Unix epoch.
        until_ms: i64,
    },
}

impl CartState {
    /// What an event makes of it.
    pub(crate) fn evolve(&mut self, event: &CartEvent) {
        match event {
            CartEvent::Created(e) => {
                self.open = Some(OpenCart { cart: e.cart.clone(), lines: Vec::new(), touched_ms: e.at_ms });
            }
            CartEvent::ItemAdded(e) => self.with_open(e.at_ms, |open| open.add(&e.sku, e.quantity)),
            CartEvent::QuantityChanged(e) => self.with_open(e.at_ms, |open| open.change(&e.sku, e.quantity)),
            CartEvent::ItemRemoved(e) => self.with_open(e.at_ms, |open| open.lines.retain(|line| line.sku != e.sku)),
            CartEvent::CheckedOut(e) => {
                *self = CartState { open: None, last_order: Some(e.order.clone()), last_cart: Some(e.cart.clone()) };
            }
            CartEvent::Merged(_) | CartEvent::Abandoned(_) => self.open = None,
        }
    }

    /// What is in the open cart.
    pub fn lines(&self) -> &[CartLine] {
        self.open.as_ref().map_or(&[], |open| &open.lines)
    }

    /// How many pieces of a product are in the open cart.
    pub fn pieces(&self, sku: &Sku) -> Option<u32> {
        self.lines().iter().find(|line| line.sku == *sku).map(|line| line.quantity)
    }

    /// A line of the open cart, as it is seen now.
    pub fn seen(&self, sku: &Sku) -> Option<SeenLine> {
        let open = self.open.as_ref()?;
        Some(SeenLine { cart: open.cart.clone(), quantity: self.pieces(sku)? })
    }

    /// Only an open cart is filled; decisions see to that, and replay must not fail.
    fn with_open(&mut self, at_ms: i64, change: impl FnOnce(&mut OpenCart)) {
        if let Some(open) = &mut self.open {
            open.touched_ms = at_ms;
            change(open);
        }
    }
}

impl OpenCart {
    fn add(&mut self, sku: &Sku, quantity: u32) {
        match self.lines.iter_mut().find(|line| line.sku == *sku) {
            Some(line) => line.quantity = line.quantity.saturating_add(quantity),
            None => self.lines.push(CartLine { sku: sku.clone(), quantity }),
        }
    }

    fn change(&mut self, sku: &Sku, quantity: u32) {
        let mine = self.lines.iter_mut().filter(|line| line.sku == *sku);
        mine.for_each(|line| line.quantity = quantity);
    }
}

/// So many pieces of one product as an order holds.
pub(crate) fn fits(pieces: u64) -> Result<(), CartRejection> {
    match (1..=u64::from(MOST_PIECES)).contains(&pieces) {
        true => Ok(()),
        false => Err(CartRejection::Quantity { most: MOST_PIECES }),
    }
}
