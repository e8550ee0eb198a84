//! A cart's snapshot and the events after it are all its events: for any life of a cart, cut anywhere.

use bongsu_core::Aggregate;
use bongsu_given::{Draw, whatever};
use ordering_domain::{
    cart::{CartState, Carts},
    cart_events::*,
};

fn event(draw: &mut Draw) -> CartEvent {
    let words = |draw: &mut Draw, of: &[&str]| draw.one_of(of).to_string();
    let sku = words(draw, &["A", "B", "C", "", "a", "가나", "\u{1f600}\"\\", "\n "]).into();
    let id = words(draw, &["c", "cart", "x"]);
    let quantity = *draw.one_of(&[0, 1, 2, 7, 1_000_000, u32::MAX]);
    match draw.below(21) {
        0..2 => CartCreated { cart: id.into(), at_ms: 1, guest: None }.into(),
        2..10 => ItemAdded { sku, quantity, at_ms: 2 }.into(),
        10..14 => QuantityChanged { sku, quantity, at_ms: 3 }.into(),
        14..18 => ItemRemoved { sku, at_ms: 4 }.into(),
        18 => CartMerged { cart: "c".into(), at_ms: 5 }.into(),
        19 => CartAbandoned { cart: "c".into(), at_ms: 5 }.into(),
        _ => CartCheckedOut { cart: "c".into(), order: id.into(), at_ms: 5 }.into(),
    }
}

fn fold(mut state: CartState, events: &[CartEvent]) -> CartState {
    events.iter().for_each(|event| Carts::evolve(&mut state, event));
    state
}

#[test]
fn a_snapshot_and_the_events_after_it_are_all_events() {
    whatever(500, |draw| {
        let events = draw.list(60, event);
        let mut cuts = draw.list(6, |draw| draw.below(events.len() as u64 + 1) as usize);
        cuts.sort_unstable();
        let (mut state, mut done) = (CartState::default(), 0);
        for cut in cuts {
            // Written down and read back, as a snapshot is, and gone on from there.
            let kept = serde_json::to_vec(&fold(state, &events[done..cut])).unwrap();
            (state, done) = (serde_json::from_slice(&kept).unwrap(), cut);
        }
        assert_eq!(fold(state, &events[done..]), fold(CartState::default(), &events));
    });
}
