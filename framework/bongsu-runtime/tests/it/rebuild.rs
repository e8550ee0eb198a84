//! Rebuilding and checking read models while they are shown.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use bongsu_core::{Metadata, Projection};
use bongsu_memory::MemoryStore;
use bongsu_runtime::{
    Ended, Handle, NotRebuilt, Purpose, ReadModelStatus, Runtime, Service, Token,
    ports::{
        env::Env as _,
        store::{Commit, CommitId, DocBody, DocKey, DocWrite, Fact, NewEvent, Store as _, Verdict},
    },
};

use crate::{
    bank::{
        AccountCommand, Books, Deposit, MoneyCame, MovementHeard, Movements, Withdraw, bank, bank_with_movements,
        ledger,
    },
    world::{Lab, ask, until},
};

async fn pay(lab: &Lab, bank: &Runtime, account: &str, amount: i64) -> Token {
    let deposit = AccountCommand::from(Deposit { account: account.into(), amount });
    let answer = ask(&bank.handle(), deposit, &lab.call(None)).await.unwrap();
    std::str::from_utf8(&answer.reply.body).unwrap().parse().unwrap()
}

async fn status(handle: &Handle) -> ReadModelStatus {
    handle.operator().read_models().await.unwrap().pop().unwrap()
}

/// Waits until no rebuild is under way; how the last one ended.
async fn end(handle: &Handle) -> Ended {
    until("it has ended", async || status(handle).await.filling.is_none()).await;
    status(handle).await.last.unwrap()
}

/// Folds everything anew beside what is shown, and compares.
async fn check(handle: &Handle) -> (u64, u64, Vec<String>) {
    handle.operator().rebuild("movements", Purpose::Check).await.unwrap();
    match end(handle).await {
        Ended::Checked { rows, different, first } => (rows, different, first),
        other => panic!("{other:?}"),
    }
}

fn tables(store: &MemoryStore) -> Vec<String> {
    let mut tables: Vec<String> =
        store.all_docs().into_iter().map(|doc| doc.key.table.to_string()).filter(|table| table.contains('@')).collect();
    tables.dedup();
    tables
}

/// Everything that a rebuild could do beyond folding rows.
fn effects(store: &MemoryStore, lab: &Lab) -> (usize, usize, u64) {
    let published = lab.broker.topics().iter().flat_map(|topic| lab.broker.log(topic)).map(|(_, log)| log.len()).sum();
    (store.all_events().len(), published, lab.outside.asked.load(Ordering::Relaxed))
}

#[tokio::test(start_paused = true)]
async fn nobody_is_shown_less_while_a_read_model_of_other_contexts_is_rebuilt() {
    let (lab, ledgers) = (Lab::new(0), MemoryStore::new());
    let (bank, ledger) = (lab.start(bank(), &MemoryStore::new(), "bank-1"), lab.start(ledger(), &ledgers, "ledger-1"));
    for n in 0..500 {
        pay(&lab, &bank, &format!("a{}", n % 50), 1).await;
    }
    let handle = ledger.handle();
    until("ready", async || handle.status().ready).await;
    assert_eq!(handle.operator().rebuild("movements", Purpose::Rebuild).await, Ok(2));
    let (mut paid, mut during) = (10, 0);
    loop {
        let filling = status(&handle).await.filling.is_some();
        paid += 1;
        let token = pay(&lab, &bank, "a0", 1).await;
        handle.await_token::<Movements>(&token).await.unwrap();
        assert_eq!(handle.row::<Movements>("a0").await.unwrap(), Some((paid, paid as u32)));
        let page = handle.rows::<Movements>(bongsu_runtime::Range { limit: 100, ..Default::default() }).await.unwrap();
        assert_eq!(page.rows.len(), 50);
        during += u32::from(filling);
        // Nothing above takes time, and the rebuild rests for some.
        tokio::time::sleep(Duration::from_millis(5)).await;
        if !filling {
            break;
        }
    }
    assert!(during > 0, "it was shown while it was rebuilt");
    assert_eq!(status(&handle).await.generation, 2);
    until("the old generation is gone", async || tables(&ledgers) == ["movements@1.2"]).await;
    let old = ledgers.all_docs().into_iter().find(|doc| doc.key.id.contains("movements@1.1"));
    assert_eq!(old, None, "with its cursors and marks");
    assert_eq!(check(&handle).await, (50, 0, vec![]));
    assert_eq!(handle.operator().rebuild("movements", Purpose::Rebuild).await, Ok(4));
    assert!(matches!(end(&handle).await, Ended::Shown { generation: 4, .. }));
    let token = pay(&lab, &bank, "a0", 1).await;
    handle.await_token::<Movements>(&token).await.unwrap();
    assert_eq!(handle.row::<Movements>("a0").await.unwrap(), Some((paid + 1, paid as u32 + 1)));
}

