//! Facts: published in order, reacted to once, shown by read models.

use bongsu_memory::MemoryStore;
use bongsu_runtime::Token;

use crate::{
    bank::{Account, AccountCommand, Books, Deposit, Movements, Withdraw, bank, ledger},
    world::{Lab, ask, until},
};

#[tokio::test(start_paused = true)]
async fn a_fact_of_one_context_is_reacted_to_once_in_another() {
    let (lab, banks, ledgers) = (Lab::new(0), MemoryStore::new(), MemoryStore::new());
    let (bank, ledger) = (lab.start(bank(), &banks, "bank-1"), lab.start(ledger(), &ledgers, "ledger-1"));
    for n in 0..50 {
        let account = format!("a{}", n % 7);
        ask(&bank.handle(), AccountCommand::from(Deposit { account: account.clone(), amount: 10 }), &lab.call(None))
            .await
            .unwrap();
        ask(&bank.handle(), AccountCommand::from(Withdraw { account, amount: 3 }), &lab.call(None)).await.unwrap();
    }
    let booked = async || {
        let mut sum = 0;
        for n in 0..7 {
            sum += ledger.handle().load::<Books>(&format!("a{n}")).await.unwrap().0.0;
        }
        sum
    };
    until("everything is booked", async || booked().await == 150).await;
    for n in 0..7 {
        let account = format!("a{n}");
        let (balance, _) = bank.handle().load::<Account>(&account).await.unwrap();
        until("the read model agrees", async || {
            ledger.handle().row::<Movements>(&account).await.unwrap().is_some_and(|(shown, _)| shown == balance.amount)
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_restarted_consumer_goes_on_where_it_stopped() {
    let (lab, banks, ledgers) = (Lab::new(0), MemoryStore::new(), MemoryStore::new());
    let bank = lab.start(bank(), &banks, "bank-1");
    ask(&bank.handle(), AccountCommand::from(Deposit { account: "ann".into(), amount: 100 }), &lab.call(None))
        .await
        .unwrap();
    for _ in 0..10 {
        let running = lab.start(ledger(), &ledgers, "ledger-1");
        for _ in 0..5 {
            let withdraw = AccountCommand::from(Withdraw { account: "ann".into(), amount: 1 });
            ask(&bank.handle(), withdraw, &lab.call(None)).await.unwrap();
        }
        drop(running);
    }
    let running = lab.start(ledger(), &ledgers, "ledger-1");
    until("all fifty are booked", async || running.handle().load::<Books>("ann").await.unwrap().0.0 == 50).await;
    until("and shown", async || running.handle().row::<Movements>("ann").await.unwrap() == Some((50, 51))).await;
}

#[tokio::test(start_paused = true)]
async fn a_read_with_a_token_shows_the_write() {
    let (lab, banks, ledgers) = (Lab::new(0), MemoryStore::new(), MemoryStore::new());
    let (bank, ledger) = (lab.start(bank(), &banks, "bank-1"), lab.start(ledger(), &ledgers, "ledger-1"));
    for n in 1..=20_i64 {
        let deposit = AccountCommand::from(Deposit { account: "ann".into(), amount: 1 });
        let answer = ask(&bank.handle(), deposit, &lab.call(None)).await.unwrap();
        let token: Token = std::str::from_utf8(&answer.reply.body).unwrap().parse().unwrap();
        ledger.handle().await_token::<Movements>(&token).await.unwrap();
        assert_eq!(ledger.handle().row::<Movements>("ann").await.unwrap(), Some((n, n as u32)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_model_that_joins_late_is_ready_only_when_it_has_caught_up() {
    let (lab, banks, ledgers) = (Lab::new(0), MemoryStore::new(), MemoryStore::new());
    let bank = lab.start(bank(), &banks, "bank-1");
    for _ in 0..200 {
        let deposit = AccountCommand::from(Deposit { account: "ann".into(), amount: 1 });
        ask(&bank.handle(), deposit, &lab.call(None)).await.unwrap();
    }
    until("all is published", async || lab.broker.log("bank").iter().map(|(_, log)| log.len()).sum::<usize>() == 200)
        .await;
    let ledger = lab.start(ledger(), &ledgers, "ledger-1");
    assert!(!ledger.handle().status().ready);
    until("ready", async || ledger.handle().status().ready).await;
    assert_eq!(ledger.handle().row::<Movements>("ann").await.unwrap(), Some((200, 200)));
}
