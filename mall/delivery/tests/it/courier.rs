//! Who moves a parcel; under every fault, too: timers early and late, commands refused, people and customers in between.

use bongsu_core::Effect;
use bongsu_testing::{
    given::{Ending, every_end, process},
    saga::{self, saga},
};
use delivery::{courier::*, delivery::*};

const AUTO: Courier = Courier::Auto { depart_after_ms: 1_000, complete_after_ms: 2_000 };

fn id() -> OrderId {
    "o1".into()
}

fn prepared() -> CourierHeard {
    DeliveryPrepared { order: id(), customer: None, address: "Seoul".into(), items: vec![], at_ms: 0 }.into()
}

fn departed() -> CourierHeard {
    DeliveryDeparted { order: id(), at_ms: 0 }.into()
}

fn completed() -> CourierHeard {
    DeliveryCompleted { order: id(), at_ms: 0 }.into()
}

fn cancelled() -> CourierHeard {
    DeliveryCancelled { order: id(), at_ms: 0 }.into()
}

fn failed() -> CourierHeard {
    DeliveryFailed { order: id(), why: "lost".into(), at_ms: 0 }.into()
}

fn depart() -> CourierCommand {
    Depart { order: id() }.into()
}

fn complete() -> CourierCommand {
    CompleteDelivery { order: id() }.into()
}

#[test]
fn the_clock_lets_a_parcel_depart_and_arrive() {
    let running = process(&AUTO)
        .hears(prepared())
        .then([Effect::Wake { name: DEPART, at_ms: 1_000 }])
        .at(1_000)
        .wakes(DEPART)
        .sends([depart()])
        .hears(departed())
        .then([Effect::CancelWake(DEPART), Effect::Wake { name: COMPLETE, at_ms: 3_000 }])
        .at(3_000)
        .wakes(COMPLETE)
        .sends([complete()])
        .hears(completed());
    assert_eq!((running.end().ending, running.end().timers.len()), (Some(Ending::Done), 0));
}

#[test]
fn by_hand_the_clock_does_nothing() {
    let running = process(&Courier::Manual).hears(prepared()).then([]).hears(departed()).hears(completed());
    assert_eq!((running.end().sent.len(), running.end().ending), (0, Some(Ending::Done)));
}

#[test]
fn a_parcel_called_back_or_lost_does_not_depart() {
    for end in [cancelled(), failed()] {
        let running = process(&AUTO).hears(prepared()).hears(end);
        assert_eq!((running.end().timers.len(), running.end().ending), (0, Some(Ending::Done)));
    }
}

#[test]
fn a_refused_departure_needs_no_answer() {
    process(&AUTO).hears(prepared()).wakes(DEPART).refused(&DeliveryRejection::AlreadyCancelled).then([]);
}

#[test]
fn a_delivery_called_back_before_it_was_packed_leaves_nobody_waiting() {
    let running = process(&AUTO).hears(cancelled());
    assert_eq!(running.end().ending, Some(Ending::Done));
}

#[test]
fn whenever_the_clock_strikes_no_timer_outlives_the_parcel() {
    let mut departures = 0;
    every_end(&AUTO, &[vec![prepared(), departed(), completed()]], &[DEPART, COMPLETE], |names, end| {
        assert_eq!((end.timers.len(), end.ending), (0, Some(Ending::Done)), "{names:?}");
        departures += end.sent.iter().filter(|command| **command == depart()).count();
    });
    assert!(departures > 0, "the clock never struck");
}

#[test]
fn a_courier_ends_whoever_moves_the_parcel() {
    let packed = DeliveryPrepared { order: id(), customer: None, address: "Seoul".into(), items: vec![], at_ms: 0 };
    // A refusal for no reason leaves the parcel where it is: a person has to move it.
    let survived = saga(&Courier::default(), &Deliveries, [packed.into()], DeliveryRejection::NoSuchDelivery)
        .asked(CancelDelivery { order: id() })
        .asked(FailDelivery { order: id(), why: "lost".into() })
        .asked(CompleteDelivery { order: id() })
        .may_wait()
        .goes_every_way();
    assert!(survived.endings[&saga::Ending::Done] > survived.endings[&saga::Ending::Waiting], "{survived:?}");
    assert!(survived.woken > 0, "{survived:?}");
    println!("{survived:?}");
}
