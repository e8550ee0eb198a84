//! Words the other tests use.

use audit::{
    books::Books,
    heard::*,
    rules::{Finding, findings},
};
use money::Money;

pub(crate) const AMOUNT: Money = Money::krw(20_000);
/// By when an order is confirmed or rejected.
pub(crate) const EXPIRES_AT_MS: i64 = 30_000;

pub(crate) fn id() -> OrderId {
    "o1".into()
}

pub(crate) fn two_tvs() -> Vec<Line> {
    vec![Line { sku: "TV".into(), quantity: 2 }]
}

/// Ordered as two lines of one.
pub(crate) fn placed() -> OrderFact {
    let line = Line { sku: "TV".into(), quantity: 1 };
    let lines = vec![line.clone(), line];
    OrderPlaced { order: id(), lines, amount: AMOUNT, expires_at_ms: EXPIRES_AT_MS }.into()
}

pub(crate) fn reserved() -> OrderFact {
    StockReserved { order: id(), lines: two_tvs() }.into()
}

pub(crate) fn released() -> OrderFact {
    StockReleased { order: id(), lines: two_tvs() }.into()
}

pub(crate) fn committed() -> OrderFact {
    StockCommitted { order: id(), lines: two_tvs() }.into()
}

pub(crate) fn captured() -> OrderFact {
    PaymentCaptured { order: id(), amount: AMOUNT }.into()
}

pub(crate) fn refunded() -> OrderFact {
    PaymentRefunded { order: id(), amount: AMOUNT }.into()
}

macro_rules! told {
    ($($name:ident: $fact:ident),+ $(,)?) => {$(
        pub(crate) fn $name() -> OrderFact {
            $fact { order: id() }.into()
        }
    )+};
}

told! {
    confirmed: OrderConfirmed,
    rejected: OrderRejected,
    cancelled: OrderCancelled,
    completed: OrderCompleted,
    out_of_stock: StockRejected,
    declined: PaymentDeclined,
    prepared: DeliveryPrepared,
    departed: DeliveryDeparted,
    delivered: DeliveryCompleted,
    failed: DeliveryFailed,
    kept_back: DeliveryCancelled,
}

/// What each context tells of an order, one list per context.
pub(crate) type Contexts = Vec<Vec<OrderFact>>;

/// Every way an order is or ends in which all contexts agree.
pub(crate) fn agreements() -> Vec<(&'static str, Contexts)> {
    let paid = || vec![captured()];
    let held = || vec![reserved()];
    vec![
        ("placed", vec![vec![placed()]]),
        ("held and paid", vec![vec![placed()], held(), paid()]),
        ("confirmed", vec![vec![placed(), confirmed()], held(), paid()]),
        ("on its way", vec![vec![placed(), confirmed()], held(), paid(), vec![prepared(), departed()]]),
        ("delivered", delivered_order()),
        ("out of stock", vec![vec![placed(), rejected()], vec![out_of_stock()]]),
        ("declined", vec![vec![placed(), rejected()], vec![reserved(), released()], vec![declined()]]),
        ("too late, and nobody did anything", vec![vec![placed(), rejected()]]),
        ("too late, and all was undone", undone(vec![placed(), rejected()], vec![])),
        ("cancelled at once", undone(vec![placed(), cancelled()], vec![])),
        ("cancelled in time", undone(vec![placed(), confirmed(), cancelled()], vec![prepared(), kept_back()])),
        ("cancelled before it was packed", undone(vec![placed(), confirmed(), cancelled()], vec![kept_back()])),
        ("failed", undone(vec![placed(), confirmed(), cancelled()], vec![prepared(), departed(), failed()])),
        ("failed before it left", undone(vec![placed(), confirmed(), cancelled()], vec![prepared(), failed()])),
    ]
}

pub(crate) fn delivered_order() -> Contexts {
    vec![
        vec![placed(), confirmed(), completed()],
        vec![reserved(), committed()],
        vec![captured()],
        vec![prepared(), departed(), delivered()],
    ]
}

/// An order whose stock and money went back.
fn undone(ordering: Vec<OrderFact>, delivery: Vec<OrderFact>) -> Contexts {
    vec![ordering, vec![reserved(), released()], vec![captured(), refunded()], delivery]
}

pub(crate) fn told<'a>(facts: impl IntoIterator<Item = &'a OrderFact>) -> Books {
    let mut books = Books::default();
    facts.into_iter().for_each(|fact| books.hear(fact));
    books
}

/// The rules broken by these facts.
pub(crate) fn broken(facts: &[OrderFact]) -> Vec<String> {
    names(findings(&told(facts)))
}

pub(crate) fn names(findings: Vec<Finding>) -> Vec<String> {
    findings.into_iter().map(|finding| finding.rule).collect()
}

/// Every fact of a delivered order but these.
pub(crate) fn delivered_without(missing: &[OrderFact]) -> Vec<OrderFact> {
    delivered_order().concat().into_iter().filter(|fact| !missing.contains(fact)).collect()
}

/// Every fact of a delivered order, and more.
pub(crate) fn delivered_and(more: OrderFact) -> Vec<OrderFact> {
    [delivered_order().concat(), vec![more]].concat()
}
