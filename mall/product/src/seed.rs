//! The five goods every public version of this mall starts with, through the same commands as everybody's.

use std::time::Duration;

use bongsu_runtime::{CommandError, Handle, Outcome, Reply};
use bytes::Bytes;
use money::Money;
use product_domain::{
    receive_stock::ReceiveStock,
    stock::{Stock, StockRejection},
};

use crate::catalogue::{self, Details, own_call};

/// Sku and name, price in won, pieces.
pub const GOODS: [(&str, i64, u32); 5] =
    [("TV", 10_000, 10), ("MASK", 20_000, 20), ("NOTEBOOK", 30_000, 30), ("TABLE", 40_000, 40), ("CLOCK", 50_000, 50)];

/// Between two attempts while the store does not answer.
const PAUSE: Duration = Duration::from_millis(100);

/// Registers the goods and receives their stock. Each is done under a key of its own that never changes, so a
/// second start, or a second instance, changes nothing, whatever has become of the goods meanwhile.
pub async fn seed(handle: Handle) {
    for (sku, price, pieces) in GOODS {
        while let Err(error) = put_on_the_shelf(&handle, sku, price, pieces).await {
            tracing::warn!(sku, %error, "a seed product waits for the store");
            handle.env().sleep(PAUSE).await;
        }
    }
}

async fn put_on_the_shelf(handle: &Handle, sku: &str, price: i64, pieces: u32) -> Result<(), CommandError> {
    let details = Details { name: sku.into(), price: Money::krw(price) };
    catalogue::register(handle, &own_call(handle, &["seed", "register", sku]), &sku.into(), &details).await?;
    let receive = ReceiveStock { sku: sku.into(), quantity: pieces };
    handle.execute::<Stock, _>(receive, &own_call(handle, &["seed", "receive", sku]), nobody_reads).await?;
    Ok(())
}

fn nobody_reads(_: Outcome<'_, StockRejection>) -> Reply {
    Reply { status: 204, headers: Vec::new(), body: Bytes::new() }
}
