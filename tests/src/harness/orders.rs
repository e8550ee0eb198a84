//! What customers and operators of the mall do.

use std::{sync::PoisonError, time::Duration};

use bongsu_core::{CommandId, Ctx};
use serde_json::{Value, json};

use crate::{
    evidence::{Heard, Op},
    harness::{Mall, http::Response, people::CUSTOMER, wait::until},
};

/// An order somebody tried to place.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The id it has if it was placed.
    pub order: String,
    /// What its customer knows.
    pub heard: Heard,
    /// What its customer was told.
    pub answer: Result<Response, String>,
}

/// The body of an order.
pub fn order_of(lines: &[(&str, u32)]) -> Value {
    let lines: Vec<Value> = lines.iter().map(|(sku, quantity)| json!({ "sku": sku, "quantity": quantity })).collect();
    json!({ "lines": lines, "address": "서울시 12번가 7", "pay": "card" })
}

impl Mall {
    /// The id of the order that the customer places under a key: principal, route and key decide it before anybody is
    /// asked.
    pub fn order_id(&self, key: &str) -> String {
        self.id_of("POST /orders", key)
    }

    fn id_of(&self, route: &str, key: &str) -> String {
        let customer = self.person(CUSTOMER);
        Ctx::new(0, CommandId::from_parts(&[&customer, route, key]), &customer).id("ord", 0)
    }

    /// Places an order, once, and remembers it for the evidence.
    pub fn place(&self, key: &str, lines: &[(&str, u32)]) -> Placed {
        let answer = self.ask("POST", "/orders", Some(key), Some(&order_of(lines)));
        self.remember(key, self.order_id(key), answer)
    }

    /// Checks the cart out, once, and remembers the order it may have become.
    pub fn check_out(&self, key: &str) -> Placed {
        let body = json!({ "address": "서울시 12번가 7", "pay": "card" });
        let answer = self.ask("POST", "/cart/checkout", Some(key), Some(&body));
        self.remember(key, self.id_of("POST /cart/checkout", key), answer)
    }

    fn remember(&self, key: &str, order: String, answer: Result<Response, String>) -> Placed {
        let heard = match &answer {
            Ok(answer) if answer.status < 300 => Heard::Accepted,
            Ok(answer) if answer.status < 500 => Heard::Refused,
            _ => Heard::Nothing,
        };
        if let (Heard::Accepted, Ok(answer)) = (heard, &answer) {
            assert_eq!(answer.json()["order_id"], order.as_str(), "the key {key} makes the id");
        }
        // A refusal may come from the gateway, which keeps none.
        let kept = answer.iter().filter(|_| heard == Heard::Accepted);
        let answers = kept.map(|answer| (answer.status, answer.body.clone())).collect();
        let op = Op { order: order.clone(), heard, answers };
        self.history.lock().unwrap_or_else(PoisonError::into_inner).push(op);
        Placed { order, heard, answer }
    }

    /// Places an order that must be accepted; its id.
    pub fn buy(&self, key: &str, lines: &[(&str, u32)]) -> String {
        let placed = self.place(key, lines);
        assert_eq!(placed.heard, Heard::Accepted, "{placed:?}");
        placed.order
    }

    /// Asks for an order back.
    pub fn cancel(&self, order: &str) -> Response {
        self.post(&format!("/orders/{order}/cancel"), &format!("cancel {order}"), &json!({}))
    }

    /// The order itself.
    pub fn order(&self, order: &str) -> Value {
        self.get(&format!("/orders/{order}")).expect(200).json()
    }

    /// Waits until ordering says an order is in one of these states; the order.
    pub fn until_order(&self, order: &str, states: &[&str]) -> Value {
        until(&format!("{order} is {states:?}"), Duration::from_secs(30), || {
            let shown = self.get(&format!("/orders/{order}"));
            match shown.json() {
                found if states.iter().any(|state| found["state"] == *state) => Ok(found),
                found => Err(found.to_string()),
            }
        })
    }

    /// Waits until MyPage shows an order with this status; the row.
    pub fn until_shown(&self, order: &str, status: &str) -> Value {
        self.until_row(order, status, |row| row["status"]["code"] == status)
    }

    /// Waits until MyPage's row of an order looks as wanted.
    pub fn until_row(&self, order: &str, what: &str, looks: impl Fn(&Value) -> bool) -> Value {
        until(&format!("MyPage shows {order} {what}"), Duration::from_secs(30), || {
            let row = self.get(&format!("/mypage/orders/{order}")).json();
            if looks(&row) { Ok(row) } else { Err(row.to_string()) }
        })
    }

