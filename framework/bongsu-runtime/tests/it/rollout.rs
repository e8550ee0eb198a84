//! A new VERSION of a read model beside the old one, on one store: nothing stale, nothing missing, and a way back.

use std::time::Duration;

use bongsu_memory::{MemoryBroker, MemoryStore};
use bongsu_runtime::{
    Runtime, Token,
    ports::{
        Fut,
        broker::{Batch, Bounds, Broker, BrokerError, History, Out, Partition, Producer, Standing, Topic},
    },
};

use crate::{
    bank::{AccountCommand, Deposit, Movements, MovementsNow, bank, ledger, next_ledger},
    world::{Away, Hindered, Lab, ask, until},
};

/// A broker that gives some facts at a time, ten times a second.
struct Slow(MemoryBroker);

impl Broker for Slow {
    fn ensure(&self, topic: Topic) -> Fut<'_, Result<(), BrokerError>> {
        self.0.ensure(topic)
    }

    fn publish<'a>(&'a self, from: Producer<'a>, batch: Vec<Out>) -> Fut<'a, Result<(), BrokerError>> {
        self.0.publish(from, batch)
    }

    fn standing<'a>(&'a self, service: &'a str) -> Fut<'a, Result<Standing, BrokerError>> {
        self.0.standing(service)
    }

    fn take_up<'a>(&'a self, service: &'a str, epoch: u64, history: &'a History) -> Fut<'a, Result<(), BrokerError>> {
        self.0.take_up(service, epoch, history)
    }

    fn fetch(&self, want: Vec<(Partition, u64)>, _: u32, wait: Duration) -> Fut<'_, Result<Batch, BrokerError>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.0.fetch(want, 1_500, wait).await
        })
    }

    fn bounds<'a>(&'a self, topic: &'a str) -> Fut<'a, Result<Bounds, BrokerError>> {
        self.0.bounds(topic)
    }

    fn report<'a>(&'a self, consumer: &'a str, at: Vec<(Partition, u64)>) -> Fut<'a, ()> {
        self.0.report(consumer, at)
    }
}

/// A bank, the stores of both contexts, and how often each account was paid into.
struct Town {
    lab: Lab,
    ledgers: MemoryStore,
    bank: Runtime,
    paid: i64,
}

impl Town {
    fn new() -> Self {
        let lab = Lab::new(0);
        let bank = lab.start(bank(), &MemoryStore::new(), "bank-1");
        Self { lab, ledgers: MemoryStore::new(), bank, paid: 0 }
    }

    async fn pay(&mut self) -> Token {
        self.paid += 1;
        let deposit = AccountCommand::from(Deposit { account: "ann".into(), amount: 1 });
        let answer = ask(&self.bank.handle(), deposit, &self.lab.call(None)).await.unwrap();
        std::str::from_utf8(&answer.reply.body).unwrap().parse().unwrap()
    }

