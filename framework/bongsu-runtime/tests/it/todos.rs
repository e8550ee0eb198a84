//! Activities, retries and parking.

use std::sync::atomic::Ordering;

use bongsu_testing::MemoryStore;

use crate::{
    bank::{AccountCommand, Books, Deposit, Withdraw, bank, ledger},
    world::{Lab, ask, until},
};

async fn withdraw(lab: &Lab, bank: &bongsu_runtime::Runtime, account: &str, amount: i64) {
    let deposit = AccountCommand::from(Deposit { account: account.into(), amount });
    ask(&bank.handle(), deposit, &lab.call(None)).await.unwrap();
    let withdraw = AccountCommand::from(Withdraw { account: account.into(), amount });
    ask(&bank.handle(), withdraw, &lab.call(None)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_activity_is_tried_until_the_outside_answers_and_its_outcome_counts_once() {
    let (lab, banks, ledgers) = (Lab::new(7), MemoryStore::new(), MemoryStore::new());
    let (bank, ledger) = (lab.start(bank(), &banks, "bank-1"), lab.start(ledger(), &ledgers, "ledger-1"));
    withdraw(&lab, &bank, "ann", 4).await;
    until("stamped", async || ledger.handle().load::<Books>("ann").await.unwrap().0.1 == 1).await;
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    assert_eq!(lab.outside.asked.load(Ordering::Relaxed), 8);
    assert_eq!(ledger.handle().load::<Books>("ann").await.unwrap().0, (4, 1));
}

#[tokio::test(start_paused = true)]
async fn a_poison_fact_parks_its_key_and_nothing_else() {
    let (lab, banks, ledgers) = (Lab::new(0), MemoryStore::new(), MemoryStore::new());
    let (bank, ledger) = (lab.start(bank(), &banks, "bank-1"), lab.start(ledger(), &ledgers, "ledger-1"));
    withdraw(&lab, &bank, "ann", 13).await;
    withdraw(&lab, &bank, "ann", 2).await;
    for n in 0..10 {
        withdraw(&lab, &bank, &format!("b{n}"), 1).await;
    }
    for n in 0..10 {
        let account = format!("b{n}");
        until("others flow", async || ledger.handle().load::<Books>(&account).await.unwrap().0.0 == 1).await;
    }
    until("parked", async || !ledger.handle().parked().await.unwrap().is_empty()).await;
    let parked = ledger.handle().parked().await.unwrap();
    assert_eq!((parked.len(), parked[0].key.as_str(), parked[0].waiting), (1, "ann", 2));
    assert!(parked[0].error.contains("superstitious"), "{}", parked[0].error);
    assert_eq!(ledger.handle().load::<Books>("ann").await.unwrap().1, 0, "the later fact waits behind");
    assert!(ledger.handle().unpark(&parked[0].id).await.unwrap());
    until("parked again", async || ledger.handle().parked().await.unwrap().len() == 1).await;
}
