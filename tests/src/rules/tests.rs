//! Every rule broken by hand in each of its ways: a rule that cannot fail, or errs to one side only, says nothing.

mod books;
mod marks;
mod parked;

use std::collections::BTreeMap;

use bongsu_core::{Aggregate, Wire, stream_of};
use bongsu_runtime::ports::store::{CommitId, Doc, DocKey, Fact, Position, StoredEvent, StoredFacts};
use money::Money;
use ordering_domain::events::{Method, OrderEvent, OrderPlaced};
use serde_json::{Value, json};

use super::{causes, processes, replies};
use crate::{
    evidence::{Dump, Evidence, Heard, Op},
    mall::CONTEXTS,
};

const ORDER: &str = "ord_1";

/// Evidence that is written down event by event.
struct Story(Evidence);

impl Story {
    fn new() -> Self {
        let stores = CONTEXTS.map(|context| (context, Dump::default())).into_iter().collect::<BTreeMap<_, _>>();
        Self(Evidence { stores, ledger: Value::Null, history: Vec::new() })
    }

    /// An event called `id`, caused by another, alone in its Commit.
    fn event(mut self, context: &'static str, stream: &str, name: &str, id: &str, cause: &str) -> Self {
        let data = json!({ "input": { "heard": cause } }).to_string();
        self.push(context, stream, name, 1, data.into(), (id, cause));
        self
    }

    /// An event of an aggregate, caused by a request.
    fn did<A: Aggregate>(mut self, context: &'static str, id: &str, event: impl Into<A::Event>) -> Self {
        let event = event.into();
        let ((name, schema), number) = (event.name(), self.dump(context).events.len());
        let id_of = format!("{context} {number}");
        self.push(context, &stream_of(A::NAME, id), name, schema, event.encode(), (&id_of, "root"));
        self
    }

    /// A step of a process.
    fn step(mut self, context: &'static str, stream: &str, data: Value) -> Self {
        let id = format!("{stream} {}", self.dump(context).events.len());
        self.push(context, stream, "bongsu.process-step", 1, data.to_string().into(), (&id, "root"));
        self
    }

    /// The last event of a context was written in the Commit of the one before it.
    fn together(mut self, context: &'static str) -> Self {
        if let [.., before, last] = &mut self.dump(context).events[..] {
            last.commit = before.commit;
        }
        self
    }

    /// A fact of a context, of no event.
    fn told(mut self, context: &'static str, subject: &str, kind: &str, sequence: u64) -> Self {
        let id = format!("{subject}@{sequence}");
        let cloudevent = json!({
            "specversion": "1.0", "id": id, "source": context, "type": kind, "subject": subject,
            "sequence": sequence, "partitionkey": subject, "data": {},
        });
        let (topic, partition_key, subject) = (context.to_owned(), subject.to_owned(), subject.to_owned());
        let fact = Fact { id, topic, partition_key, subject, sequence, cloudevent: cloudevent.to_string().into() };
        let facts = &mut self.dump(context).facts;
        let position = Position(facts.len() as u64 + 1);
        facts.push(StoredFacts { position, commit: CommitId(1), facts: vec![fact] });
        self
    }

    fn doc(mut self, context: &'static str, table: &str, id: &str, data: Value) -> Self {
        let key = DocKey::new(table, id);
        self.dump(context).docs.push(Doc { key, revision: CommitId(1), data: data.to_string().into() });
        self
    }

    /// A row of MyPage.
    fn row(self, order: &str, row: Value) -> Self {
        self.doc("mypage", "order-history@2.1", order, row)
    }

    fn without_row(mut self, order: &str) -> Self {
        self.dump("mypage").docs.retain(|doc| doc.key.id != order);
        self
    }

    /// The same, but for the events of a context whose names begin so.
    fn without(mut self, context: &'static str, name: &str) -> Self {
        self.dump(context).events.retain(|event| !event.name.starts_with(name));
        self
    }

    fn dump(&mut self, context: &'static str) -> &mut Dump {
        self.0.stores.get_mut(context).expect("one of the six")
    }

    fn placed(mut self, id: &str) -> Self {
        let placed = OrderPlaced {
            order: ORDER.into(),
            customer: "ann".into(),
            lines: Vec::new(),
            amount: Money::krw(1_000),
            address: "here".into(),
            method: Method::Card,
            placed_at_ms: 0,
            expires_at_ms: 1,
        };
        let event = OrderEvent::from(placed);
        let (name, schema) = event.name();
        self.push("ordering", &format!("order/{ORDER}"), name, schema, event.encode(), (id, "root"));
        self
    }

