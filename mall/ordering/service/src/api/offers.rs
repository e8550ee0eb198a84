//! What this context's own price list says.

use bongsu_host::problem::Problem;
use bongsu_runtime::Handle;
use ordering_domain::price_list::{Offer, PriceList};

/// No product has a longer id; a longer one is not even looked up.
const LONGEST_SKU: usize = 64;

pub(super) async fn offer(handle: &Handle, sku: &str) -> Result<Option<Offer>, Problem> {
    if sku.is_empty() || sku.len() > LONGEST_SKU {
        return Ok(None);
    }
    Ok(handle.row::<PriceList>(sku).await?)
}
