//! Activities, retries and parking.

use std::sync::atomic::Ordering;

use bongsu_memory::MemoryStore;
use bongsu_runtime::{
    CommandError, Deed,
    ports::store::{Commit, CommitId, NewEvent, Store as _, Verdict},
};

use crate::{
    bank::{AccountCommand, Books, Deposit, Withdraw, bank, ledger},
    trips::{Allow, Book, Trip, trips, trips_given_back},
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
    until("parked", async || !ledger.handle().operator().parked().await.unwrap().is_empty()).await;
    let parked = ledger.handle().operator().parked().await.unwrap();
    assert_eq!((parked.len(), parked[0].key.as_str(), parked[0].waiting), (1, "ann", 2));
    assert!(parked[0].error.contains("superstitious"), "{}", parked[0].error);
    assert_eq!(ledger.handle().load::<Books>("ann").await.unwrap().1, 0, "the later fact waits behind");
    assert_eq!(parked[0].what, "bank.money-left.v1 account/ann@2");
    let deed = Deed::new("olga", None).unwrap();
    assert!(ledger.handle().operator().unpark(&parked[0].id, &deed).await.unwrap());
    until("parked again", async || ledger.handle().operator().parked().await.unwrap().len() == 1).await;
    let again = ledger.handle().operator().parked().await.unwrap().remove(0);
    assert_eq!((again.attempts, &again.since), (parked[0].attempts + 1, &parked[0].since), "still counted");
}

#[tokio::test(start_paused = true)]
async fn what_is_parked_is_listed_on_behind_an_id() {
    let (lab, banks, ledgers) = (Lab::new(0), MemoryStore::new(), MemoryStore::new());
    let (bank, ledger) = (lab.start(bank(), &banks, "bank-1"), lab.start(ledger(), &ledgers, "ledger-1"));
    for account in ["ann", "bob"] {
        withdraw(&lab, &bank, account, 13).await;
    }
    until("both are parked", async || ledger.handle().operator().parked().await.unwrap().len() == 2).await;
    let all = ledger.handle().operator().parked().await.unwrap();
    let ids = ["fact/book-what-left/ann", "fact/book-what-left/bob"];
    assert_eq!([&*all[0].id, &*all[1].id], ids);
    for (behind, rest) in [("", 0), ("fact", 0), (ids[0], 1), ("fact/book-what-left/ben", 1), (ids[1], 2)] {
        assert_eq!(ledger.handle().operator().parked_after(behind).await.unwrap(), all[rest..], "{behind}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_evicted_fact_lets_those_behind_it_through_and_is_written_down() {
    let (lab, banks, ledgers) = (Lab::new(0), MemoryStore::new(), MemoryStore::new());
    let (bank, ledger) = (lab.start(bank(), &banks, "bank-1"), lab.start(ledger(), &ledgers, "ledger-1"));
    for amount in [13, 2, 3] {
        withdraw(&lab, &bank, "ann", amount).await;
    }
    until("parked behind each other", async || {
        ledger.handle().operator().parked().await.unwrap().first().is_some_and(|parked| parked.waiting == 3)
    })
    .await;
    let id = ledger.handle().operator().parked().await.unwrap()[0].id.clone();
    let why = |reason| Deed::new("olga", reason).unwrap();
    assert!(matches!(ledger.handle().operator().evict(&id, &why(None)).await, Err(CommandError::Invalid(_))));
    assert!(!ledger.handle().operator().evict("fact/book-what-left/eve", &why(Some("?"))).await.unwrap());
    assert!(ledger.handle().operator().evict(&id, &why(Some("a typing error"))).await.unwrap());
    until("what waited is done", async || ledger.handle().load::<Books>("ann").await.unwrap().0.0 == 5).await;
    assert!(ledger.handle().operator().parked().await.unwrap().is_empty());
    assert!(!ledger.handle().operator().unpark(&id, &why(None)).await.unwrap(), "it is gone");
    let deeds: Vec<_> =
        ledgers.all_events().into_iter().filter(|event| event.stream.starts_with("operator/")).collect();
    assert_eq!((deeds.len(), deeds[0].name.as_str()), (1, "bongsu.parked-fact-evicted"));
    let told: serde_json::Value = serde_json::from_slice(&deeds[0].data).unwrap();
    assert_eq!((&told["actor"], &told["reason"]), (&"olga".into(), &"a typing error".into()));
    assert_eq!((&told["fact"]["sequence"], &told["fact"]["subject"]), (&2.into(), &"account/ann".into()));
    let marks = ledgers.docs_of("seen");
    assert!(marks.iter().all(|mark| !mark.data.ends_with(b"\"queued\":true}")), "nothing waits: {marks:?}");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_cannot_be_undone_is_shown_until_its_undo_is_taken() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let trips = lab.start(trips(), &store, "trips-1");
    ask(&trips.handle(), Book { trip: "t1".into() }, &lab.call(None)).await.unwrap();
    until("a person is needed", async || !trips.handle().operator().parked().await.unwrap().is_empty()).await;
    let parked = trips.handle().operator().parked().await.unwrap().remove(0);
    assert_eq!((parked.kind, parked.whose.as_str(), parked.key.as_str()), ("undo", "tour", "t1"));
    assert_eq!(parked.what, "trip.give-back.v1");
    assert!(parked.error.contains("trip.too-late"), "{}", parked.error);
    let deed = Deed::new("olga", Some("called them")).unwrap();
    assert!(trips.handle().operator().unpark(&parked.id, &deed).await.unwrap());
    until("refused again", async || {
        trips.handle().operator().parked().await.unwrap().first().is_some_and(|again| again.attempts == 2)
    })
    .await;
    ask(&trips.handle(), Allow { trip: "t1".into() }, &lab.call(None)).await.unwrap();
    assert!(trips.handle().operator().unpark(&parked.id, &deed).await.unwrap());
    until("undone", async || trips.handle().load::<Trip>("t1").await.unwrap().0.given_back).await;
    assert!(trips.handle().operator().parked().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_outcome_refused_because_of_what_is_no_longer_so_is_decided_again_and_not_parked() {
    let (lab, store) = (Lab::new(1_000), MemoryStore::new());
    let trips = lab.start(trips_given_back(), &store, "trips-1");
    let book = Book { trip: "jeju".into() };
    let call = lab.call(None);
    ask(&trips.handle(), crate::trips::Command::from(book), &call).await.unwrap();
    until("the outside is asked", async || lab.outside.asked.load(Ordering::Relaxed) > 2).await;
    let of_the_command = format!("http://trips/trip/jeju@1?for={}", call.ctx.correlation);
    assert_eq!(*lab.outside.last.lock().unwrap(), of_the_command, "an attempt knows what it belongs to");
    // What another instance does: this one goes on believing that giving back is not allowed.
    let mut allowed = Commit::new(CommitId(7));
    allowed.events.push(NewEvent {
        stream: "trip/jeju".into(),
        version: 2,
        name: "trip.allowed",
        schema: 1,
        data: r#"{"trip":"jeju"}"#.into(),
        meta: bytes::Bytes::new(),
        facts: Vec::new(),
    });
    assert_eq!(store.commit(allowed).await, Ok(Verdict::Done));
    lab.outside.asked.store(1_000, Ordering::Relaxed);
    until("it ended", async || {
        store.docs_of("todo").is_empty() || !trips.handle().operator().parked().await.unwrap().is_empty()
    })
    .await;
    assert_eq!(trips.handle().operator().parked().await.unwrap(), []);
    assert!(trips.handle().load::<Trip>("jeju").await.unwrap().0.given_back);
}
