//! MyPage owns no truth.

use std::{fs, time::Duration};

use serde_json::Value;
use system_tests::{
    harness::{Mall, wait::until},
    rules::{self, Rule},
};

use crate::shared::alone;

#[test]
fn a_mypage_thrown_away_fills_itself_from_the_first_fact() {
    let mall = alone();
    mall.put_on_sale("KITE", 8_000, 3);
    let orders = ["one kite", "another kite"].map(|key| mall.buy(key, &[("KITE", 1)]));
    mall.deliver(&orders[0]);
    let _ = mall.cancel(&orders[1]).expect(202);
    mall.until_order(&orders[1], &["CANCELLED"]);
    agrees(&mall);
    let before = rows(&mall);
    mall.stop("mypage");
    let data = fs::read_dir(mall.system().data()).expect("the data folder can be read");
    let stores: Vec<_> =
        data.flatten().filter(|file| file.file_name().to_string_lossy().starts_with("mypage.db")).collect();
    assert!(!stores.is_empty(), "there is a store to throw away");
    stores.iter().for_each(|file| fs::remove_file(file.path()).expect("a store can be thrown away"));
    mall.start_again("mypage");
    agrees(&mall);
    assert_eq!(rows(&mall), before);
}

/// Waits until MyPage shows what the contexts hold.
fn agrees(mall: &Mall) {
    let rule: Vec<Rule> = rules::ALL.iter().filter(|rule| rule.0.starts_with("I10")).copied().collect();
    until("MyPage agrees", Duration::from_secs(30), || rules::judge(&rule, &mall.evidence()));
}

/// Every order MyPage shows, page by page.
fn rows(mall: &Mall) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = mall.get(&format!("/mypage/orders?limit=20{cursor}")).expect(200).json();
        rows.extend(page["items"].as_array().cloned().unwrap_or_default());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}
