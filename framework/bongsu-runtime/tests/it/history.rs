//! How much history the broker keeps, and what happens when there is less than somebody needs.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bongsu_memory::MemoryStore;
use bongsu_runtime::{
    Adapters, CommandError, Deed, Ended, Handle, Purpose, Range, Runtime, Settings, ports::broker::Broker as _,
};

use crate::{
    bank::{AccountCommand, Book, BookCommand, Deposit, Movements, bank, ledger},
    world::{Hindered, Lab, ask, until},
};

/// Deposits one a time, and waits until the bank has told all of them.
async fn deposit(lab: &Lab, bank: &Runtime, times: u64) {
    let before = ends(lab).await;
    for _ in 0..times {
        let deposit = AccountCommand::from(Deposit { account: "ann".into(), amount: 1 });
        ask(&bank.handle(), deposit, &lab.call(None)).await.unwrap();
    }
    until("all is published", async || ends(lab).await == before + times).await;
}

async fn ends(lab: &Lab) -> u64 {
    let bounds = lab.broker.bounds("bank").await;
    bounds.map_or(0, |bounds| bounds.partitions.iter().map(|(_, _, end)| end).sum())
}

#[tokio::test(start_paused = true)]
async fn an_owner_bounds_what_the_broker_keeps_of_it() {
    let (lab, banks) = (Lab::new(0), MemoryStore::new());
    let adapters = Adapters {
        store: Arc::new(banks.clone()),
        broker: Arc::new(lab.broker.clone()),
        env: lab.env.clone(),
        http: lab.outside.clone(),
    };
    let settings = Settings { partitions: 2, retention_bytes: Some(1), ..Settings::default() };
    let bank = Runtime::start(bank(), adapters, settings);
    deposit(&lab, &bank, 5).await;
    let kept: u64 = lab.broker.bounds("bank").await.unwrap().partitions.iter().map(|(_, from, end)| end - from).sum();
    assert_eq!(kept, 1, "a byte is kept with the newest message");
}