    fn push(&mut self, context: &'static str, stream: &str, name: &str, schema: u32, data: Vec<u8>, ids: (&str, &str)) {
        let (id, cause) = ids;
        let events = &mut self.dump(context).events;
        let position = events.len() as u64 + 1;
        let version = events.iter().filter(|event| event.stream == stream).count() as u64 + 1;
        events.push(StoredEvent {
            position: Some(Position(position)),
            commit: CommitId(u128::from(position)),
            stream: stream.into(),
            version,
            name: name.into(),
            schema,
            data: data.into(),
            meta: json!({ "id": id, "correlation": "root", "causation": cause }).to_string().into(),
        });
    }

    fn answered(mut self, answers: &[(u16, &'static str)]) -> Self {
        let answers = answers.iter().map(|(status, body)| (*status, (*body).into())).collect();
        self.0.history.push(Op { order: ORDER.into(), heard: Heard::Accepted, answers });
        self
    }
}

fn says<T: std::fmt::Debug>(rule: Result<T, String>, part: &str) {
    let why = rule.expect_err("the rule is broken");
    assert!(why.contains(part), "{why}");
}

#[test]
fn i12_two_different_answers_to_one_key_are_caught() {
    let story = || Story::new().placed("p");
    assert_eq!(replies::same_key_same_reply(&story().answered(&[(202, "a"), (202, "a")]).0), Ok(2));
    says(replies::same_key_same_reply(&story().answered(&[(202, "a"), (202, "b")]).0), "and then");
    says(replies::same_key_same_reply(&story().answered(&[(202, "a")]).answered(&[(409, "a")]).0), "and then");
}

#[test]
fn i12_an_answer_without_its_effect_or_with_two_is_caught() {
    let accepted = |story: Story| replies::same_key_same_reply(&story.answered(&[(202, "a")]).0);
    says(accepted(Story::new()), "placed 0 times");
    says(accepted(Story::new().placed("p").placed("q")), "placed 2 times");
    says(replies::same_key_same_reply(&Story::new().placed("p").answered(&[(409, "no")]).0), "placed 1 times");
}

#[test]
fn i12_looks_at_nothing_where_nobody_was_answered() {
    assert_eq!(replies::same_key_same_reply(&Story::new().placed("p").answered(&[]).0), Ok(0));
}

fn captured() -> Story {
    Story::new()
        .placed("placed")
        .event("product", "reservation/ord_1", "reservation.held", "held", "placed")
        .event("payment", "payment/ord_1", "payment.stock-held", "known", "held")
        .event("payment", "payment/ord_1", "payment.captured", "captured", "placed")
        .event("ordering", "order/ord_1", "order.confirmed", "confirmed", "captured")
        .event("delivery", "delivery/ord_1", "delivery.prepared", "packed", "confirmed")
}

#[test]
fn i14_an_effect_whose_cause_is_nowhere_is_caught() {
    assert_eq!(causes::causes_exist(&captured().0), Ok(5));
    says(causes::causes_exist(&captured().event("delivery", "delivery/x", "x", "y", "gone").0), "which is nowhere");
    assert_eq!(causes::causes_exist(&Story::new().placed("p").0), Ok(0), "a request is no cause to look at");
}

#[test]
fn i14_an_order_completed_without_its_delivery_or_its_money_is_caught() {
    let completed = |story: Story, cause| story.event("ordering", "order/ord_1", "order.completed", "done", cause);
    let delivered = captured().event("delivery", "delivery/ord_1", "delivery.completed", "arrived", "packed");
    let rule = causes::nothing_but_undoing_after_the_end;
    assert_eq!(rule(&completed(delivered, "arrived").0), Ok(5));
    says(rule(&completed(captured(), "packed").0), "does not rest on delivery.completed");
    says(rule(&completed(Story::new().placed("placed"), "placed").0), "does not rest on reservation.held");
}

#[test]
fn i14_a_step_forward_that_follows_from_the_end_is_caught() {
    let ended = || Story::new().placed("placed").event("ordering", "order/ord_1", "order.cancelled", "end", "root");
    let rule = causes::nothing_but_undoing_after_the_end;
    let undone = ended().event("product", "reservation/ord_1", "reservation.released", "back", "end");
    assert_eq!(rule(&undone.0), Ok(0));
    let sent = ended().event("delivery", "delivery/ord_1", "delivery.prepared", "packed", "end");
    says(rule(&sent.0), "delivery.prepared follows from order.cancelled");
    let risen = ended().event("ordering", "order/ord_1", "order.confirmed", "again", "root");
    says(rule(&risen.0), "order.confirmed follows from order.cancelled");
}

#[test]
fn i4_a_process_that_hears_a_fact_twice_is_caught() {
    let step = |story: Story, id, cause| story.event("ordering", "checkout/ord_1", "bongsu.process-step", id, cause);
    let once = step(step(Story::new(), "a", "held"), "b", "captured");
    assert_eq!(processes::heard_once(&once.0), Ok(2));
    says(processes::heard_once(&step(once, "c", "held").0), "was heard before");
}
