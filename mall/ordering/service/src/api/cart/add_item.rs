//! `POST /cart/items`: so many more of a product; without a cart, into a new one.

use axum::{extract::State, response::Response};
use bongsu_host::{
    command::{self, Command},
    problem::Problem,
};
use bongsu_runtime::Handle;
use ordering_domain::add_item::AddItem;
use serde::Deserialize;

use super::problems;
use crate::api::offers::offer;

#[derive(Deserialize)]
pub(super) struct Item {
    sku: String,
    quantity: u32,
}

pub(super) async fn handle(State(handle): State<Handle>, command: Command<Item>) -> Result<Response, Problem> {
    let Item { sku, quantity } = &command.body;
    let offer = offer(&handle, sku).await?;
    let add = AddItem { customer: command.principal().to_owned(), sku: sku.clone(), quantity: *quantity, offer };
    Ok(command::respond(handle.execute(&add, command.call(), &problems::changed).await?))
}