    /// What the old version answers to one who just paid.
    async fn old_shows(&self, old: &Runtime, token: &Token) {
        old.handle().await_token::<Movements>(token).await.unwrap();
        let row = old.handle().row::<Movements>("ann").await.unwrap();
        assert_eq!(row, Some((self.paid, self.paid as u32)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_version_is_ready_with_everything_while_the_old_one_serves_to_its_end() {
    let mut town = Town::new();
    let old = town.lab.start(ledger(), &town.ledgers, "ledger-1");
    for _ in 0..300 {
        town.pay().await;
    }
    until("the old one is ready", async || old.handle().status().ready).await;
    let new = town.lab.start(next_ledger(), &town.ledgers, "ledger-2");
    assert!(!new.handle().status().ready, "its table is empty");
    let mut served = 0;
    for _ in 0..200 {
        let token = town.pay().await;
        town.old_shows(&old, &token).await;
        if new.handle().status().ready {
            new.handle().await_token::<MovementsNow>(&token).await.unwrap();
            let row = new.handle().row::<MovementsNow>("ann").await.unwrap();
            assert_eq!(row, Some((town.paid, town.paid as u32, town.paid)));
            served += 1;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(served > 100, "the new one became ready and served {served} times");
}

#[tokio::test(start_paused = true)]
async fn a_new_version_that_took_long_to_fill_is_not_shown_as_long_behind() {
    let mut town = Town::new();
    let old = town.lab.start(ledger(), &town.ledgers, "ledger-1");
    for _ in 0..300 {
        town.pay().await;
    }
    let new = town.lab.start_on(Slow(town.lab.broker.clone()), next_ledger(), &town.ledgers, "ledger-2");
    // What the old one has shown.
    let mut shown = Vec::new();
    while !new.handle().status().ready {
        let token = town.pay().await;
        town.old_shows(&old, &token).await;
        shown.push(town.paid);
        assert!(shown.len() < 2_000, "it becomes ready");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(shown.len() > 20, "it took long: {}", shown.len());
    let (sum, ..) = new.handle().row::<MovementsNow>("ann").await.unwrap().unwrap();
    let a_second_ago = shown[shown.len() - 10];
    assert!(sum >= a_second_ago, "it shows {sum}; the old one showed {a_second_ago} a second ago, {} now", town.paid);
}

#[tokio::test(start_paused = true)]
async fn a_new_version_whose_rows_cannot_be_written_is_never_ready() {
    let mut town = Town::new();
    let old = town.lab.start(ledger(), &town.ledgers, "ledger-1");
    let token = town.pay().await;
    town.old_shows(&old, &token).await;
    let full = Hindered::over(&town.ledgers).refusing("movements@2", u64::MAX);
    let new = town.lab.start_with(full, town.lab.broker.clone(), next_ledger(), "ledger-2");
    for _ in 0..600 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!new.handle().status().ready, "it would answer that nothing ever moved");
    }
    town.old_shows(&old, &token).await;
}

#[tokio::test(start_paused = true)]
async fn rolled_back_the_old_version_goes_on_without_a_gap() {
    let mut town = Town::new();
    let old = town.lab.start(ledger(), &town.ledgers, "ledger-1");
    for _ in 0..20 {
        town.pay().await;
    }
    let new = town.lab.start(next_ledger(), &town.ledgers, "ledger-2");
    until("the new one is ready", async || new.handle().status().ready).await;
    new.stop().await;
    for _ in 0..50 {
        let token = town.pay().await;
        town.old_shows(&old, &token).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_the_old_version_is_not_given_up_by_the_new_one() {
    let mut town = Town::new();
    let old = town.lab.start(ledger(), &town.ledgers, "ledger-1");
    until("the old one is ready", async || old.handle().status().ready).await;
    let token = town.pay().await;
    town.old_shows(&old, &token).await;
    drop(old);
    // A fact that failed in the old version once, and is due.
    put_aside(&town.ledgers, "movements@1.1", "bob").await;
    let new = town.lab.start(next_ledger(), &town.ledgers, "ledger-2");
    until("the new one is ready", async || new.handle().status().ready).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(new.handle().operator().parked().await.unwrap(), []);
    new.stop().await;
    let old = town.lab.start(ledger(), &town.ledgers, "ledger-1");
    until("it is folded", async || old.handle().row::<Movements>("bob").await.unwrap() == Some((7, 1))).await;
}

/// Leaves a due to-do with one fact of an account, as a lane does.
async fn put_aside(store: &MemoryStore, consumer: &str, account: &str) {
    use bongsu_runtime::ports::{
        broker::partition_of,
        store::{Commit, CommitId, DocBody, DocKey, DocWrite, Store as _},
    };
    let fact = serde_json::json!({
        "specversion": "1.0", "id": "f", "source": "bank", "type": "bank.money-came.v1", "subject": "account/bob",
        "sequence": 1, "partitionkey": account, "data": { "account": account, "amount": 7 },
    });
    let todo = serde_json::json!({
        "work": { "facts": { "consumer": consumer, "key": account, "facts": [fact] } },
        "attempts": 1, "due_ms": 0, "parked": false, "since_ms": 0,
    });
    let id = format!("fact/{consumer}/{account}");
    let mut due = vec![partition_of(&id, 8) as u8];
    due.extend_from_slice(&0_u64.to_be_bytes());
    let body = DocBody { data: serde_json::to_vec(&todo).unwrap().into(), index: vec![(0, due.into())] };
    let mut commit = Commit::new(CommitId(77));
    commit.docs.push(DocWrite { key: DocKey::new("todo", id), put: Some(body) });
    store.commit(commit).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_version_that_was_never_filled_waits_for_the_broker_and_one_that_was_does_not() {
    let mut town = Town::new();
    let old = town.lab.start(ledger(), &town.ledgers, "ledger-1");
    town.pay().await;
    until("the old one is ready", async || old.handle().status().ready).await;
    drop(old);
    let old = town.lab.start_on(Away, ledger(), &town.ledgers, "ledger-1");
    let new = town.lab.start_on(Away, next_ledger(), &town.ledgers, "ledger-2");
    until("the old one is ready again", async || old.handle().status().ready).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!new.handle().status().ready, "it would answer that nothing ever moved");
}
