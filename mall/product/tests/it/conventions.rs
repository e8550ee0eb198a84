//! The HTTP conventions, on every route there is.

use bongsu_testing::conventions;

use crate::house::House;

#[tokio::test]
async fn every_route_keeps_them() {
    let house = House::open();
    house.with_ten_tvs().await;
    let things = [("/products/{sku}", "/products/TV"), ("/stock/{sku}", "/stock/TV")];
    let asked = conventions::hold(house.bench.app.clone(), "operator", &things).await;
    assert!(asked > 100, "{asked}");
    assert_eq!(house.get("/stock/TV").await.body["on_hand"], 10, "nothing of it was done");
}
