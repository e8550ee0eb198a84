//! Waiting for one's own writes: nothing is asked until something was written, and no wait is unbounded.

use std::time::Duration;

use bongsu_memory::MemoryStore;
use bongsu_runtime::{CommandError, Handle, Runtime, Token};
use futures::future::join_all;

use crate::{
    bank::{AccountCommand, Deposit, Movements, bank, ledger},
    counting::Counting,
    world::{Lab, ask, until},
};

fn token(stream: &str, sequence: u64) -> Token {
    Token { context: "bank".into(), stream: stream.into(), version: sequence, sequence }
}

async fn shown(handle: &Handle, token: &Token) -> Result<(), CommandError> {
    handle.await_token::<Movements>(token).await
}

async fn ready(lab: &Lab, slot: &str, store: &MemoryStore) -> (Runtime, Counting) {
    let counting = Counting::over(store);
    let runtime = lab.start_with(counting.clone(), lab.broker.clone(), ledger(), slot);
    until("it is ready", async || runtime.handle().status().ready).await;
    (runtime, counting)
}

#[tokio::test(start_paused = true)]
async fn reads_that_wait_in_vain_ask_a_few_times_and_not_hundreds() {
    let lab = Lab::new(0);
    let (runtime, counting) = ready(&lab, "ledger-1", &MemoryStore::with_env(lab.env.clone())).await;
    counting.calls();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let usual = counting.calls();
    let (handle, start) = (runtime.handle(), tokio::time::Instant::now());
    let tokens: Vec<_> = (0..200).map(|n| token(&format!("account/a{n}"), 5)).collect();
    let answers = join_all(tokens.iter().map(|token| shown(&handle, token))).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(CommandError::Unavailable(_)))), "{answers:?}");
    assert_eq!(start.elapsed().as_secs(), 2);
    let read = counting.calls().saturating_sub(usual);
    assert!(read <= 200 * 3 + 60, "{read} readings for 200 who waited two seconds each");
}

#[tokio::test(start_paused = true)]
async fn whoever_writes_the_mark_wakes_who_waits_for_it() {
    let lab = Lab::new(0);
    let (banks, ledgers) = (MemoryStore::with_env(lab.env.clone()), MemoryStore::with_env(lab.env.clone()));
    let bank = lab.start(bank(), &banks, "bank-1");
    let (one, _) = ready(&lab, "ledger-1", &ledgers).await;
    let (two, _) = ready(&lab, "ledger-2", &ledgers).await;
    for _ in 0..20 {
        let deposit = AccountCommand::from(Deposit { account: "ann".into(), amount: 1 });
        let answer = ask(&bank.handle(), deposit, &lab.call(None)).await.unwrap();
        let token = String::from_utf8(answer.reply.body.to_vec()).unwrap().parse().unwrap();
        // One of them reads ann's partition, the other learns of it.
        let (one, two) = (one.handle(), two.handle());
        let answers = futures::join!(shown(&one, &token), shown(&two, &token));
        assert_eq!(answers, (Ok(()), Ok(())));
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_far_beyond_what_was_seen_is_not_waited_for() {
    let lab = Lab::new(0);
    let (runtime, _) = ready(&lab, "ledger-1", &MemoryStore::with_env(lab.env.clone())).await;
    let start = tokio::time::Instant::now();
    let answer = shown(&runtime.handle(), &token("account/ann", 999_999)).await;
    assert!(matches!(answer, Err(CommandError::Unavailable(_))), "{answer:?}");
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn only_so_many_wait_at_once() {
    let lab = Lab::new(0);
    let (runtime, _) = ready(&lab, "ledger-1", &MemoryStore::with_env(lab.env.clone())).await;
    let (handle, token) = (runtime.handle(), token("account/ann", 5));
    let mut waiting: Vec<_> = (0..1_024).map(|_| Box::pin(shown(&handle, &token))).collect();
    for one in &mut waiting {
        assert!(futures::poll!(one).is_pending());
    }
    let start = tokio::time::Instant::now();
    let answer = shown(&handle, &token).await;
    assert!(matches!(answer, Err(CommandError::Unavailable(_))), "{answer:?}");
    assert_eq!(start.elapsed(), Duration::ZERO, "at once");
    drop(waiting);
    let mut again = Box::pin(shown(&handle, &token));
    assert!(futures::poll!(&mut again).is_pending(), "there is room again");
}