#[tokio::test(start_paused = true)]
async fn a_read_model_that_joins_after_a_cut_is_not_ready_and_says_what_fills_it() {
    let (lab, banks, ledgers) = (Lab::new(0), MemoryStore::new(), MemoryStore::new());
    let bank = lab.start(bank(), &banks, "bank-1");
    deposit(&lab, &bank, 7).await;
    lab.broker.forget("bank");
    let ledger = lab.start(ledger(), &ledgers, "ledger-1");
    let remedy = |reason: &String| reason.contains("bongsu republish bank");
    until("it says what is missing", async || ledger.handle().status().reasons.iter().any(remedy)).await;
    deposit(&lab, &bank, 3).await;
    assert!(!ledger.handle().status().ready);
    assert_eq!(ledger.handle().row::<Movements>("ann").await.unwrap(), None, "later facts wait for the earlier");
    let deed = Deed::new("olga", None).unwrap();
    assert_eq!(bank.handle().operator().republish(Some("account/bob"), &deed).await.unwrap(), None, "no such stream");
    assert!(bank.handle().operator().republish(Some("account/ann"), &deed).await.unwrap().is_some());
    until("it is done", async || bank.handle().operator().refills().await.unwrap().is_empty()).await;
    assert!(!ledger.handle().status().ready, "one stream is not everything");
    assert!(bank.handle().operator().republish(None, &deed).await.unwrap().is_some());
    until("ready", async || ledger.handle().status().ready).await;
    assert_eq!(ledger.handle().row::<Movements>("ann").await.unwrap(), Some((10, 10)));
    until("nothing stopped", async || ledger.handle().status().reasons.is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn where_the_history_of_a_read_model_is_gone_all_else_is_served_and_it_is_named_and_not_read() {
    let (lab, banks, ledgers) = (Lab::new(0), MemoryStore::new(), MemoryStore::new());
    let bank = lab.start(bank(), &banks, "bank-1");
    deposit(&lab, &bank, 7).await;
    lab.broker.forget("bank");
    let instances = [lab.start(ledger(), &ledgers, "ledger-1"), lab.start(ledger(), &ledgers, "ledger-2")];
    for ledger in &instances {
        let handle = ledger.handle();
        until("ready", async || handle.status().ready).await;
        let says =
            |reason: &String| reason.contains("movements@1 is not shown") && reason.contains("bongsu republish bank");
        assert!(handle.status().reasons.iter().any(says), "{:?}", handle.status());
        let row = handle.row::<Movements>("ann").await;
        assert!(matches!(&row, Err(CommandError::Unavailable(why)) if why.contains("is not shown")), "{row:?}");
        assert!(handle.rows::<Movements>(Range { limit: 1, ..Range::default() }).await.is_err());
        let book = BookCommand::from(Book { account: "ann".into(), amount: 1 });
        ask(&handle, book, &lab.call(None)).await.expect("a command is served");
    }
    let deed = Deed::new("olga", None).unwrap();
    assert!(bank.handle().operator().republish(None, &deed).await.unwrap().is_some());
    for ledger in &instances {
        let handle = ledger.handle();
        until("it is shown", async || handle.row::<Movements>("ann").await == Ok(Some((7, 7)))).await;
        until("nothing stopped", async || handle.status().reasons.is_empty()).await;
    }
}

/// Rebuilds or checks the movements; how that ended.
async fn again(handle: &Handle, purpose: Purpose) -> Ended {
    handle.operator().rebuild("movements", purpose).await.unwrap();
    let status = async || handle.operator().read_models().await.unwrap().pop().unwrap();
    until("it has ended", async || status().await.filling.is_none()).await;
    status().await.last.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_over_a_cut_begins_at_the_last_complete_refill_or_says_what_is_missing() {
    let (lab, banks, ledgers) = (Lab::new(0), MemoryStore::new(), MemoryStore::new());
    let bank = lab.start(bank(), &banks, "bank-1");
    let ledger = lab.start(ledger(), &ledgers, "ledger-1");
    let handle = ledger.handle();
    deposit(&lab, &bank, 7).await;
    let row = async || handle.row::<Movements>("ann").await.unwrap();
    until("all is folded", async || row().await == Some((7, 7))).await;
    lab.broker.forget("bank");
    deposit(&lab, &bank, 1).await;
    let deed = Deed::new("olga", None).unwrap();
    let republished = async |subject| {
        bank.handle().operator().republish(subject, &deed).await.unwrap();
        until("it is done", async || bank.handle().operator().refills().await.unwrap().is_empty()).await;
    };
    republished(Some("account/ann")).await;
    let Ended::Failed { why } = again(&handle, Purpose::Rebuild).await else { panic!("one stream is not all") };
    assert!(why.contains("facts of bank are gone") && why.contains("bongsu republish bank"), "{why}");
    assert_eq!(row().await, Some((8, 8)), "what was shown is shown still");
    for _ in 0..2 {
        republished(None).await;
        deposit(&lab, &bank, 1).await;
    }
    until("all is folded", async || row().await == Some((10, 10))).await;
    assert!(matches!(again(&handle, Purpose::Check).await, Ended::Checked { rows: 1, different: 0, .. }));
    assert!(matches!(again(&handle, Purpose::Rebuild).await, Ended::Shown { .. }));
    assert_eq!(row().await, Some((10, 10)));
    deposit(&lab, &bank, 1).await;
    until("it goes on", async || row().await == Some((11, 11))).await;
}

#[tokio::test(start_paused = true)]
async fn a_fact_that_fails_right_after_a_refill_does_not_make_the_lane_forget_that_the_refill_has_ended() {
    let (lab, banks, ledgers) = (Lab::new(0), MemoryStore::new(), MemoryStore::new());
    let bank = lab.start(bank(), &banks, "bank-1");
    deposit(&lab, &bank, 7).await;
    lab.broker.forget("bank");
    let store = Hindered::over(&ledgers).refusing("movements@1", 0);
    let refuses = store.left.clone();
    let ledger = lab.start_with(store, lab.broker.clone(), ledger(), "ledger-1");
    let deed = Deed::new("olga", None).unwrap();
    assert!(bank.handle().operator().republish(None, &deed).await.unwrap().is_some());
    until("ready", async || ledger.handle().status().ready).await;
    // It has passed the end of the refill, in memory; what comes next it has to plan again.
    refuses.store(1, Ordering::Relaxed);
    deposit(&lab, &bank, 1).await;
    until("it was refused", async || refuses.load(Ordering::Relaxed) == 0).await;
    deposit(&lab, &bank, 1).await;
    let shown = async || ledger.handle().row::<Movements>("ann").await.unwrap();
    until("all is shown", async || shown().await == Some((9, 9))).await;
}

#[tokio::test(start_paused = true)]
async fn a_history_that_ends_just_where_a_lane_stood_in_the_one_before_is_not_taken_for_it() {
    let (lab, banks, ledgers) = (Lab::new(0), MemoryStore::new(), MemoryStore::new());
    let bank = lab.start(bank(), &banks, "bank-1");
    let deed = Deed::new("olga", None).unwrap();
    let republished = async || {
        assert!(bank.handle().operator().republish(None, &deed).await.unwrap().is_some());
        until("it is done", async || bank.handle().operator().refills().await.unwrap().is_empty()).await;
    };
    deposit(&lab, &bank, 2).await;
    // Two marks and two facts once more: six in all.
    republished().await;
    let ledger = lab.start(ledger(), &ledgers, "ledger-1");
    let shown = async |ledger: &Runtime| ledger.handle().row::<Movements>("ann").await;
    until("all is shown", async || shown(&ledger).await == Ok(Some((2, 2)))).await;
    // The marks that it passed over are behind its durable cursor once nothing came for a while.
    tokio::time::sleep(Duration::from_secs(5)).await;
    ledger.stop().await;
    // Two marks, two facts, and two that nobody has heard: six in all.
    lab.broker.lose_everything();
    republished().await;
    deposit(&lab, &bank, 2).await;
    let ledger = lab.start(self::ledger(), &ledgers, "ledger-1");
    until("what came since is shown", async || shown(&ledger).await == Ok(Some((4, 4)))).await;
    until("nothing stopped", async || ledger.handle().status().reasons.is_empty()).await;
}
