//! Product information: what a page shows. A transaction script writes it; there are no rules but its shape.

use bongsu_core::Aggregate;
use money::Money;
use serde::{Deserialize, Serialize};

use crate::{about::About, events::ProductEvent, ids::Sku};

/// The longest name, in characters.
pub const LONGEST_NAME: usize = 100;

/// A product as the catalogue knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Product {
    /// Its id.
    pub sku: Sku,
    /// What customers read.
    pub name: String,
    /// For one piece.
    pub price: Money,
    /// No longer sold.
    pub retired: bool,
    /// What else a page shows of it.
    #[serde(default)]
    pub about: About,
}

/// The stream of a product's changes; id = sku. Scripts append to it so that others hear of them.
pub struct Catalogue;

impl Aggregate for Catalogue {
    const NAME: &'static str = "product";
    type Event = ProductEvent;
    type State = Option<Product>;

    fn evolve(state: &mut Option<Product>, event: &ProductEvent) {
        match event {
            ProductEvent::Registered(e) => *state = Some(Product::on_sale(&e.sku, &e.name, e.price, e.about.as_ref())),
            ProductEvent::Changed(e) => *state = Some(Product::on_sale(&e.sku, &e.name, e.price, e.about.as_ref())),
            ProductEvent::Retired(_) => {
                if let Some(product) = state {
                    product.retired = true;
                }
            }
        }
    }
}

impl Product {
    /// A product that can be bought.
    pub fn on_sale(sku: &Sku, name: &str, price: Money, about: Option<&About>) -> Self {
        let about = about.cloned().unwrap_or_default();
        Self { sku: sku.clone(), name: name.into(), price, retired: false, about }
    }
}

/// Whether a text can name a product: 1 to 32 letters, digits, `-` or `_`.
///
/// It becomes part of a stream name and of a URL, so nothing that needs quoting is allowed.
///
/// ```
/// use product_domain::product::is_sku;
/// assert!(is_sku("TV-55_black"));
/// assert!(!is_sku("") && !is_sku("a/b") && !is_sku(&"x".repeat(33)));
/// ```
pub fn is_sku(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=32).contains(&text.len()) && text.bytes().all(allowed)
}