#[tokio::test(start_paused = true)]
async fn a_read_model_of_own_facts_is_rebuilt_from_the_own_store() {
    let (lab, banks) = (Lab::new(0), MemoryStore::new());
    let bank = lab.start(bank_with_movements(), &banks, "bank-1");
    for n in 0..2_500 {
        pay(&lab, &bank, &format!("a{}", n % 1_200), 1).await;
    }
    let handle = bank.handle();
    until("ready", async || handle.status().ready && status(&handle).await.behind == Some(0)).await;
    handle.operator().rebuild("movements", Purpose::Rebuild).await.unwrap();
    let token = pay(&lab, &bank, "a7", 1).await;
    let Ended::Shown { generation, events, .. } = end(&handle).await else { panic!("it was not shown") };
    assert_eq!(generation, 2);
    assert!((2_500..=2_502).contains(&events), "each fact was read once: {events}");
    handle.await_token::<Movements>(&token).await.unwrap();
    assert_eq!(handle.row::<Movements>("a7").await.unwrap(), Some((4, 4)));
    assert_eq!(check(&handle).await, (1_200, 0, vec![]));
}

/// Appends a fact of each of so many accounts, as the bank would have.
async fn each_is_paid(store: &MemoryStore, accounts: u64, version: u64) {
    for first in (0..accounts).step_by(1_000) {
        let mut commit = Commit::new(CommitId(u128::from(version * accounts + first) + 1));
        for account in first..(first + 1_000).min(accounts) {
            let (account, subject) = (format!("a{account}"), format!("account/a{account}"));
            let cloudevent = serde_json::json!({
                "specversion": "1.0", "id": format!("{subject}@{version}"), "source": "bank",
                "type": "bank.money-came.v1", "subject": subject, "sequence": version, "partitionkey": account,
                "data": { "account": account, "amount": 1 },
            });
            let fact = Fact {
                id: format!("{subject}@{version}"),
                topic: "bank".into(),
                subject: subject.clone(),
                partition_key: account,
                sequence: version,
                cloudevent: cloudevent.to_string().into(),
            };
            let (name, data) = ("account.deposited", "{}".into());
            let (meta, facts) = ("{}".into(), vec![fact]);
            commit.events.push(NewEvent { stream: subject, version, name, schema: 1, data, meta, facts });
        }
        assert_eq!(store.commit(commit).await, Ok(Verdict::Done));
    }
}

/// Each of so many accounts was paid so often. Nothing is left to publish: the generation shown stays empty, and only the
/// rebuild folds.
async fn were_paid(store: &MemoryStore, accounts: u64, times: u64) {
    for version in 1..=times {
        each_is_paid(store, accounts, version).await;
    }
    let relayed = serde_json::to_vec(&serde_json::json!({ "position": times * accounts })).unwrap();
    let mut commit = Commit::new(CommitId(99));
    let put = Some(DocBody { data: relayed.into(), index: Vec::new() });
    commit.docs.push(DocWrite { key: DocKey::new("cursor", "relay"), put });
    store.commit(commit).await.unwrap();
}

