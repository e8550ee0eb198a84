//! Few goods, many customers.

use std::thread;

use crate::shared::together;

#[test]
fn thirty_orders_at_once_for_ten_pieces_confirm_exactly_ten() {
    let mall = together();
    mall.put_on_sale("TICKET", 5_000, 10);
    let orders: Vec<String> = thread::scope(|scope| {
        let mall = &mall;
        let buyers = (0..30).map(|n| scope.spawn(move || mall.buy(&format!("ticket {n}"), &[("TICKET", 1)])));
        let buyers: Vec<_> = buyers.collect();
        buyers.into_iter().map(|buyer| buyer.join().expect("a buyer is served")).collect()
    });
    let ends: Vec<_> = orders.iter().map(|order| mall.until_order(order, &["CONFIRMED", "REJECTED"])).collect();
    let confirmed = ends.iter().filter(|end| end["state"] == "CONFIRMED").count();
    let sold_out = ends.iter().filter(|end| end["why"] == "out-of-stock").count();
    assert_eq!((confirmed, sold_out), (10, 20));
    assert_eq!(mall.stock("TICKET"), (10, 10, 0));
}

#[test]
fn the_last_piece_can_be_sold_and_no_more() {
    let mall = together();
    mall.put_on_sale("RELIC", 1_000_000, 1);
    let first = mall.buy("the relic", &[("RELIC", 1)]);
    mall.until_order(&first, &["CONFIRMED"]);
    assert_eq!(mall.stock("RELIC"), (1, 1, 0));
    let second = mall.buy("the relic, too", &[("RELIC", 1)]);
    assert_eq!(mall.until_order(&second, &["REJECTED"])["why"], "out-of-stock");
    mall.deliver(&first);
    mall.until_row(&first, "committed", |row| row["stock"] == "committed");
    assert_eq!(mall.stock("RELIC"), (0, 0, 0));
}
