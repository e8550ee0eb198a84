//! A read model is folded anew while customers look at it.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use system_tests::harness::{Mall, wait::until};

use crate::shared::{alone, together};

/// Order ids and how much MyPage has heard of each: a part that is there never goes away again.
fn shown(mall: &Mall) -> BTreeMap<String, usize> {
    let (mut shown, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let page = mall.get(&format!("/mypage/orders?limit=20{cursor}")).expect(200).json();
        for row in page["items"].as_array().cloned().unwrap_or_default() {
            let heard = ["stock", "payment", "delivery", "cancellation", "why"].iter();
            let heard = heard.filter(|part| !row[**part].is_null()).count();
            shown.insert(row["order_id"].as_str().unwrap_or_default().to_owned(), heard);
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return shown,
        }
    }
}

fn read_model(mall: &Mall, context: &str, name: &str) -> Value {
    let all: Vec<Value> = serde_json::from_str(&mall.said_by(&["projections", context, "--json"])).expect("JSON");
    all.into_iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("there is no {name}"))
}

fn until_live(mall: &Mall, context: &str, name: &str) -> Value {
    until("the rebuild has ended", Duration::from_secs(60), || {
        let one = read_model(mall, context, name);
        if one["filling"].is_null() { Ok(one) } else { Err(one.to_string()) }
    })
}

#[test]
fn nobody_is_shown_less_while_mypage_is_rebuilt_under_orders_and_its_process_killed() {
    let mall = alone();
    mall.put_on_sale("ORGAN", 900_000, 60);
    for n in 0..20 {
        mall.buy(&format!("organ {n}"), &[("ORGAN", 1)]);
    }
    let generation = read_model(&mall, "mypage", "order-history")["generation"].as_u64().expect("a number");
    let said = mall.said_by(&["rebuild", "mypage", "order-history", "--detach"]);
    assert!(said.contains("is being filled"), "{said}");
    mall.kill("mypage");
    let mut before = BTreeMap::new();
    for n in 20..40 {
        let order = mall.buy(&format!("organ {n}"), &[("ORGAN", 1)]);
        until("MyPage is back", Duration::from_secs(20), || {
            let answer = mall.ask("GET", "/mypage/orders?limit=1", None, None)?;
            if answer.status == 200 { Ok(()) } else { Err(format!("{}", answer.status)) }
        });
        let now = shown(&mall);
        for (order, heard) in &before {
            let now = now.get(order).unwrap_or_else(|| panic!("{order} is no longer shown"));
            assert!(now >= heard, "{order} shows {now} parts after {heard}");
        }
        before = now;
        mall.until_order(&order, &["CONFIRMED"]);
    }
    let one = until_live(&mall, "mypage", "order-history");
    assert!(one["generation"].as_u64() > Some(generation), "{one}");
    assert!(one["last"]["shown"]["events"].as_u64() > Some(0), "{one}");
    let checked = mall.said_by(&["rebuild", "mypage", "order-history", "--check"]);
    assert!(checked.contains("checked: 0 of"), "{checked}");
}

#[test]
fn a_read_model_of_own_facts_is_rebuilt_and_found_equal_key_by_key() {
    let mall = together();
    mall.put_on_sale("LUTE", 90_000, 3);
    let order = mall.buy("a lute", &[("LUTE", 1)]);
    mall.until_order(&order, &["CONFIRMED"]);
    let said = mall.said_by(&["rebuild", "ordering", "orders-of-customer"]);
    assert!(said.contains("rebuilt from"), "{said}");
    let checked = mall.said_by(&["rebuild", "ordering", "orders-of-customer", "--check"]);
    assert!(checked.contains("checked: 0 of"), "{checked}");
    let table = mall.said_by(&["projections"]);
    assert!(table.contains("orders-of-customer@1") && table.contains("order-history@2"), "{table}");
}

#[test]
fn what_is_asked_for_wrongly_is_refused_with_a_reason() {
    let mall = together();
    let wrong: [(&[&str], &str); 4] = [
        (&["rebuild", "mypage", "order-histories"], "only: order-history"),
        (&["rebuild", "mypage", "order-history", "--cancel"], "nothing is being filled"),
        (&["projections", "mypage", "--drop", "order-history@2"], "shows or fills it"),
        (&["projections", "mypage", "--drop", "order-history@0"], "only of: none"),
    ];
    for (asked, why) in wrong {
        let refused = mall.bongsu(asked);
        let complaint = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && complaint.contains(why), "{asked:?}: {complaint}");
    }
}
