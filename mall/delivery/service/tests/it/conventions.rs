//! The HTTP conventions, on every route there is.

use bongsu_testing::conventions;
use delivery_service::settings::Settings;

use crate::house::House;

#[tokio::test]
async fn every_route_keeps_them() {
    let house = House::open(&Settings::default());
    let asked = conventions::hold(house.app.clone(), "courier", &[]).await;
    assert!(asked > 50, "{asked}");
}
