//! Somebody is forgotten: what is about them goes in the Commit that hears it, and nothing is begun for them.

use bongsu_memory::MemoryStore;
use bongsu_runtime::{
    Forgetting, Reply, Runtime, Script, Service, forgotten,
    ports::store::{DocKey, Store as _},
};

use crate::{
    bank::{AccountCommand, Deposit, MoneyLeft, Withdraw, bank},
    world::{Hindered, Lab, ask, until},
};

/// What is known of whom money was lent to; whoever takes his money is forgotten.
fn lenders() -> Service {
    Service::new("lenders").forgets("forget", |left: &MoneyLeft| &left.account, |whom| vec![DocKey::new("notes", whom)])
}

async fn leaves(lab: &Lab, bank: &Runtime, account: &str) {
    let deposit = AccountCommand::from(Deposit { account: account.into(), amount: 2 });
    ask(&bank.handle(), deposit, &lab.call(None)).await.unwrap();
    let withdraw = AccountCommand::from(Withdraw { account: account.into(), amount: 1 });
    ask(&bank.handle(), withdraw, &lab.call(None)).await.unwrap();
}

/// Notes something about somebody who is not forgotten; whether it did.
async fn note(lab: &Lab, lenders: &Runtime, whom: &str) -> bool {
    let gone = forgotten(whom);
    let reply = |status| Reply { status, headers: Vec::new(), body: "".into() };
    let work = |script: &mut Script<'_>| {
        if script.has(&gone) {
            return Err(reply(409));
        }
        script.put("notes", whom, &"lives here", Vec::new());
        Ok(reply(200))
    };
    let reads = [DocKey::new("notes", whom), gone.clone()];
    lenders.handle().script(&lab.call(None), &reads, &work).await.unwrap().reply.status == 200
}

async fn state(lenders: &Runtime, whom: &str) -> Forgetting {
    lenders.handle().operator().forgetting(whom).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_about_somebody_goes_and_is_not_begun_again() {
    let (lab, banks, store) = (Lab::new(0), MemoryStore::new(), MemoryStore::new());
    let (bank, lenders) = (lab.start(bank(), &banks, "bank-1"), lab.start(lenders(), &store, "lenders-1"));
    assert!(note(&lab, &lenders, "ann").await && note(&lab, &lenders, "bob").await);
    assert_eq!(state(&lenders, "ann").await, Forgetting::NotHeard);
    assert_eq!(state(&bank, "ann").await, Forgetting::NothingKept);
    leaves(&lab, &bank, "ann").await;
    leaves(&lab, &bank, "zoe").await;
    for whom in ["ann", "zoe"] {
        until("forgotten", async || state(&lenders, whom).await == Forgetting::Done).await;
        assert!(!note(&lab, &lenders, whom).await, "{whom}");
        assert!(lenders.handle().is_forgotten(whom).await.unwrap());
        assert_eq!(lenders.handle().document::<String>("notes", whom).await.unwrap(), None);
    }
    assert_eq!(lenders.handle().document::<String>("notes", "bob").await.unwrap().as_deref(), Some("lives here"));
    assert!(!lenders.handle().is_forgotten("bob").await.unwrap() && note(&lab, &lenders, "bob").await);
    leaves(&lab, &bank, "ann").await;
    until("told again", async || state(&lenders, "ann").await == Forgetting::Done).await;
}

#[tokio::test(start_paused = true)]
async fn files_that_cannot_be_rid_of_it_are_tried_until_they_can() {
    let (lab, banks, store) = (Lab::new(0), MemoryStore::new(), MemoryStore::new());
    let bank = lab.start(bank(), &banks, "bank-1");
    let dirty = Hindered::over(&store).dirty(30);
    let lenders = lab.start_with(dirty.clone(), lab.broker.clone(), lenders(), "lenders-1");
    assert!(note(&lab, &lenders, "ann").await);
    leaves(&lab, &bank, "ann").await;
    until("it is deleted", async || state(&lenders, "ann").await == Forgetting::InFiles).await;
    assert_eq!(store.docs(vec![DocKey::new("notes", "ann")]).await.unwrap(), [None]);
    assert!(dirty.is_dirty_for() > 0, "and not in vain so often");
    until("forgotten", async || state(&lenders, "ann").await == Forgetting::Done).await;
    assert_eq!((dirty.is_dirty_for(), lenders.handle().operator().parked().await.unwrap().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn somebody_of_any_name_is_forgotten() {
    let (lab, banks, store) = (Lab::new(0), MemoryStore::new(), MemoryStore::new());
    let (bank, lenders) = (lab.start(bank(), &banks, "bank-1"), lab.start(lenders(), &store, "lenders-1"));
    let long = "x".repeat(500);
    for whom in ["anna/../bob", "usr_1 ", "서울", &long] {
        leaves(&lab, &bank, whom).await;
        until("forgotten", async || state(&lenders, whom).await == Forgetting::Done).await;
    }
    assert_eq!(state(&lenders, "seoul").await, Forgetting::NotHeard);
}
