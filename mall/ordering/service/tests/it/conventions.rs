//! The HTTP conventions, on every route there is.

use bongsu_testing::conventions;

use crate::house::House;

#[tokio::test]
async fn every_route_keeps_them() {
    let house = House::open().await;
    let order = format!("/orders/{}", house.placed("k1").await);
    let asked = conventions::hold(house.app.clone(), "ann", &[("/orders/{id}", &order)]).await;
    assert!(asked > 60, "{asked}");
}
