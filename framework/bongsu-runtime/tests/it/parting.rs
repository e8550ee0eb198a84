//! A store that is not the one that published: restored from a copy, begun anew, or one of two copies.

use bongsu_memory::MemoryStore;
use bongsu_runtime::{
    Answer, CommandError, Deed, Runtime,
    ports::broker::{Broker as _, Producer},
};

use crate::{
    bank::{AccountCommand, Deposit, Movements, bank, ledger},
    world::{Lab, ask, until},
};

async fn deposit(lab: &Lab, bank: &Runtime, account: &str, amount: i64) -> Result<Answer, CommandError> {
    let deposit = AccountCommand::from(Deposit { account: account.into(), amount });
    ask(&bank.handle(), deposit, &lab.call(None)).await
}

async fn paid(lab: &Lab, bank: &Runtime, account: &str, amounts: &[i64]) {
    for amount in amounts {
        deposit(lab, bank, account, *amount).await.expect("it is taken");
    }
}

/// Waits until a ledger shows (sum, count) of an account.
async fn shows(ledger: &Runtime, account: &str, wanted: (i64, u32)) {
    let handle = ledger.handle();
    until(&format!("{account} shows {wanted:?}"), async || {
        handle.row::<Movements>(account).await.is_ok_and(|row| row == Some(wanted))
    })
    .await;
}

fn is_parted(answer: &Result<Answer, CommandError>) -> bool {
    matches!(answer, Err(CommandError::HistoryParted { .. }))
}

async fn says_it_parted(bank: &Runtime) {
    let remedy = |reason: &String| reason.contains("bongsu adopt bank");
    until("it is said", async || bank.handle().status().reasons.iter().any(remedy)).await;
}

fn why() -> Deed {
    Deed::new("olga", Some("restored a copy")).expect("a deed")
}

async fn adopt(bank: &Runtime) -> bongsu_runtime::Adoption {
    let adoption = bank.handle().operator().adopt(&why()).await.expect("it is adopted").expect("they had parted");
    until("they agree again", async || bank.handle().status().reasons.is_empty()).await;
    adoption
}

async fn told(lab: &Lab) -> usize {
    lab.broker.log("bank").iter().map(|(_, messages)| messages.len()).sum()
}