    /// Pieces of a product: on hand, reserved, available.
    pub fn stock(&self, sku: &str) -> (u64, u64, u64) {
        let stock = self.get(&format!("/stock/{sku}")).expect(200).json();
        let of = |what: &str| stock[what].as_u64().unwrap_or_else(|| panic!("{stock}"));
        (of("on_hand"), of("reserved"), of("available"))
    }

    /// Pieces of a product that can still be ordered.
    pub fn available(&self, sku: &str) -> u64 {
        self.stock(sku).2
    }

    /// Waits until so many pieces can be ordered.
    pub fn until_available(&self, sku: &str, pieces: u64) {
        until(&format!("{pieces} {sku} are available"), Duration::from_secs(30), || match self.stock(sku) {
            (.., available) if available == pieces => Ok(()),
            stock => Err(format!("{stock:?}")),
        });
    }

    /// What became of the money of an order.
    pub fn payment(&self, order: &str) -> Value {
        self.get(&format!("/payments?order={order}")).expect(200).json()["items"][0].clone()
    }

    /// Waits until payment says so.
    pub fn until_payment(&self, order: &str, state: &str) -> Value {
        until(&format!("the payment of {order} is {state}"), Duration::from_secs(30), || {
            let payment = self.payment(order);
            if payment["state"] == state { Ok(payment) } else { Err(payment.to_string()) }
        })
    }

    /// Waits until delivery says so.
    pub fn until_delivery(&self, order: &str, state: &str) -> Value {
        until(&format!("the parcel of {order} is {state}"), Duration::from_secs(30), || {
            let parcel = self.get(&format!("/deliveries?order={order}")).json()["items"][0].clone();
            if parcel["state"] == state { Ok(parcel) } else { Err(parcel.to_string()) }
        })
    }

    /// Moves a parcel by hand: `depart`, `complete` or `fail`.
    pub fn move_parcel(&self, order: &str, how: &str) -> Response {
        let body = if how == "fail" { json!({ "why": "nobody at home" }) } else { json!({}) };
        self.post(&format!("/deliveries/{order}/{how}"), &format!("{how} {order}"), &body)
    }

    /// Packs, departs and delivers by hand.
    pub fn deliver(&self, order: &str) {
        self.until_delivery(order, "PREPARED");
        let _ = self.move_parcel(order, "depart").expect(200);
        let _ = self.move_parcel(order, "complete").expect(200);
        self.until_order(order, &["COMPLETED"]);
    }

    /// A product of a test's own, with so many pieces, known to ordering.
    pub fn put_on_sale(&self, sku: &str, price: i64, pieces: u32) {
        let product = json!({ "sku": sku, "name": sku, "price": { "minor": price, "currency": "KRW" } });
        let _ = self.post("/products", &format!("register {sku}"), &product).expect(201);
        let receipt = json!({ "quantity": pieces });
        let _ = self.post(&format!("/stock/{sku}/receipts"), &format!("receive {sku}"), &receipt).expect(201);
        self.until_sold(sku);
    }

    /// Waits until ordering's own price list knows a product.
    pub fn until_sold(&self, sku: &str) {
        let mut probes = 0;
        until(&format!("ordering sells {sku}"), Duration::from_secs(30), || {
            // Nobody ever saw this price: a known product is refused for it, an unknown one for being unknown.
            let line = json!({ "sku": sku, "quantity": 1, "price_minor": -1 });
            let body = json!({ "lines": [line], "address": "nowhere", "pay": "card" });
            probes += 1;
            let answer = self.post("/orders", &format!("probe {probes} of {sku}"), &body);
            if answer.json()["type"] == "/errors/price-changed" { Ok(()) } else { Err(format!("{answer:?}")) }
        });
    }

    /// How the payment provider behaves from now on.
    pub fn provider(&self, mode: &str, delay_ms: u32) {
        let body = json!({ "mode": mode, "delay_ms": delay_ms });
        let answer = self.ask("PUT", "/behaviour", None, Some(&body)).unwrap_or_else(|why| panic!("behaviour: {why}"));
        let _ = answer.expect(200);
    }

    /// The provider's charge for an order.
    pub fn charge(&self, order: &str) -> Value {
        let ledger = self.get("/ledger").expect(200).json();
        let all = ledger["captures"].as_array().cloned().unwrap_or_default();
        all.into_iter().find(|charge| charge["order"] == order).unwrap_or_default()
    }
}
