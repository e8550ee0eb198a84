//! The HTTP conventions, on every route there is.

use bongsu_testing::conventions;
use ordering::settings::Settings;

use crate::house::House;

#[tokio::test]
async fn every_route_keeps_them() {
    let house = House::open().await;
    let order = format!("/orders/{}", house.placed("k1").await);
    house.post("ann", "k2", "/cart/items", r#"{"sku":"TV","quantity":2}"#).await;
    let there = [("/orders/{id}", order.as_str()), ("/cart/items/{sku}", "/cart/items/TV")];
    let asked = conventions::hold(house.bench.app.clone(), "ann", &there).await;
    assert!(asked > 60, "{asked}");
}

#[test]
fn every_number_that_can_be_set_has_a_range() {
    assert_eq!(bongsu_testing::settings::have_ranges::<Settings>(), 2);
}
