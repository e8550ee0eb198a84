//! Asking twice, and reading what was just written.

use std::thread;

use system_tests::{evidence::Heard, harness::orders::order_of};

use crate::shared::together;

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
    mall.put_on_sale("BOOK", 15_000, 40);
    for number in 0..20 {
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
    let nonsense = mall.get("/mypage/orders?after=nonsense");
    assert_eq!(nonsense.status, 400, "{nonsense:?}");
}
