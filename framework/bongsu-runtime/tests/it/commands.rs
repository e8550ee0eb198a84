//! Commands: once-keys, rejections, concurrency.

use bongsu_runtime::CommandError;
use bongsu_testing::MemoryStore;

use crate::{
    bank::{Account, AccountCommand, Deposit, Withdraw, bank},
    world::{Lab, ask},
};

fn deposit(amount: i64) -> AccountCommand {
    Deposit { account: "ann".into(), amount }.into()
}

#[tokio::test(start_paused = true)]
async fn a_repeated_command_is_answered_byte_for_byte_and_happens_once() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let runtime = lab.start(bank(), &store, "bank-1");
    let call = lab.call(Some(("k", "body")));
    let first = ask(&runtime.handle(), deposit(5), &call).await.unwrap();
    let again = ask(&runtime.handle(), deposit(5), &call).await.unwrap();
    assert!(!first.replayed && again.replayed);
    assert_eq!(first.reply, again.reply);
    assert_eq!(runtime.handle().load::<Account>("ann").await.unwrap().0.amount, 5);
}

#[tokio::test(start_paused = true)]
async fn concurrent_repetitions_get_one_effect_and_one_answer() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let runtime = lab.start(bank(), &store, "bank-1");
    let handle = runtime.handle();
    let call = lab.call(Some(("k", "body")));
    let asked = (0..20).map(|_| ask(&handle, deposit(5), &call));
    let answers: Vec<_> = futures::future::join_all(asked).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    assert!(answers.iter().all(|answer| answer.reply == answers[0].reply));
    assert_eq!(handle.load::<Account>("ann").await.unwrap().0.amount, 5);
}

#[tokio::test(start_paused = true)]
async fn the_same_key_with_another_body_is_refused() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let runtime = lab.start(bank(), &store, "bank-1");
    ask(&runtime.handle(), deposit(5), &lab.call(Some(("k", "one")))).await.unwrap();
    let other = ask(&runtime.handle(), deposit(6), &lab.call(Some(("k", "two")))).await;
    assert_eq!(other, Err(CommandError::KeyReused));
    assert_eq!(runtime.handle().load::<Account>("ann").await.unwrap().0.amount, 5);
}

#[tokio::test(start_paused = true)]
async fn a_rejection_is_an_answer_and_writes_no_event() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let runtime = lab.start(bank(), &store, "bank-1");
    let withdraw = AccountCommand::from(Withdraw { account: "ann".into(), amount: 1 });
    let answer = ask(&runtime.handle(), withdraw, &lab.call(None)).await.unwrap();
    assert_eq!((answer.reply.status, &answer.reply.body[..]), (409, &b"account.too-little"[..]));
    assert_eq!(runtime.handle().load::<Account>("ann").await.unwrap().1, 0);
}

#[tokio::test(start_paused = true)]
async fn two_instances_decide_on_one_stream_and_no_money_is_made() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let (one, two) = (lab.start(bank(), &store, "bank-1"), lab.start(bank(), &store, "bank-2"));
    ask(&one.handle(), deposit(30), &lab.call(None)).await.unwrap();
    let handles = [one.handle(), two.handle()];
    let calls: Vec<_> = (0..60).map(|_| lab.call(None)).collect();
    let asked = calls.iter().enumerate().map(|(n, call)| {
        let withdraw = AccountCommand::from(Withdraw { account: "ann".into(), amount: 1 });
        ask(&handles[n % 2], withdraw, call)
    });
    let answers = futures::future::join_all(asked).await;
    let done = answers.iter().filter(|answer| answer.as_ref().is_ok_and(|a| a.reply.status == 200)).count();
    assert_eq!(done, 30);
    let (balance, _) = one.handle().load::<Account>("ann").await.unwrap();
    assert_eq!(balance.amount, 0);
}
