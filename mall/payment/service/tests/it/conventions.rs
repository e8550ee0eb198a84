//! The HTTP conventions, on every route there is.

use bongsu_testing::conventions;

use crate::house::House;

#[tokio::test]
async fn every_route_keeps_them() {
    let house = House::open();
    let asked = conventions::hold(house.app.clone(), "ann", &[]).await;
    assert!(asked > 15, "{asked}");
}
