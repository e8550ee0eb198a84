//! What is on the shelves when the mall opens: the five goods every public version of it starts with, and, where the settings say
//! so, two hundred more.

mod goods;

use std::time::Duration;

use bongsu_core::{CommandId, Ctx};
use bongsu_runtime::{Call, CommandError, Handle, Reply, Script, ports::store::DocKey};
use bytes::Bytes;
use money::Money;
use product_domain::{about::About, events::StockReceived, product::Product, stock::Stock};

use self::goods::Good;
use crate::{
    Settings,
    catalogue::{self, PRODUCTS, Stored, next_change, put_on_sale},
};

/// Sku and name, price in won, pieces.
pub const GOODS: [(&str, i64, u32); 5] =
    [("TV", 10_000, 10), ("MASK", 20_000, 20), ("NOTEBOOK", 30_000, 30), ("TABLE", 40_000, 40), ("CLOCK", 50_000, 50)];

/// Between two attempts while the store does not answer.
const PAUSE: Duration = Duration::from_millis(100);
/// Goods of one Commit: some dozen events and documents.
const AT_ONCE: usize = 20;
/// Whose seed is on the shelf: a document for each, kept for ever.
const SEEDED: &str = "seeded";

/// Puts the goods on the shelves, once: a second start, or a second instance, changes nothing, whatever has become of the goods
/// meanwhile.
pub async fn seed(handle: Handle, settings: Settings) {
    let five = GOODS.map(|(sku, price, pieces)| Good {
        sku: sku.into(),
        name: sku.into(),
        price: Money::krw(price),
        about: About::default(),
        pieces,
    });
    let more = if settings.goods { goods::goods() } else { Vec::new() };
    let all: Vec<Good> = five.into_iter().chain(more).collect();
    for some in all.chunks(AT_ONCE) {
        while let Err(error) = put_on_the_shelf(&handle, some).await {
            tracing::warn!(%error, "seed goods wait for the store");
            handle.env().sleep(PAUSE).await;
        }
    }
}

/// In one Commit, those that were never there. A once-key would not do: those are forgotten after a day.
async fn put_on_the_shelf(handle: &Handle, goods: &[Good]) -> Result<(), CommandError> {
    let reads: Vec<DocKey> = goods.iter().flat_map(documents).chain([catalogue::changes()]).collect();
    let work = |script: &mut Script<'_>| {
        let new: Vec<&Good> = goods.iter().filter(|good| !was_there(script, good)).collect();
        if new.is_empty() {
            return Err(nothing_to_say());
        }
        let first = next_change(script);
        new.iter().zip(first..).for_each(|(good, change)| receive(script, good, change));
        Ok(nothing_to_say())
    };
    let ids: Vec<&str> = goods.iter().map(|good| good.sku.as_str()).collect();
    let id = CommandId::from_parts(&[&["seed"], &ids[..]].concat());
    let call = Call { ctx: Ctx::new(handle.env().wall_ms(), id, "seed"), once: None };
    handle.script(&call, &reads, &work).await.map(|_| ())
}

fn documents(good: &Good) -> [DocKey; 2] {
    [catalogue::key(&good.sku.as_str().into()), DocKey::new(SEEDED, &good.sku)]
}

/// Stores that are older than this have no note, but the product.
fn was_there(script: &Script<'_>, good: &Good) -> bool {
    script.get::<bool>(SEEDED, &good.sku).is_some() || script.get::<Stored>(PRODUCTS, &good.sku).is_some()
}

fn receive(script: &mut Script<'_>, good: &Good, change: u64) {
    let sku = good.sku.as_str().into();
    put_on_sale(script, Product::on_sale(&sku, &good.name, good.price, Some(&good.about)), None, change);
    script.append::<Stock>(&sku, StockReceived { quantity: good.pieces });
    script.put(SEEDED, &sku, &true, Vec::new());
}

fn nothing_to_say() -> Reply {
    Reply { status: 204, headers: Vec::new(), body: Bytes::new() }
}
