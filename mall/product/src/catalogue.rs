//! Product information: transaction scripts, because there are no rules beyond the shape.
//!
//! One document per sku, in one Commit with the event that tells the others. The document carries how often
//! it was changed, which is what `If-Match` compares, and which change of the catalogue was its last, by which whoever keeps
//! something in memory (a search index) hears of it.

use axum::http::{StatusCode, header};
use bongsu_host::{
    command,
    etag::{ETag, IfMatch},
    problem::Problem,
};
use bongsu_runtime::{Answer, Call, CommandError, Handle, Reply, Script, ports::store::DocKey};
use bytes::Bytes;
use money::Money;
use product_domain::{
    about::{self, is_text},
    events::{ProductChanged, ProductRegistered, ProductRetired},
    ids::Sku,
    product::{Catalogue, LONGEST_NAME, Product, is_sku},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::about::About;

/// The table of product documents.
pub const PRODUCTS: &str = "products";
/// Products on sale, by sku.
pub const ON_SALE: u16 = 0;
/// Products, also those that are no longer sold, by their last change.
pub const BY_CHANGE: u16 = 1;
/// Products on sale, by group and sku.
pub const BY_GROUP: u16 = 2;

/// No product's id: what is asked at `/products/search`.
const SEARCH: &str = "search";

/// Where changes of the catalogue are counted.
const COUNTS: &str = "catalogue";
const CHANGES: &str = "changes";

/// A product as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// What it is.
    pub product: Product,
    /// How often it was written, from 1.
    pub version: u64,
    /// The catalogue's change that was its last; 0 of what was written before changes were counted.
    #[serde(default)]
    pub change: u64,
    /// The catalogue's change with which it came.
    #[serde(default)]
    pub since: u64,
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
    /// What else a page shows of it; what is not said here is shown no longer.
    #[serde(default)]
    pub about: Option<About>,
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
    /// What else a page shows of it; absent when there is nothing to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<About>,
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
        let change = next_change(script);
        let stored = put_on_sale(script, details.product(sku), known, change);
        Ok(answer(StatusCode::CREATED, &stored))
    };
    handle.script(call, &[key(sku), changes()], &work).await
}

/// Changes what a page shows, if the operator saw what is there now.
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
        let product = details.product(sku);
        if known.product == product {
            return Ok(answer(StatusCode::OK, &known));
        }
        let at_ms = script.ctx().now_ms;
        let change = next_change(script);
        let stored = write(script, product, Some(known), change);
        let Product { sku, name, price, about, .. } = stored.product.clone();
        script.append::<Catalogue>(&sku.clone(), ProductChanged { sku, name, price, at_ms, about: some(about) });
        Ok(answer(StatusCode::OK, &stored))
    };
    handle.script(call, &[key(sku), changes()], &work).await
}

/// Takes a product off sale, if the operator saw what is there now.
///
/// # Errors
/// As [`register`].
pub async fn retire(handle: &Handle, call: &Call, sku: &Sku, seen: &IfMatch) -> Result<Answer, CommandError> {
    let work = |script: &mut Script<'_>| {
        let known = on_sale(script, sku, seen)?;
        let at_ms = script.ctx().now_ms;
        let change = next_change(script);
        let stored = write(script, Product { retired: true, ..known.product.clone() }, Some(known), change);
        script.append::<Catalogue>(sku, ProductRetired { sku: sku.to_owned(), at_ms });
        Ok(answer(StatusCode::OK, &stored))
    };
    handle.script(call, &[key(sku), changes()], &work).await
}

impl Details {
    fn product(&self, sku: &Sku) -> Product {
        Product::on_sale(sku, &self.name, self.price, self.about.clone().map(Into::into).as_ref())
    }
}

impl Stored {
    /// Its entity tag.
    pub fn etag(&self) -> ETag {
        ETag::version(self.version)
    }

