//! What this context's own price list says.

use bongsu_host::problem::Problem;
use bongsu_runtime::Handle;
use ordering_domain::{
    ids::Sku,
    price_list::{Offer, PriceList},
};

/// No product has a longer id; a longer one is not even looked up.
const LONGEST_SKU: usize = 64;

pub(super) async fn offer(handle: &Handle, sku: &Sku) -> Result<Option<Offer>, Problem> {
    Ok(offers(handle, [sku]).await?.pop().flatten())
}

/// What these products are sold for, in the order asked, in one reading.
pub(super) async fn offers<'s>(
    handle: &Handle,
    skus: impl IntoIterator<Item = &'s Sku>,
) -> Result<Vec<Option<Offer>>, Problem> {
    let skus: Vec<&Sku> = skus.into_iter().collect();
    let may_be = |sku: &Sku| !sku.is_empty() && sku.len() <= LONGEST_SKU;
    let keys: Vec<String> = skus.iter().filter(|sku| may_be(sku)).map(ToString::to_string).collect();
    let mut found = match keys.is_empty() {
        true => Vec::new().into_iter(),
        false => handle.rows_of::<PriceList>(&keys).await?.into_iter(),
    };
    Ok(skus.into_iter().map(|sku| if may_be(sku) { found.next().flatten() } else { None }).collect())
}
