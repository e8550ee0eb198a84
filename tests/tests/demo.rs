//! The demonstration, on real processes: buy, run out, join late, kill, heal, refund, do without. Each step says
//! what it observed, and fails when that is wrong. `make demo` shows it.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use system_tests::{
    harness::{
        Mall,
        system::System,
        wait::{now, until},
    },
    rules::{self, Rule},
};

/// An order that is not confirmed by then is rejected: short, because step 7 waits for it.
const WINDOW_MS: i64 = 5_000;
/// A busy machine is given so long.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn the_demonstration() {
    let began = now();
    let system = System::of_the_mall()
        .without("mypage")
        .set("ordering", "window_ms", WINDOW_MS)
        .set("delivery", "depart_after_ms", 1_500)
        .set("delivery", "complete_after_ms", 500);
    let mall = Mall::start(system);
    println!("1. 12street is open at {}, without MyPage, after {:.1?}", mall.gateway(), began.elapsed());
    mall.until_sold("CLOCK");
    buy_two_tvs(&mall);
    ask_for_a_hundred(&mall);
    join_late(&mall);
    let waiting = kill_delivery(&mall);
    start_delivery(&mall, &waiting);
    provider_down(&mall);
    do_without_mypage(&mall);
    judge(mall);
    println!("That took {:.0?}.", began.elapsed());
}

fn buy_two_tvs(mall: &Mall) {
    let before = mall.available("TV");
    let began = now();
    let order = mall.buy("two tvs", &[("TV", 2)]);
    until("it is confirmed", PATIENCE, || confirmed(mall, &order));
    let took = began.elapsed();
    let after = mall.available("TV");
    mall.until_order(&order, &["COMPLETED"]);
    mall.until_delivery(&order, "COMPLETED");
    println!(
        "2. Bought TV × 2: available {before} → {after}, confirmed in {took:.0?}, delivered in {:.1?}",
        began.elapsed()
    );
    assert_eq!((before, after, mall.available("TV")), (10, 8, 8));
}

fn ask_for_a_hundred(mall: &Mall) {
    let order = mall.buy("a hundred tvs", &[("TV", 100)]);
    let rejected = mall.until_order(&order, &["REJECTED"]);
    let (why, short, available) = (text(&rejected["why"]), &rejected["short"][0], mall.available("TV"));
    let (asked, could) = (&short["asked"], &short["available"]);
    println!("3. Asked for TV × {asked}: rejected, {why}, {could} could be had; available still {available}");
    assert_eq!((why, available), ("out-of-stock", 8));
    assert_eq!((asked, could), (&100.into(), &8.into()));
}

fn join_late(mall: &Mall) {
    let orders = 2 + buy_and_cancel(mall);
    // By now product has long heard that the hundred were rejected, and gave nothing back that was never taken.
    assert_eq!(mall.available("TV"), 8);
    assert_eq!(mall.process("mypage").state, "stopped");
    let began = now();
    mall.start_again("mypage");
    let rows = until("MyPage shows 20 orders as they ended", PATIENCE, || replayed(mall));
    println!(
        "4. MyPage starts only now, after {orders} orders: {:.1?} later it shows {}",
        began.elapsed(),
        rows.iter().map(|(status, count)| format!("{count} {status}")).collect::<Vec<_>>().join(", "),
    );
}

/// Eighteen more orders, five of them cancelled; how many, when all have ended.
fn buy_and_cancel(mall: &Mall) -> usize {
    let (mut kept, mut cancelled) = (Vec::new(), Vec::new());
    for number in 0..18 {
        let sku = ["MASK", "NOTEBOOK", "TABLE", "CLOCK"][number % 4];
        let order = mall.buy(&format!("before MyPage {number}"), &[(sku, 1 + number as u32 % 3)]);
        if number % 4 == 0 {
            let _ = mall.cancel(&order).expect(202);
            cancelled.push(order);
        } else {
            kept.push(order);
        }
    }
    kept.iter().for_each(|order| drop(mall.until_order(order, &["COMPLETED"])));
    cancelled.iter().for_each(|order| drop(mall.until_order(order, &["CANCELLED"])));
    kept.len() + cancelled.len()
}

/// How many orders MyPage shows with each status, once that is what became of them.
fn replayed(mall: &Mall) -> Result<BTreeMap<String, usize>, String> {
    let page = mall.get("/mypage/orders?limit=200");
    if page.status != 200 {
        return Err(format!("{page:?}"));
    }
    let mut rows = BTreeMap::new();
    for row in page.json()["items"].as_array().into_iter().flatten() {
        *rows.entry(row["status"]["ko"].as_str().unwrap_or("?").to_owned()).or_default() += 1;
    }
    let expected = [("배송 완료", 14), ("주문 취소", 5), ("주문 거절", 1)];
    if rows == expected.map(|(status, count)| (status.to_owned(), count)).into() {
        Ok(rows)
    } else {
        Err(format!("{rows:?}"))
    }
}

