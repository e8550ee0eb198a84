//! Processes and their timers.

use bongsu_testing::MemoryStore;

use crate::{
    bank::{Account, AccountCommand, Deposit, Withdraw, bank, ledger},
    world::{Lab, ask, until},
};

async fn withdraw_one(lab: &Lab, bank: &bongsu_runtime::Runtime) {
    let deposit = AccountCommand::from(Deposit { account: "ann".into(), amount: 10 });
    ask(&bank.handle(), deposit, &lab.call(None)).await.unwrap();
    let withdraw = AccountCommand::from(Withdraw { account: "ann".into(), amount: 10 });
    ask(&bank.handle(), withdraw, &lab.call(None)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_answer_before_the_deadline_confirms_and_clears_the_timer() {
    let (lab, banks, ledgers) = (Lab::new(0), MemoryStore::new(), MemoryStore::new());
    let (bank, _ledger) = (lab.start(bank(), &banks, "bank-1"), lab.start(ledger(), &ledgers, "ledger-1"));
    withdraw_one(&lab, &bank).await;
    until("confirmed", async || bank.handle().load::<Account>("ann").await.unwrap().0.confirmed == 1).await;
    tokio::time::sleep(std::time::Duration::from_secs(20)).await;
    let (state, _) = bank.handle().load::<Account>("ann").await.unwrap();
    assert_eq!((state.amount, state.confirmed, state.given_back), (0, 1, 0));
    assert!(!banks.all_docs().iter().any(|doc| doc.key.table == "todo"), "no timer is left");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_fires_once_even_if_the_process_was_down_when_it_passed() {
    let (lab, banks) = (Lab::new(0), MemoryStore::new());
    let running = lab.start(bank(), &banks, "bank-1");
    withdraw_one(&lab, &running).await;
    drop(running);
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    let running = lab.start(bank(), &banks, "bank-1");
    until("given back", async || running.handle().load::<Account>("ann").await.unwrap().0.given_back == 1).await;
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    let (state, _) = running.handle().load::<Account>("ann").await.unwrap();
    assert_eq!((state.amount, state.confirmed, state.given_back), (10, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_still_heard_after_the_end() {
    let (lab, banks, ledgers) = (Lab::new(0), MemoryStore::new(), MemoryStore::new());
    let running = lab.start(bank(), &banks, "bank-1");
    withdraw_one(&lab, &running).await;
    until("given back", async || running.handle().load::<Account>("ann").await.unwrap().0.given_back == 1).await;
    let _ledger = lab.start(ledger(), &ledgers, "ledger-1");
    until("the late answer was reacted to", async || {
        running.handle().load::<Account>("ann").await.unwrap().0.confirmed == 1
    })
    .await;
}