/// How long a rebuild takes while somebody who is not this instance writes events from time to time, or does not.
async fn pace_beside(others_write: bool) -> Duration {
    let (lab, banks) = (Lab::new(0), MemoryStore::new());
    were_paid(&banks, 20_000, 1).await;
    let bank = lab.start(bank_with_movements(), &banks, "bank-1");
    let handle = bank.handle();
    until("ready", async || handle.status().ready).await;
    handle.operator().rebuild("movements", Purpose::Rebuild).await.unwrap();
    let (began, mut version) = (tokio::time::Instant::now(), 0);
    while status(&handle).await.filling.is_some() {
        if others_write {
            version += 1;
            let mut commit = Commit::new(CommitId(1_000_000 + u128::from(version)));
            let (stream, meta, data, facts) = ("other/1".into(), "{}".into(), "{}".into(), vec![]);
            commit.events.push(NewEvent { stream, version, name: "other.moved", schema: 1, data, meta, facts });
            assert_eq!(banks.commit(commit).await, Ok(Verdict::Done));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_gives_way_to_other_instances_of_its_service() {
    let (alone, beside) = (pace_beside(false).await, pace_beside(true).await);
    assert!(beside > alone * 2, "{beside:?} beside others, {alone:?} alone");
}

#[tokio::test(start_paused = true)]
async fn a_read_model_of_more_rows_than_are_kept_in_memory_is_rebuilt_whole() {
    const ACCOUNTS: u64 = 51_500;
    let (lab, banks) = (Lab::new(0), MemoryStore::new());
    were_paid(&banks, ACCOUNTS, 2).await;
    let bank = lab.start(bank_with_movements(), &banks, "bank-1");
    let handle = bank.handle();
    until("ready", async || handle.status().ready).await;
    handle.operator().rebuild("movements", Purpose::Rebuild).await.unwrap();
    let Ended::Shown { events, .. } = end(&handle).await else { panic!("it was not shown") };
    assert_eq!(events, 2 * ACCOUNTS);
    let rows = banks.docs_of("movements@1.2");
    let wrong: Vec<_> = rows.iter().filter(|row| row.data != "[2,2]").map(|row| (&row.key.id, &row.data)).collect();
    assert_eq!((rows.len() as u64, wrong.first()), (ACCOUNTS, None), "and {} are wrong", wrong.len());
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_has_no_effects() {
    let (lab, ledgers) = (Lab::new(0), MemoryStore::new());
    let (bank, ledger) = (lab.start(bank(), &MemoryStore::new(), "bank-1"), lab.start(ledger(), &ledgers, "ledger-1"));
    for n in 0..40 {
        pay(&lab, &bank, &format!("a{n}"), 5).await;
        let withdraw = AccountCommand::from(Withdraw { account: format!("a{n}"), amount: 2 });
        ask(&bank.handle(), withdraw, &lab.call(None)).await.unwrap();
    }
    let stamped = async |n: u32| ledger.handle().load::<Books>(&format!("a{n}")).await.unwrap().0.1 == 1;
    for n in 0..40 {
        until("booked and stamped", async || stamped(n).await).await;
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    let before = effects(&ledgers, &lab);
    assert_eq!((before.0, before.2), (80, 40), "every withdrawal was booked and stamped once");
    ledger.handle().operator().rebuild("movements", Purpose::Rebuild).await.unwrap();
    assert!(matches!(end(&ledger.handle()).await, Ended::Shown { events: 80, .. }));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(effects(&ledgers, &lab), before);
}

#[tokio::test(start_paused = true)]
async fn killed_in_its_midst_a_rebuild_goes_on_in_another_instance() {
    let (lab, banks) = (Lab::new(0), MemoryStore::new());
    let first = lab.start(bank_with_movements(), &banks, "bank-1");
    for n in 0..3_000 {
        pay(&lab, &first, &format!("a{n}"), 1).await;
    }
    until("ready", async || first.handle().status().ready && status(&first.handle()).await.behind == Some(0)).await;
    first.handle().operator().rebuild("movements", Purpose::Rebuild).await.unwrap();
    until("it is in its midst", async || {
        pay(&lab, &first, "a0", 1).await; // It gives way to others, so that it can be caught.
        let filling = status(&first.handle()).await.filling;
        filling.is_some_and(|filling| (500..2_900).contains(&filling.done) && filling.total >= 3_000)
    })
    .await;
    drop(first);
    let second = lab.start(bank_with_movements(), &banks, "bank-2");
    let handle = second.handle();
    let done = status(&handle).await.filling.unwrap().done;
    assert!(done >= 500, "what is durable is not read again: {done}");
    assert_eq!(handle.row::<Movements>("a1").await.unwrap(), Some((1, 1)), "the old generation is shown meanwhile");
    assert!(matches!(end(&handle).await, Ended::Shown { generation: 2, .. }));
    assert_eq!(check(&handle).await, (3_000, 0, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_check_names_rows_that_are_wrong_and_a_rebuild_puts_them_right() {
    let (lab, ledgers) = (Lab::new(0), MemoryStore::new());
    let (bank, ledger) = (lab.start(bank(), &MemoryStore::new(), "bank-1"), lab.start(ledger(), &ledgers, "ledger-1"));
    for n in 0..30 {
        pay(&lab, &bank, &format!("a{n}"), 1).await;
    }
    let handle = ledger.handle();
    let told = || lab.broker.log("bank").iter().map(|(_, messages)| messages.len()).sum::<usize>();
    until("all is told", async || told() == 30).await;
    until("ready", async || handle.status().ready && status(&handle).await.behind == Some(0)).await;
    assert_eq!(check(&handle).await, (30, 0, vec![]));
    let mut damage = Commit::new(CommitId(99));
    let rows = [("a3", Some("[9,9]")), ("a4", Some("garbage")), ("a5", None), ("phantom", Some("[1,1]"))];
    for (key, row) in rows {
        let put = row.map(|row| DocBody { data: row.into(), index: Vec::new() });
        damage.docs.push(DocWrite { key: DocKey::new("movements@1.1", key), put });
    }
    ledgers.commit(damage).await.unwrap();
    let wrong = ["a3", "a4", "a5", "phantom"].map(str::to_owned).to_vec();
    assert_eq!(check(&handle).await, (31, 4, wrong));
    handle.operator().rebuild("movements", Purpose::Rebuild).await.unwrap();
    assert!(matches!(end(&handle).await, Ended::Shown { .. }));
    assert_eq!(check(&handle).await, (30, 0, vec![]));
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_wrongly_is_refused() {
    let (lab, ledgers) = (Lab::new(0), MemoryStore::new());
    let (bank, ledger) = (lab.start(bank(), &MemoryStore::new(), "bank-1"), lab.start(ledger(), &ledgers, "ledger-1"));
    let unknown = ledger.handle().operator().rebuild("movement", Purpose::Rebuild).await;
    assert_eq!(unknown, Err(NotRebuilt::Unknown(vec!["movements"])));
    assert_eq!(bank.handle().operator().rebuild("movements", Purpose::Rebuild).await, Err(NotRebuilt::Unknown(vec![])));
    assert_eq!(ledger.handle().operator().rebuild("movements", Purpose::Rebuild).await, Ok(2));
    let again = ledger.handle().operator().rebuild("movements", Purpose::Check).await;
    assert_eq!(again, Err(NotRebuilt::Running { generation: 2 }));
    assert!(matches!(end(&ledger.handle()).await, Ended::Shown { .. }));
    assert_eq!(ledger.handle().operator().rebuild("movements", Purpose::Rebuild).await, Ok(3));
}

/// A read model whose fold panics at one amount, and at another only when its fold was changed for the worse.
struct Fussy;

static WORSE: AtomicBool = AtomicBool::new(false);

impl Projection for Fussy {
    const NAME: &'static str = "fussy";
    const VERSION: u32 = 1;
    type Event = MovementHeard;
    type Row = i64;

    fn keys(event: &MovementHeard) -> Vec<String> {
        Movements::keys(event)
    }

    fn fold(_: &str, row: Option<i64>, event: &MovementHeard, _: &Metadata) -> Option<i64> {
        let MovementHeard::MoneyCame(MoneyCame { amount, .. }) = event else { return row };
        assert!(*amount != 13, "superstitious");
        assert!(*amount != 14 || !WORSE.load(Ordering::Relaxed), "more superstitious");
        Some(row.unwrap_or_default() + amount)
    }
}

#[tokio::test(start_paused = true)]
async fn a_fact_that_cannot_be_folded_parks_its_key_in_a_rebuild_too_unless_it_is_shown() {
    let (lab, stores) = (Lab::new(0), MemoryStore::new());
    let bank = lab.start(bank(), &MemoryStore::new(), "bank-1");
    let shop = lab.start(Service::new("shop").projection::<Fussy>(), &stores, "shop-1");
    for (account, amount) in [("ann", 1), ("bob", 1), ("bob", 13), ("bob", 2), ("eve", 14), ("eve", 3)] {
        pay(&lab, &bank, account, amount).await;
    }
    let handle = shop.handle();
    let shown = async || {
        let row = async |key: &str| handle.row::<Fussy>(key).await.unwrap();
        (row("ann").await, row("bob").await, row("eve").await)
    };
    let parked = async || {
        handle.operator().parked().await.unwrap().into_iter().map(|it| (it.whose, it.waiting)).collect::<Vec<_>>()
    };
    until("it is parked", async || parked().await == vec![("fussy@1.1".to_owned(), 2)]).await;
    until("all is folded", async || shown().await == (Some(1), Some(1), Some(17))).await;
    handle.operator().rebuild("fussy", Purpose::Rebuild).await.unwrap();
    assert!(matches!(end(&handle).await, Ended::Shown { generation: 2, .. }));
    assert_eq!(shown().await, (Some(1), Some(1), Some(17)));
    until("what is parked has moved along", async || parked().await == vec![("fussy@1.2".to_owned(), 2)]).await;
    WORSE.store(true, Ordering::Relaxed);
    handle.operator().rebuild("fussy", Purpose::Rebuild).await.unwrap();
    let Ended::Failed { why } = end(&handle).await else { panic!("it would show less") };
    assert!(why.contains("eve"), "{why}");
    until("it is cleared away", async || parked().await == vec![("fussy@1.2".to_owned(), 2)]).await;
    assert_eq!(shown().await, (Some(1), Some(1), Some(17)));
    WORSE.store(false, Ordering::Relaxed);
    pay(&lab, &bank, "bob", 4).await;
    until("it waits behind", async || parked().await == vec![("fussy@1.2".to_owned(), 3)]).await;
}

/// What was paid in when, as the how manieth event of its account, and for whom.
struct Passbook;

impl Projection for Passbook {
    const NAME: &'static str = "passbook";
    const VERSION: u32 = 1;
    type Event = MovementHeard;
    type Row = Vec<Metadata>;

    fn keys(event: &MovementHeard) -> Vec<String> {
        Movements::keys(event)
    }

    fn fold(_: &str, row: Option<Self::Row>, _: &MovementHeard, metadata: &Metadata) -> Option<Self::Row> {
        let mut row = row.unwrap_or_default();
        row.push(metadata.clone());
        Some(row)
    }
}

#[tokio::test(start_paused = true)]
async fn a_fold_is_told_when_by_whom_and_as_the_how_manieth_and_told_the_same_in_a_rebuild() {
    let (lab, stores) = (Lab::new(0), MemoryStore::new());
    let bank = lab.start(bank(), &MemoryStore::new(), "bank-1");
    let shop = lab.start(Service::new("shop").projection::<Passbook>(), &stores, "shop-1");
    let before = lab.env.wall_ms();
    for _ in 0..3 {
        pay(&lab, &bank, "ann", 1).await;
    }
    let handle = shop.handle();
    let row = async || handle.row::<Passbook>("ann").await.unwrap().unwrap_or_default();
    until("all is folded", async || row().await.len() == 3).await;
    for (number, told) in (1..).zip(row().await) {
        assert_eq!((told.sequence, told.actor.as_deref()), (number, Some("tester")));
        let at_ms = told.at_ms.unwrap();
        assert!((before..=lab.env.wall_ms()).contains(&at_ms), "{at_ms}");
    }
    handle.operator().rebuild("passbook", Purpose::Check).await.unwrap();
    assert_eq!(end(&handle).await, Ended::Checked { rows: 1, different: 0, first: vec![] });
}
