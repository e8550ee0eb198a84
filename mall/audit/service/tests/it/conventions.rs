//! The HTTP conventions, on every route there is.

use audit_service::settings::Settings;
use bongsu_testing::conventions;

use crate::house::House;

#[tokio::test]
async fn every_route_keeps_them() {
    let house = House::open();
    house.placed("o1").await;
    house.until_summary(1, 0).await;
    let asked = conventions::hold(house.app.clone(), "ann", &[("/audit/orders/{id}", "/audit/orders/o1")]).await;
    assert!(asked > 30, "{asked}");
}

#[test]
fn every_number_that_can_be_set_has_a_range() {
    assert_eq!(bongsu_testing::settings::have_ranges::<Settings>(), 2);
}