fn kill_delivery(mall: &Mall) -> Vec<String> {
    let pid = mall.kill("delivery");
    // It would be back at once: that is what a supervisor is for.
    mall.stop("delivery");
    let orders: Vec<String> =
        (0..3).map(|number| mall.buy(&format!("while delivery is down {number}"), &[("TABLE", 1)])).collect();
    for order in &orders {
        mall.until_order(order, &["CONFIRMED"]);
        let row = mall.until_shown(order, "preparing");
        assert_eq!(row["status"]["ko"], "배송 준비 중");
        assert_eq!(row["delivery"], Value::Null);
    }
    let state = mall.process("delivery").state;
    println!(
        "5. kill -9 of delivery ({pid}), kept {state}: {} orders confirmed, MyPage shows 배송 준비 중",
        orders.len()
    );
    assert_eq!(state, "stopped");
    orders
}

fn start_delivery(mall: &Mall, waiting: &[String]) {
    let began = now();
    mall.start_again("delivery");
    for order in waiting {
        let row = mall.until_shown(order, "delivered");
        assert_eq!(row["status"]["ko"], "배송 완료");
        mall.until_order(order, &["COMPLETED"]);
        let once = ["delivery-prepared", "delivery-departed", "delivery-completed"].map(|fact| (fact.to_owned(), 1));
        assert_eq!(mall.told("delivery", order), once.into(), "nothing twice");
    }
    println!(
        "6. Started delivery: the {} waiting orders turned to 배송 완료 in {:.1?}, each packed once",
        waiting.len(),
        began.elapsed()
    );
}

fn provider_down(mall: &Mall) {
    let before = mall.available("CLOCK");
    mall.provider("down", 0);
    let order = mall.buy("provider down", &[("CLOCK", 2)]);
    mall.until_available("CLOCK", before - 2);
    let held = mall.available("CLOCK");
    let rejected = mall.until_order(&order, &["REJECTED"]);
    mall.until_available("CLOCK", before);
    println!(
        "7. Provider down: available {before} → {held}, then rejected, {}; available {} again",
        text(&rejected["why"]),
        mall.available("CLOCK")
    );
    assert_eq!(rejected["why"], "deadline");
    mall.provider("ok", 0);
    mall.until_payment(&order, "REFUNDED");
    let charge = mall.charge(&order);
    println!(
        "   Provider back: its ledger says {} of {} {}, refunded: {}",
        text(&charge["status"]),
        charge["amount"]["minor"],
        text(&charge["amount"]["currency"]),
        charge["refunded"],
    );
    assert_eq!((&charge["status"], &charge["refunded"]), (&"captured".into(), &true.into()));
    assert_eq!(charge["amount"]["minor"], 100_000);
    mall.until_row(&order, "refunded", |row| row["status"]["code"] == "rejected" && row["payment"] == "refunded");
}

fn do_without_mypage(mall: &Mall) {
    // As long as it is there, MyPage agrees with everybody.
    mall.quiesce(PATIENCE, rules::ALL);
    let before: Vec<_> =
        mall.ps().into_iter().filter(|it| it.name != "mypage").map(|it| (it.instance, it.pid)).collect();
    mall.stop("mypage");
    let orders: Vec<String> =
        (0..2).map(|number| mall.buy(&format!("without MyPage {number}"), &[("NOTEBOOK", 1)])).collect();
    orders.iter().for_each(|order| drop(mall.until_order(order, &["COMPLETED"])));
    let answer = mall.get("/mypage/orders");
    let after = mall.ps();
    println!(
        "8. MyPage agreed with every context on every order; stopped it for good: its page answers {}, {} more orders delivered, nobody else noticed",
        answer.status,
        orders.len()
    );
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(after.iter().all(|it| it.state == if it.name == "mypage" { "stopped" } else { "ready" }), "{after:?}");
    let after: Vec<_> = after.into_iter().filter(|it| it.name != "mypage").map(|it| (it.instance, it.pid)).collect();
    assert_eq!(before, after);
}

/// What everybody left behind, judged by the same rules as the simulator's runs; MyPage is excused since step 8.
fn judge(mall: Mall) {
    let excused = |rule: &&Rule| !rule.0.starts_with("I10");
    let rules: Vec<Rule> = rules::ALL.iter().filter(excused).copied().collect();
    let audited = mall.until_audited(&mall.quiesce_without(&["mypage"], PATIENCE, &rules));
    let mut left = mall.end();
    left.stores.remove("mypage");
    let judged = rules::judge(&rules, &left).unwrap_or_else(|broken| panic!("{broken}"));
    println!("9. The audit was told of {audited} orders and says that no two contexts disagree about any.");
    println!("Judged by what the stores and the provider's ledger hold:");
    judged.iter().for_each(|(rule, looked)| println!("   {rule}: {looked} looked at"));
}

/// Words without their quotation marks.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

/// Ordering told that an order is confirmed, whatever came after.
fn confirmed(mall: &Mall, order: &str) -> Result<(), String> {
    match mall.order(order) {
        found if ["CONFIRMED", "COMPLETED"].iter().any(|state| found["state"] == *state) => Ok(()),
        found => Err(found.to_string()),
    }
}
