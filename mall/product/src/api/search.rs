//! `/products/search`: goods by what is said of them, and how many of each category.

use std::sync::Arc;

use axum::{Extension, response::Response};
use bongsu_host::{list::List, problem::Problem, query::Query};
use product_domain::product::is_sku;
use search::{Place, Words};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    catalogue::ShownProduct,
    shelves::{Seen, Shelves},
};

/// What is looked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Words of which every one is to be found, or parts of words; nothing of it is a language. At most 12 words.
    #[param(max_length = 100)]
    q: Option<String>,
    /// Goods of this category alone.
    #[param(pattern = "^[A-Za-z0-9_-]{1,32}$")]
    category: Option<String>,
}

/// So many goods bear the words.
#[derive(Serialize, ToSchema)]
pub(super) struct CategoryCount {
    category: String,
    goods: u64,
}

/// What was found.
#[derive(Serialize, ToSchema)]
pub(super) struct FoundGoods {
    /// First what bears the words in its name, of these what was bought in more confirmed orders of seven days; at most `limit`.
    items: Vec<ShownProduct>,
    /// The cursor of the next page; null when there is none.
    #[schema(required)]
    next: Option<String>,
    /// How many there are in all.
    total: u64,
    /// How many bear the words in each category, whichever is asked for.
    categories: Vec<CategoryCount>,
}

/// Goods on sale by what is said of them, as the catalogue is now.
#[utoipa::path(
    get, path = "/products/search", operation_id = "searchProducts", params(Asked, List),
    responses((status = 200, description = "A page of what was found.", body = FoundGoods)),
)]
pub(super) async fn search(
    Extension(shelves): Extension<Arc<Shelves>>,
    Query(asked): Query<Asked>,
    list: List,
) -> Result<Response, Problem> {
    let words = Words::of(asked.q.as_deref().unwrap_or_default());
    let words = words.map_err(|why| Problem::bad_request(format!("`q` is too much: {why}.")))?;
    let category = asked.category.as_deref();
    if category.is_some_and(|name| !is_sku(name)) {
        return Err(Problem::bad_request("A category is 1 to 32 letters, digits, - or _."));
    }
    let after = list.cursor.as_deref().map(|cursor| Place::of_bytes(cursor).ok_or_else(not_ours)).transpose()?;
    let Seen { goods, found } = shelves.find(&words, category, after, list.limit).await?;
    let counted = found.categories.into_iter().map(|(category, goods)| CategoryCount { category, goods });
    let categories = counted.collect();
    let total = found.total;
    let next = found.next.map(|place| place.to_bytes().into());
    Ok(list.page_as(next, |next| FoundGoods { items: goods, next, total, categories }))
}

fn not_ours() -> Problem {
    Problem::bad_request("The cursor is not one this list gave. Start without a cursor.")
}