#[tokio::test(start_paused = true)]
async fn a_store_that_begins_anew_takes_no_command_until_it_is_adopted() {
    let (lab, ledgers) = (Lab::new(0), MemoryStore::new());
    let (first, ledger) = (lab.start(bank(), &MemoryStore::new(), "bank-1"), lab.start(ledger(), &ledgers, "ledger-1"));
    paid(&lab, &first, "ann", &[1, 2, 3]).await;
    shows(&ledger, "ann", (6, 3)).await;
    first.stop().await;
    let before = told(&lab).await;
    let second = lab.start(bank(), &MemoryStore::new(), "bank-1");
    assert!(is_parted(&deposit(&lab, &second, "ann", 10).await), "the very first command");
    says_it_parted(&second).await;
    assert!(is_parted(&deposit(&lab, &second, "bob", 10).await));
    assert_eq!(told(&lab).await, before, "nothing is published");
    let survey = second.handle().operator().survey().await.expect("an answer").expect("they have parted");
    assert_eq!((survey.position, survey.orphans, survey.history), (0, 3, None));
    assert_eq!(adopt(&second).await.orphans, 3);
    assert_eq!(second.handle().operator().survey().await, Ok(None), "once is enough");
    paid(&lab, &second, "ann", &[10]).await;
    paid(&lab, &second, "bob", &[20]).await;
    shows(&ledger, "bob", (20, 1)).await;
    // The first three are orphans: the read model is filled again without them.
    shows(&ledger, "ann", (10, 1)).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_restored_store_tells_again_under_old_numbers_is_heard_after_an_adoption() {
    let (lab, banks, ledgers) = (Lab::new(0), MemoryStore::new(), MemoryStore::new());
    let (first, ledger) = (lab.start(bank(), &banks, "bank-1"), lab.start(ledger(), &ledgers, "ledger-1"));
    paid(&lab, &first, "ann", &[1, 2]).await;
    shows(&ledger, "ann", (3, 2)).await;
    let copy = banks.copy();
    paid(&lab, &first, "ann", &[100, 200]).await;
    paid(&lab, &first, "eve", &[300]).await;
    shows(&ledger, "eve", (300, 1)).await;
    shows(&ledger, "ann", (303, 4)).await;
    first.stop().await;
    let second = lab.start(bank(), &copy, "bank-1");
    says_it_parted(&second).await;
    assert!(is_parted(&deposit(&lab, &second, "ann", 10).await));
    let applied = ledger
        .handle()
        .operator()
        .applied("bank", second.handle().operator().survey().await.unwrap().unwrap().position)
        .await;
    let applied = applied.expect("an answer");
    assert!(applied.iter().any(|one| one.subject == "account/eve"), "{applied:?}");
    assert!(applied.iter().any(|one| one.subject == "account/ann" && one.sequence == 4), "{applied:?}");
    assert_eq!(adopt(&second).await.orphans, 3);
    paid(&lab, &second, "ann", &[10]).await;
    shows(&ledger, "ann", (13, 3)).await;
    until("eve never was", async || ledger.handle().row::<Movements>("eve").await == Ok(None)).await;
    // Everything once more: the common part, and the new history's own; never the orphans.
    assert!(second.handle().operator().republish(None, &why()).await.expect("an answer").is_some());
    until("it is done", async || second.handle().operator().refills().await.unwrap().is_empty()).await;
    paid(&lab, &second, "ann", &[20]).await;
    shows(&ledger, "ann", (33, 4)).await;
    assert_eq!(ledger.handle().row::<Movements>("eve").await, Ok(None));
    // Whoever reads the log for the first time passes over the orphans, too.
    let late = lab.start(crate::bank::ledger(), &MemoryStore::new(), "ledger-2");
    shows(&late, "ann", (33, 4)).await;
    assert_eq!(late.handle().row::<Movements>("eve").await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn of_two_copies_started_in_turn_the_second_is_refused() {
    let (lab, banks) = (Lab::new(0), MemoryStore::new());
    let first = lab.start(bank(), &banks, "bank-1");
    paid(&lab, &first, "ann", &[1, 2, 3]).await;
    until("all is told", async || told(&lab).await == 3).await;
    first.stop().await;
    let (one, two) = (banks.copy(), banks.copy());
    let running = lab.start(bank(), &one, "bank-1");
    paid(&lab, &running, "ann", &[10]).await;
    until("all is told", async || told(&lab).await == 4).await;
    running.stop().await;
    let running = lab.start(bank(), &two, "bank-1");
    assert!(is_parted(&deposit(&lab, &running, "ann", 20).await));
    running.stop().await;
    // The one that published goes on, as if nothing had been.
    let running = lab.start(bank(), &one, "bank-1");
    paid(&lab, &running, "ann", &[30]).await;
    until("all is told", async || told(&lab).await == 5).await;
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_runs_ahead_stops_the_first_and_whoever_adopts_goes_on() {
    let (lab, banks) = (Lab::new(0), MemoryStore::new());
    let first = lab.start(bank(), &banks, "bank-1");
    paid(&lab, &first, "ann", &[1, 2, 3]).await;
    until("all is told", async || told(&lab).await == 3).await;
    let copy = lab.start(bank(), &banks.copy(), "bank-1");
    paid(&lab, &copy, "ann", &[10, 20]).await;
    until("all is told", async || told(&lab).await == 5).await;
    says_it_parted(&first).await;
    assert!(is_parted(&deposit(&lab, &first, "ann", 4).await));
    copy.stop().await;
    assert_eq!(adopt(&first).await.position, 3);
    paid(&lab, &first, "ann", &[4]).await;
    until("all is told", async || told(&lab).await == 6).await;
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_is_as_new_as_the_broker_goes_on_although_its_epoch_is_older() {
    let (lab, banks) = (Lab::new(0), MemoryStore::new());
    let first = lab.start(bank(), &banks, "bank-1");
    paid(&lab, &first, "ann", &[1, 2, 3]).await;
    until("all is told", async || told(&lab).await == 3).await;
    let copy = banks.copy();
    first.stop().await;
    // The store was started often after it was copied, without telling anything.
    let history = lab.broker.standing("bank").await.expect("it is known").history;
    let later = Producer { history, ..Producer::new("bank", 40) };
    lab.broker.publish(later, Vec::new()).await.expect("a later epoch");
    let restored = lab.start(bank(), &copy, "bank-1");
    paid(&lab, &restored, "ann", &[4]).await;
    until("all is told", async || told(&lab).await == 4).await;
}

#[tokio::test(start_paused = true)]
async fn a_history_whose_end_the_broker_keeps_no_more_is_parted_from_where_the_relay_of_the_store_stood() {
    let (lab, banks, ledgers) = (Lab::new(0), MemoryStore::new(), MemoryStore::new());
    let (first, ledger) = (lab.start(bank(), &banks, "bank-1"), lab.start(ledger(), &ledgers, "ledger-1"));
    paid(&lab, &first, "ann", &[1, 2]).await;
    shows(&ledger, "ann", (3, 2)).await;
    first.stop().await;
    let copy = banks.copy();
    let first = lab.start(bank(), &banks, "bank-1");
    paid(&lab, &first, "ann", &[100]).await;
    paid(&lab, &first, "eve", &[300]).await;
    shows(&ledger, "eve", (300, 1)).await;
    shows(&ledger, "ann", (103, 3)).await;
    first.stop().await;
    // Retention takes all of it; where the producer stood the broker knows.
    lab.broker.forget("bank");
    let second = lab.start(bank(), &copy, "bank-1");
    says_it_parted(&second).await;
    assert!(is_parted(&deposit(&lab, &second, "ann", 10).await));
    let survey = second.handle().operator().survey().await.expect("an answer").expect("they have parted");
    // What is gone cannot be counted; what has heard of it is found by its position all the same.
    assert_eq!((survey.position, survey.orphans), (2, 0));
    let applied = ledger.handle().operator().applied("bank", survey.position).await.expect("an answer");
    assert_eq!(applied.len(), 2, "{applied:?}");
    assert_eq!(adopt(&second).await.position, 2);
    paid(&lab, &second, "ann", &[10]).await;
    // The ledger has to begin again, and what it would read is gone.
    assert!(second.handle().operator().republish(None, &why()).await.expect("an answer").is_some());
    until("it is done", async || second.handle().operator().refills().await.unwrap().is_empty()).await;
    shows(&ledger, "ann", (13, 3)).await;
    until("eve never was", async || ledger.handle().row::<Movements>("eve").await == Ok(None)).await;
    let late = lab.start(crate::bank::ledger(), &MemoryStore::new(), "ledger-2");
    shows(&late, "ann", (13, 3)).await;
}
