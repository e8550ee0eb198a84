//! Whatever is asked, in whatever order: stock is conserved.

use std::collections::BTreeMap;

use bongsu_core::{Aggregate, CommandId, Ctx, Decider, Decision, View, Wire};
use bongsu_given::{Draw, whatever};
use product_domain::{
    adjust_stock::AdjustStock,
    commit_stock::{CommitReserved, CommitStock},
    events::{Line, StockEvent},
    receive_stock::ReceiveStock,
    release_stock::{Release, ReleaseStock},
    reservation::{Reservation, ReservationState},
    reserve_stock::{Reserve, ReserveStock},
    stock::{Stock, StockCommand, StockState},
};

const SKUS: [&str; 3] = ["TV", "MASK", "CLOCK"];

#[derive(Clone, Debug)]
enum Asked {
    Receive(usize, u32),
    Adjust(usize, i64),
    Reserve(u8, Vec<(usize, u64)>),
    Release(u8),
    Commit(u8),
}

/// A product context in memory: one event list per stream.
#[derive(Default)]
struct Warehouse {
    stocks: BTreeMap<String, Vec<StockEvent>>,
    reservations: BTreeMap<String, Vec<product_domain::events::ReservationEvent>>,
    accepted: u32,
}

fn asked(draw: &mut Draw) -> Asked {
    let (sku, order) = (draw.below(3) as usize, draw.below(6) as u8);
    match draw.below(5) {
        0 => Asked::Receive(sku, draw.below(10) as u32),
        1 => Asked::Adjust(sku, draw.below(20) as i64 - 10),
        2 => {
            let line = |draw: &mut Draw| (draw.below(3) as usize, draw.below(8));
            let mut lines = draw.list(3, line);
            lines.push(line(draw));
            Asked::Reserve(order, lines)
        }
        3 => Asked::Release(order),
        _ => Asked::Commit(order),
    }
}

fn ctx() -> Ctx {
    Ctx::new(0, CommandId(1), "test")
}

fn fold<A: Aggregate>(events: &[A::Event]) -> A::State {
    let mut state = A::State::default();
    events.iter().for_each(|event| A::evolve(&mut state, event));
    state
}

impl Warehouse {
    fn ask(&mut self, asked: Asked) {
        let order = |number: u8| format!("o{number}").into();
        match asked {
            Asked::Receive(at, quantity) => self.stock(ReceiveStock { sku: SKUS[at].into(), quantity }.into()),
            Asked::Adjust(at, by) => self.stock(AdjustStock { sku: SKUS[at].into(), by }.into()),
            Asked::Reserve(number, lines) => {
                let line = |(at, quantity): (usize, u64)| Line { sku: SKUS[at].into(), quantity };
                let lines = lines.into_iter().map(line).collect();
                self.decide(&Reserve, ReserveStock { order: order(number), lines });
            }
            Asked::Release(number) => self.decide(&Release, ReleaseStock { order: order(number) }),
            Asked::Commit(number) => self.decide(&CommitReserved, CommitStock { order: order(number) }),
        }
    }

    fn stock(&mut self, command: StockCommand) {
        let sku = Stock.target(&command, &ctx());
        let events = self.stocks.entry(sku).or_default();
        if let Ok(decided) = Stock.decide(&fold::<Stock>(events), command, &ctx()) {
            events.extend(decided);
            self.accepted += 1;
        }
    }

    fn decide<D: Decision>(&mut self, decision: &D, command: D::Command) {
        let stocks = self.stocks.iter().fold(View::default(), |view, (sku, events)| view.and::<Stock>(sku, events));
        let view =
            self.reservations.iter().fold(stocks, |view, (order, events)| view.and::<Reservation>(order, events));
        let Ok(changes) = decision.decide(&view, command, &ctx()) else { return };
        self.accepted += 1;
        for change in changes {
            let (kind, id) = change.target.stream.split_once('/').expect("a stream is aggregate/id");
            let (name, schema) = change.name;
            if kind == Stock::NAME {
                let event = Wire::decode(name, schema, &change.data).expect("it was just encoded");
                self.stocks.entry(id.into()).or_default().extend(event);
            } else {
                let event = Wire::decode(name, schema, &change.data).expect("it was just encoded");
                self.reservations.entry(id.into()).or_default().extend(event);
            }
        }
    }

    fn state(&self, sku: &str) -> StockState {
        self.stocks.get(sku).map(|events| fold::<Stock>(events)).unwrap_or_default()
    }

    fn held(&self, sku: &str) -> u64 {
        let states = self.reservations.values().map(|events| fold::<Reservation>(events));
        states
            .map(|state: ReservationState| {
                state.held().iter().filter(|l| l.sku == sku).map(|l| l.quantity).sum::<u64>()
            })
            .sum()
    }

    /// Pieces in the warehouse, counted without the aggregate's own arithmetic; signed, to see it go negative.
    fn counted(&self, sku: &str) -> i64 {
        let events = self.stocks.get(sku).into_iter().flatten();
        events
            .map(|event| match event {
                StockEvent::Received(e) => i64::from(e.quantity),
                StockEvent::Adjusted(e) => e.by,
                StockEvent::Committed(e) => -(e.quantity as i64),
                StockEvent::Reserved(_) | StockEvent::Released(_) => 0,
            })
            .sum()
    }
}

#[test]
fn stock_is_never_negative_and_orders_hold_exactly_what_is_reserved() {
    whatever(500, |draw| {
        let mut warehouse = Warehouse::default();
        for request in draw.list(60, asked) {
            warehouse.ask(request);
            for sku in SKUS {
                let stock = warehouse.state(sku);
                assert!(stock.reserved <= stock.on_hand, "{sku}: {stock:?}");
                assert_eq!(warehouse.counted(sku), stock.on_hand as i64);
                assert_eq!(warehouse.held(sku), stock.reserved);
            }
        }
    });
}

/// The property above would hold for a warehouse that refuses everything.
#[test]
fn the_warehouse_does_accept() {
    let mut warehouse = Warehouse::default();
    warehouse.ask(Asked::Receive(0, 10));
    warehouse.ask(Asked::Reserve(1, vec![(0, 2)]));
    warehouse.ask(Asked::Reserve(2, vec![(0, 3)]));
    warehouse.ask(Asked::Commit(1));
    warehouse.ask(Asked::Release(2));
    assert_eq!(warehouse.accepted, 5);
    assert_eq!(warehouse.state("TV"), StockState { on_hand: 8, reserved: 0 });
}
