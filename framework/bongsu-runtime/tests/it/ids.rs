//! What one reaction makes: every command of it has an id of its own, the same however often it is planned.

use bongsu_memory::MemoryStore;

use crate::{
    bank::{AccountCommand, Deposit, Withdraw, bank, ledger},
    parcels::{post_by_policy, post_by_process},
    world::{Hindered, Lab, ask, until},
};

async fn withdraw(lab: &Lab, bank: &bongsu_runtime::Runtime, account: &str) {
    let deposit = AccountCommand::from(Deposit { account: account.into(), amount: 5 });
    ask(&bank.handle(), deposit, &lab.call(None)).await.unwrap();
    let withdraw = AccountCommand::from(Withdraw { account: account.into(), amount: 5 });
    ask(&bank.handle(), withdraw, &lab.call(None)).await.unwrap();
}

/// Where each parcel was packed, and under which id.
fn packed(store: &MemoryStore) -> Vec<(String, String)> {
    let parcels = store.all_events().into_iter().filter(|event| event.stream.starts_with("parcel/"));
    let from =
        |data: &[u8]| serde_json::from_slice::<serde_json::Value>(data).unwrap()["from"].as_str().unwrap().to_owned();
    let mut packed: Vec<_> = parcels.map(|event| (from(&event.data), event.stream)).collect();
    packed.sort();
    packed
}

fn places(store: &MemoryStore) -> Vec<String> {
    packed(store).into_iter().map(|(from, _)| from).collect()
}

#[tokio::test(start_paused = true)]
async fn two_new_things_of_one_reaction_of_a_policy_are_two() {
    let (lab, posts) = (Lab::new(0), MemoryStore::new());
    let (bank, _post) =
        (lab.start(bank(), &MemoryStore::new(), "bank-1"), lab.start(post_by_policy(), &posts, "post-1"));
    withdraw(&lab, &bank, "ann").await;
    until("something is packed", async || !places(&posts).is_empty()).await;
    assert_eq!(places(&posts), ["busan/ann", "seoul/ann"]);
}

#[tokio::test(start_paused = true)]
async fn every_command_of_a_process_makes_a_thing_of_its_own() {
    let (lab, posts) = (Lab::new(0), MemoryStore::new());
    let bank = lab.start(bank(), &MemoryStore::new(), "bank-1");
    let _ledger = lab.start(ledger(), &MemoryStore::new(), "ledger-1");
    let _post = lab.start(post_by_process(), &posts, "post-1");
    withdraw(&lab, &bank, "ann").await;
    until("it woke", async || places(&posts).iter().any(|from| from == "late")).await;
    until("it heard of the entry", async || places(&posts).iter().any(|from| from == "booked")).await;
    assert_eq!(places(&posts), ["booked", "first", "late", "later", "second"]);
}

#[tokio::test(start_paused = true)]
async fn a_reaction_that_is_planned_again_makes_the_same_things() {
    let lab = Lab::new(0);
    let bank = lab.start(bank(), &MemoryStore::new(), "bank-1");
    let (once, often) = (MemoryStore::new(), MemoryStore::new());
    let hindered = Hindered::over(&often).refusing("pack-two", 3);
    let _posts = [
        lab.start(post_by_policy(), &once, "post-1"),
        lab.start_with(hindered.clone(), lab.broker.clone(), post_by_policy(), "other-1"),
    ];
    withdraw(&lab, &bank, "ann").await;
    until("both packed", async || places(&once).len() == 2 && places(&often).len() == 2).await;
    assert_eq!(hindered.left.load(std::sync::atomic::Ordering::Relaxed), 0, "it was planned again");
    assert_eq!(packed(&once), packed(&often));
}
