//! What is kept of earlier versions is dropped when nobody can go back to it, and a rebuild is called off.

use bongsu_memory::MemoryStore;
use bongsu_runtime::{Ended, Handle, NotDropped, NotRebuilt, Purpose, ReadModelStatus, Runtime};

use crate::{
    bank::{AccountCommand, Deposit, Movements, MovementsNow, bank, bank_with_movements, ledger, next_ledger},
    world::{Hindered, Lab, ask, until},
};

async fn pay(lab: &Lab, bank: &Runtime, account: &str) {
    let deposit = AccountCommand::from(Deposit { account: account.into(), amount: 1 });
    ask(&bank.handle(), deposit, &lab.call(None)).await.unwrap();
}

/// How many documents belong to a read model, its generations and what an operator is told of it left out.
fn kept(store: &MemoryStore, root: &str) -> usize {
    let of = format!("{root}.");
    store.all_docs().iter().filter(|doc| doc.key.table.starts_with(&of) || doc.key.id.contains(&of)).count()
}

#[tokio::test(start_paused = true)]
async fn an_earlier_version_is_dropped_once_no_process_has_it_and_can_still_be_gone_back_to() {
    let (lab, ledgers) = (Lab::new(0), MemoryStore::new());
    let bank = lab.start(bank(), &MemoryStore::new(), "bank-1");
    for n in 0..150 {
        pay(&lab, &bank, &format!("a{n}")).await;
    }
    let old = lab.start(ledger(), &ledgers, "ledger-1");
    let new = lab.start(next_ledger(), &ledgers, "ledger-2");
    let (handle, operator) = (new.handle(), new.handle().operator());
    let ready = async |runtime: &Runtime| runtime.handle().status().ready;
    until("both are ready", async || ready(&old).await && ready(&new).await).await;
    let in_use = |slot: &str| Err(NotDropped::InUse { slot: slot.into() });
    until("each sees the other", async || operator.drop_read_model("movements@1").await == in_use("ledger-1")).await;
    assert_eq!(operator.drop_read_model("movements@2").await, in_use("ledger-2"));
    assert_eq!(operator.old_read_models().await, Ok(vec![]));
    old.stop().await;
    until("it is gone", async || operator.old_read_models().await == Ok(vec!["movements@1".to_owned()])).await;
    let unknown = NotDropped::Unknown(vec!["movements@1".into()]);
    assert_eq!(operator.drop_read_model("movements@9").await, Err(unknown));
    assert!(kept(&ledgers, "movements@1") > 300, "rows, marks and cursors");
    assert_eq!(operator.drop_read_model("movements@1").await, Ok(()));
    until("it is deleted", async || kept(&ledgers, "movements@1") == 0).await;
    assert_eq!(operator.old_read_models().await, Ok(vec![]));
    assert_eq!(handle.row::<MovementsNow>("a7").await.unwrap(), Some((1, 1, 1)), "has its own");
    let back = lab.start(ledger(), &ledgers, "ledger-3");
    assert!(!ready(&back).await, "its table is empty");
    until("it is filled anew", async || ready(&back).await).await;
    for n in 0..150 {
        assert_eq!(back.handle().row::<Movements>(&format!("a{n}")).await.unwrap(), Some((1, 1)));
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_instance_that_died_left_of_a_dropped_version_is_deleted_by_the_next() {
    let (lab, ledgers) = (Lab::new(0), MemoryStore::new());
    let bank = lab.start(bank(), &MemoryStore::new(), "bank-1");
    for n in 0..150 {
        pay(&lab, &bank, &format!("a{n}")).await;
    }
    let old = lab.start(ledger(), &ledgers, "ledger-1");
    until("it is filled", async || old.handle().status().ready).await;
    old.stop().await;
    let new = lab.start(next_ledger(), &ledgers, "ledger-2");
    until("it is ready", async || new.handle().status().ready).await;
    assert_eq!(new.handle().operator().drop_read_model("movements@1").await, Ok(()));
    drop(new);
    assert!(kept(&ledgers, "movements@1") > 0, "it died before anything was deleted");
    let _next = lab.start(next_ledger(), &ledgers, "ledger-3");
    until("it is deleted", async || kept(&ledgers, "movements@1") == 0).await;
}

async fn status(handle: &Handle) -> ReadModelStatus {
    handle.operator().read_models().await.unwrap().pop().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_under_way_is_called_off_and_what_is_shown_stays() {
    let (lab, banks) = (Lab::new(0), MemoryStore::new());
    let bank = lab.start(bank_with_movements(), &banks, "bank-1");
    let handle = bank.handle();
    for n in 0..3_000 {
        pay(&lab, &bank, &format!("a{n}")).await;
    }
    until("ready", async || handle.status().ready && status(&handle).await.behind == Some(0)).await;
    assert_eq!(handle.operator().cancel_rebuild("movement").await, Err(NotRebuilt::Unknown(vec!["movements"])));
    assert_eq!(handle.operator().cancel_rebuild("movements").await, Err(NotRebuilt::Idle));
    handle.operator().rebuild("movements", Purpose::Rebuild).await.unwrap();
    until("it is in its midst", async || {
        pay(&lab, &bank, "a0").await; // It gives way to others, so that it can be caught.
        status(&handle).await.filling.is_some_and(|filling| (500..2_900).contains(&filling.done))
    })
    .await;
    assert_eq!(handle.operator().cancel_rebuild("movements").await, Ok(2));
    let ended = status(&handle).await;
    assert!(ended.filling.is_none() && ended.generation == 1, "{ended:?}");
    assert_eq!(ended.last, Some(Ended::Failed { why: "an operator cancelled it".into() }));
    until("nothing is left of it", async || {
        kept(&banks, "movements@1.2") == 0 && banks.docs_of("movements@1.2").is_empty()
    })
    .await;
    assert_eq!(handle.row::<Movements>("a1").await.unwrap(), Some((1, 1)));
    assert_eq!(handle.operator().rebuild("movements", Purpose::Rebuild).await, Ok(3));
    until("it has ended", async || status(&handle).await.filling.is_none()).await;
    assert!(matches!(status(&handle).await.last, Some(Ended::Shown { generation: 3, .. })));
}

#[tokio::test(start_paused = true)]
async fn what_nobody_confirmed_is_read_again_before_an_operator_is_told() {
    let lab = Lab::new(0);
    let ledgers = Hindered::over(&MemoryStore::new());
    let ledger = lab.start_with(ledgers.clone(), lab.broker.clone(), ledger(), "ledger-1");
    let operator = ledger.handle().operator();
    ledgers.lose_an_answer_about("rebuild");
    ledgers.give_up_the_answer();
    assert_eq!(operator.rebuild("movements", Purpose::Rebuild).await, Ok(2), "it was begun, and is not begun twice");
    let last = async || operator.read_models().await.unwrap().remove(0).last;
    until("it is shown", async || matches!(last().await, Some(Ended::Shown { generation: 2, .. }))).await;
}
