//! Product information: transaction scripts, because there are no rules beyond the shape.
//!
//! One document per sku, in one Commit with the event that tells the others. The document carries how often
//! it was changed, which is what `If-Match` compares.

use axum::http::{StatusCode, header};
use bongsu_core::Ctx;
use bongsu_host::{
    command,
    etag::{ETag, IfMatch},
    problem::Problem,
};
use bongsu_runtime::{Answer, Call, CommandError, Handle, Reply, Script, ports::store::DocKey};
use bytes::Bytes;
use money::Money;
use product_domain::{
    events::{ProductChanged, ProductRegistered, ProductRetired},
    ids::Sku,
    product::{Catalogue, LONGEST_NAME, Product, is_sku},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The table of product documents.
pub const PRODUCTS: &str = "products";
/// Products on sale, by sku.
pub const ON_SALE: u16 = 0;

/// A product as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// What it is.
    pub product: Product,
    /// How often it was written, from 1.
    pub version: u64,
}

/// What an operator says about a product.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = ProductDetails)]
pub struct Details {
    /// What customers read: no control characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// For one piece; positive.
    pub price: Money,
}

/// A product as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Product)]
pub struct ShownProduct {
    #[schema(value_type = String)]
    sku: Sku,
    /// What customers read.
    name: String,
    /// For one piece.
    price: Money,
}

/// Puts a product on sale, also one that was retired.
///
/// # Errors
/// See [`CommandError`]; what an operator did wrong is a problem in the answer.
pub async fn register(handle: &Handle, call: &Call, sku: &Sku, details: &Details) -> Result<Answer, CommandError> {
    let work = |script: &mut Script<'_>| {
        check(sku, details)?;
        let known = script.get::<Stored>(PRODUCTS, sku);
        if known.as_ref().is_some_and(|known| !known.product.retired) {
            return Err(conflict("already-registered", "There is a product of this id already"));
        }
        let at_ms = script.ctx().now_ms;
        let sku = sku.to_owned();
        let name = details.name.clone();
        let price = details.price;
        let stored = write(script, Product::on_sale(&sku, &name, price), known);
        script.append::<Catalogue>(&sku.clone(), ProductRegistered { sku, name, price, at_ms });
        Ok(answer(StatusCode::CREATED, &stored))
    };
    handle.script(call, &[key(sku)], &work).await
}

/// Changes name and price, if the operator saw what is there now.
///
/// # Errors
/// As [`register`].
pub async fn change(
    handle: &Handle,
    call: &Call,
    sku: &Sku,
    details: &Details,
    seen: &IfMatch,
) -> Result<Answer, CommandError> {
    let work = |script: &mut Script<'_>| {
        check(sku, details)?;
        let known = on_sale(script, sku, seen)?;
        let (name, price) = (details.name.clone(), details.price);
        if (&known.product.name, known.product.price) == (&name, price) {
            return Ok(answer(StatusCode::OK, &known));
        }
        let at_ms = script.ctx().now_ms;
        let stored = write(script, Product::on_sale(sku, &name, price), Some(known));
        script.append::<Catalogue>(sku, ProductChanged { sku: sku.to_owned(), name, price, at_ms });
        Ok(answer(StatusCode::OK, &stored))
    };
    handle.script(call, &[key(sku)], &work).await
}

/// Takes a product off sale, if the operator saw what is there now.
///
/// # Errors
/// As [`register`].
pub async fn retire(handle: &Handle, call: &Call, sku: &Sku, seen: &IfMatch) -> Result<Answer, CommandError> {
    let work = |script: &mut Script<'_>| {
        let known = on_sale(script, sku, seen)?;
        let at_ms = script.ctx().now_ms;
        let stored = write(script, Product { retired: true, ..known.product.clone() }, Some(known));
        script.append::<Catalogue>(sku, ProductRetired { sku: sku.to_owned(), at_ms });
        Ok(answer(StatusCode::OK, &stored))
    };
    handle.script(call, &[key(sku)], &work).await
}

impl Stored {
    /// Its entity tag.
    pub fn etag(&self) -> ETag {
        ETag::version(self.version)
    }

    /// What is shown of it.
    pub fn shown(&self) -> ShownProduct {
        let Product { sku, name, price, .. } = self.product.clone();
        ShownProduct { sku, name, price }
    }
}

fn key(sku: &Sku) -> DocKey {
    DocKey::new(PRODUCTS, sku.to_string())
}

fn on_sale(script: &Script<'_>, sku: &Sku, seen: &IfMatch) -> Result<Stored, Reply> {
    let known = script.get::<Stored>(PRODUCTS, sku).filter(|known| !known.product.retired);
    let known = known.ok_or_else(|| Problem::not_found("There is no such product.").reply())?;
    seen.check(&known.etag()).map_err(|refused| refused.reply())?;
    Ok(known)
}

/// Only what is on sale is in the index, so that a list never skips over what is not.
fn write(script: &mut Script<'_>, product: Product, known: Option<Stored>) -> Stored {
    let stored = Stored { version: known.map_or(1, |known| known.version + 1), product };
    let entry = (ON_SALE, Bytes::copy_from_slice(stored.product.sku.as_bytes()));
    let index = if stored.product.retired { Vec::new() } else { vec![entry] };
    script.put(PRODUCTS, &stored.product.sku, &stored, index);
    stored
}

fn check(sku: &Sku, details: &Details) -> Result<(), Reply> {
    let Details { name, price } = details;
    let fault = if !is_sku(sku) {
        Problem::invalid("/sku", "1 to 32 letters, digits, - or _")
    } else if name.trim().is_empty() || name.chars().count() > LONGEST_NAME || name.contains(char::is_control) {
        Problem::invalid("/name", format!("1 to {LONGEST_NAME} characters, no control characters"))
    } else if !price.is_a_price() {
        Problem::invalid("/price/minor", format!("a price is positive and at most {}", Money::MOST))
    } else {
        return Ok(());
    };
    Err(fault.reply())
}

fn answer(status: StatusCode, stored: &Stored) -> Reply {
    let mut reply = command::reply(status, &stored.shown());
    reply.headers.push((header::ETAG.to_string(), stored.etag().to_string()));
    reply
}

fn conflict(code: &str, title: &str) -> Reply {
    Problem::new(StatusCode::CONFLICT, code, title).reply()
}

/// A call of the house itself, made once for ever.
pub(crate) fn own_call(handle: &Handle, parts: &[&str]) -> Call {
    let id = bongsu_core::CommandId::from_parts(parts);
    let ctx = Ctx::new(handle.env().wall_ms(), id, "seed");
    Call { ctx, once: Some(bongsu_runtime::Once { key: id.to_string(), body: String::new() }) }
}