    /// What is shown of it.
    pub fn shown(&self) -> ShownProduct {
        let Product { sku, name, price, about, .. } = self.product.clone();
        ShownProduct { sku, name, price, about: some(about).map(Into::into) }
    }
}

/// What the index keys of one group start with; no group holds a NUL, so none is the start of another.
pub fn group_prefix(group: &str) -> Vec<u8> {
    [group.as_bytes(), &[0]].concat()
}

/// Writes a product that can be bought from now on, and tells the others.
pub(crate) fn put_on_sale(script: &mut Script<'_>, product: Product, known: Option<Stored>, change: u64) -> Stored {
    let at_ms = script.ctx().now_ms;
    let stored = write(script, product, known, change);
    let Product { sku, name, price, about, .. } = stored.product.clone();
    script.append::<Catalogue>(&sku.clone(), ProductRegistered { sku, name, price, at_ms, about: some(about) });
    stored
}

/// What says nothing is not said.
fn some(about: about::About) -> Option<about::About> {
    (about != about::About::default()).then_some(about)
}

/// The document in which changes of the catalogue are counted; whoever writes a product reads it.
pub(crate) fn changes() -> DocKey {
    DocKey::new(COUNTS, CHANGES)
}

/// The number of the catalogue's last change.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn last_change(handle: &Handle) -> Result<u64, CommandError> {
    Ok(handle.document::<u64>(COUNTS, CHANGES).await?.unwrap_or_default())
}

/// The number of the catalogue's next change.
pub(crate) fn next_change(script: &Script<'_>) -> u64 {
    script.get::<u64>(COUNTS, CHANGES).unwrap_or_default() + 1
}

pub(crate) fn key(sku: &Sku) -> DocKey {
    DocKey::new(PRODUCTS, sku.to_string())
}

fn on_sale(script: &Script<'_>, sku: &Sku, seen: &IfMatch) -> Result<Stored, Reply> {
    let known = script.get::<Stored>(PRODUCTS, sku).filter(|known| !known.product.retired);
    let known = known.ok_or_else(|| Problem::not_found("There is no such product.").reply())?;
    seen.check(&known.etag()).map_err(|refused| refused.reply())?;
    Ok(known)
}

/// Only what is on sale is in the lists, so that none ever skips over what is not.
fn write(script: &mut Script<'_>, product: Product, known: Option<Stored>, change: u64) -> Stored {
    script.put(COUNTS, CHANGES, &change, Vec::new());
    let since = known.as_ref().map_or(change, |known| known.since);
    let stored = Stored { version: known.map_or(1, |known| known.version + 1), product, change, since };
    let Product { sku, retired, about, .. } = &stored.product;
    let mut index = vec![(BY_CHANGE, Bytes::copy_from_slice(&change.to_be_bytes()))];
    if !retired {
        index.push((ON_SALE, Bytes::copy_from_slice(sku.as_bytes())));
        let group = about.choice.as_ref().map(|choice| [&group_prefix(&choice.group), sku.as_bytes()].concat());
        index.extend(group.map(|entry| (BY_GROUP, entry.into())));
    }
    script.put(PRODUCTS, sku, &stored, index);
    stored
}

fn check(sku: &Sku, details: &Details) -> Result<(), Reply> {
    let Details { name, price, about } = details;
    let fault = if !is_sku(sku) || **sku == *SEARCH {
        Problem::invalid("/sku", "1 to 32 letters, digits, - or _, and not the word search")
    } else if !is_text(name, LONGEST_NAME) {
        Problem::invalid("/name", format!("1 to {LONGEST_NAME} characters, no control characters"))
    } else if !price.is_a_price() {
        Problem::invalid("/price/minor", format!("a price is positive and at most {}", Money::MOST))
    } else if let Err(fault) = about.clone().map(about::About::from).unwrap_or_default().check() {
        Problem::invalid(format!("/about{}", fault.pointer), fault.should)
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
