//! Asking twice, and reading what was just written.

use std::{thread, time::Duration};

use system_tests::{
    evidence::Heard,
    harness::{orders::order_of, wait::until},
};

use crate::shared::{alone, together};

/// A killed service is back long before.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn one_key_sent_many_times_at_once_is_one_order_and_one_answer() {
    let mall = together();
    mall.put_on_sale("PEN", 1_000, 50);
    let answers: Vec<_> = thread::scope(|scope| {
        let mall = &mall;
        let senders: Vec<_> = (0..12).map(|_| scope.spawn(|| mall.place("one pen", &[("PEN", 1)]).answer)).collect();
        senders.into_iter().map(|sender| sender.join().expect("a sender ends").expect("an answer comes")).collect()
    });
    let first = &answers[0];
    assert_eq!(first.status, 202);
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (first.status, &first.body));
        assert_eq!(answer.header("location"), first.header("location"));
    }
    let original = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_none()).count();
    assert_eq!(original, 1, "all others are marked as replayed");
    let order = first.json()["order_id"].as_str().expect("an id").to_owned();
    mall.until_order(&order, &["CONFIRMED"]);
    assert_eq!(mall.told("ordering", &order)["order-placed"], 1);
    assert_eq!(mall.available("PEN"), 49);
    let other = mall.ask("POST", "/orders", Some("one pen"), Some(&order_of(&[("PEN", 2)]))).expect("an answer comes");
    assert_eq!(other.status, 422, "{other:?}");
    assert_eq!(mall.place("one pen", &[("PEN", 1)]).answer.expect("an answer comes").body, first.body);
}

#[test]
fn a_read_after_a_position_shows_what_was_written_there() {
    let mall = together();
    mall.put_on_sale("BOOK", 15_000, 200);
    for number in 0..100 {
        let placed = mall.place(&format!("book {number}"), &[("BOOK", 1)]);
        assert_eq!(placed.heard, Heard::Accepted, "{placed:?}");
        let position =
            placed.answer.as_ref().expect("accepted").json()["position"].as_str().expect("a position").to_owned();
        for page in ["/mypage/orders", "/orders"] {
            let shown = mall.get(&format!("{page}?limit=200&after={position}")).expect(200).json();
            let items = shown["items"].as_array().cloned().unwrap_or_default();
            assert!(items.iter().any(|item| item["order_id"] == placed.order.as_str()), "{page} lacks {placed:?}");
        }
    }
    for nonsense in ["nonsense", "bank/account/1@1:1", "mypage/order/1@1:1", "ordering/order/x@1:2"] {
        let answer = mall.get(&format!("/mypage/orders?after={nonsense}"));
        assert_eq!(answer.status, 400, "{nonsense}: {answer:?}");
    }
    let unknown = mall.get("/orders?after=ordering/order/ord_none@1:1");
    assert_eq!(unknown.status, 400, "{unknown:?}");
}

#[test]
fn a_read_after_a_position_says_later_rather_than_something_old_while_mypage_is_killed() {
    let mall = alone();
    mall.put_on_sale("GLOBE", 15_000, 50);
    let mut later = 0;
    for number in 0..20 {
        let placed = mall.place(&format!("globe {number}"), &[("GLOBE", 1)]);
        let position =
            placed.answer.as_ref().expect("accepted").json()["position"].as_str().expect("a position").to_owned();
        if number % 4 == 0 {
            mall.kill("mypage");
        }
        until(&format!("globe {number} is shown"), PATIENCE, || {
            let answer = mall.get(&format!("/mypage/orders/{}?after={position}", placed.order));
            match answer.status {
                200 => return Ok(()),
                502 => {}
                503 => assert!(answer.header("retry-after").is_some(), "{answer:?}"),
                // A row that is not there would be 404: exactly what must not be said of what was written.
                _ => panic!("{answer:?}"),
            }
            later += 1;
            Err(format!("{answer:?}"))
        });
    }
    mall.stop("mypage");
    let position = mall.place("a globe too late", &[("GLOBE", 1)]).answer.expect("accepted").json()["position"].clone();
    let position = position.as_str().expect("a position");
    let refused = mall.get(&format!("/mypage/orders?after={position}"));
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{refused:?}");
    mall.start_again("mypage");
    until("it is shown in the end", PATIENCE, || match mall.get(&format!("/mypage/orders?after={position}")) {
        answer if answer.status == 200 => Ok(()),
        answer => Err(format!("{answer:?}")),
    });
    println!("{later} times it said later");
}
