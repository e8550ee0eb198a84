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

#[test]
fn every_number_that_can_be_set_has_a_range() {
    assert_eq!(bongsu_testing::settings::have_ranges::<Settings>(), 2);
}
