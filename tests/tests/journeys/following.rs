//! An order followed live, through the gateway.

use std::{thread, time::Duration};

use system_tests::harness::{
    Mall,
    http::Http,
    people::CUSTOMER,
    stream::follow,
    system::System,
    wait::{now, until},
};

use crate::shared::{alone, together};

const PATIENCE: Duration = Duration::from_secs(60);

/// Ids and names of what was heard.
fn heard(mall: &Mall, order: &str) -> (Vec<(String, String)>, u32) {
    let (events, back) = follow(mall, &format!("/orders/{order}/events"), PATIENCE);
    (events.into_iter().map(|event| (event.id, event.event)).collect(), back)
}

fn life() -> Vec<(String, String)> {
    let names = ["order-placed", "order-confirmed", "order-completed"];
    names.iter().enumerate().map(|(at, name)| ((at + 1).to_string(), (*name).to_owned())).collect()
}

#[test]
fn an_order_is_followed_while_it_happens() {
    let mall = together();
    mall.put_on_sale("LANTERN", 30_000, 1);
    let order = mall.buy("a lantern", &[("LANTERN", 1)]);
    let followed = thread::scope(|scope| {
        let follower = scope.spawn(|| heard(&mall, &order));
        mall.deliver(&order);
        follower.join().expect("the stream ends with the order")
    });
    assert_eq!(followed.0, life());
    for (id, status) in [("x", 400), ("99", 400), ("3", 204)] {
        let url = format!("{}/orders/{order}/events", mall.gateway());
        let bearer = format!("Bearer {}", mall.token(CUSTOMER));
        let headers = [("last-event-id", id), ("authorization", bearer.as_str())];
        let answer = Http::new().request("GET", &url, &headers, Vec::new());
        assert_eq!(answer.map(|answer| answer.status), Ok(status), "{id}");
    }
    assert_eq!(mall.get("/orders/ord_none/events").status, 404);
}

#[test]
fn who_follows_an_order_misses_and_repeats_nothing_although_ordering_is_killed() {
    let mall = alone();
    mall.put_on_sale("GONG", 90_000, 1);
    let order = mall.buy("a gong", &[("GONG", 1)]);
    let (events, back) = thread::scope(|scope| {
        let follower = scope.spawn(|| heard(&mall, &order));
        mall.until_delivery(&order, "PREPARED");
        mall.kill("ordering");
        let _ = mall.move_parcel(&order, "depart").expect(200);
        mall.kill("ordering");
        let _ = mall.move_parcel(&order, "complete").expect(200);
        mall.until_order(&order, &["COMPLETED"]);
        follower.join().expect("the stream ends with the order")
    });
    assert_eq!(events, life());
    assert!(back > 0, "the stream broke");
}

#[test]
fn an_open_stream_does_not_hold_up_the_end_of_the_system() {
    let mall = Mall::start(System::of_the_mall().set("delivery", "courier", "manual"));
    mall.until_sold("TV");
    let order = mall.buy("a tv to be waited for", &[("TV", 1)]);
    mall.until_order(&order, &["CONFIRMED"]);
    let address = mall.gateway().trim_start_matches("http://").to_owned();
    let bearer = mall.token(CUSTOMER);
    let open = thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(address).expect("the gateway is there");
        let head = format!("host: localhost\r\nauthorization: Bearer {bearer}");
        let request = format!("GET /orders/{order}/events HTTP/1.1\r\n{head}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it is asked");
        let mut all = Vec::new();
        stream.read_to_end(&mut all).map(|_| String::from_utf8_lossy(&all).into_owned())
    });
    until("the stream is open", PATIENCE, || {
        let said = mall.said_by(&["logs", "ordering", "-n", "500"]);
        if said.contains("/orders/{id}/events") { Ok(()) } else { Err(said) }
    });
    let began = now();
    mall.end();
    // The services alone may drain for 5 s each; nobody had to.
    assert!(began.elapsed() < Duration::from_secs(5), "stopping took {:?}", began.elapsed());
    let text = open.join().expect("it is read to the end").expect("it ends, and does not break");
    assert!(text.contains("order-confirmed") && text.ends_with("0\r\n\r\n"), "{text}");
}
