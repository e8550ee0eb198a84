//! A cart's snapshot and the events after it are all its events: for any life of a cart, cut anywhere.

use bongsu_core::Aggregate;
use ordering_domain::{
    cart::{CartState, Carts},
    cart_events::*,
};
use proptest::{collection::vec, prelude::*, sample::Index};

fn event() -> impl Strategy<Value = CartEvent> {
    let sku = || prop_oneof!["[A-C]", ".{0,6}"];
    prop_oneof![
        2 => "[a-z]{1,4}".prop_map(|cart| CartCreated { cart, at_ms: 1 }.into()),
        8 => (sku(), any::<u32>()).prop_map(|(sku, quantity)| ItemAdded { sku, quantity, at_ms: 2 }.into()),
        4 => (sku(), any::<u32>()).prop_map(|(sku, quantity)| QuantityChanged { sku, quantity, at_ms: 3 }.into()),
        4 => sku().prop_map(|sku| ItemRemoved { sku, at_ms: 4 }.into()),
        1 => "[a-z]{1,4}".prop_map(|order| CartCheckedOut { cart: "c".into(), order, at_ms: 5 }.into()),
    ]
}

fn fold(mut state: CartState, events: &[CartEvent]) -> CartState {
    events.iter().for_each(|event| Carts::evolve(&mut state, event));
    state
}

proptest! {
    #[test]
    fn a_snapshot_and_the_events_after_it_are_all_events(events in vec(event(), 0..60), cuts in vec(any::<Index>(), 1..6)) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.index(events.len() + 1)).collect();
        cuts.sort_unstable();
        let (mut state, mut done) = (CartState::default(), 0);
        for cut in cuts {
            // Written down and read back, as a snapshot is, and gone on from there.
            let kept = serde_json::to_vec(&fold(state, &events[done..cut])).unwrap();
            (state, done) = (serde_json::from_slice(&kept).unwrap(), cut);
        }
        prop_assert_eq!(fold(state, &events[done..]), fold(CartState::default(), &events));
    }
}
