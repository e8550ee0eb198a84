//! Commands: once-keys, rejections, concurrency.

use std::{collections::BTreeSet, time::Duration};

use bongsu_memory::MemoryStore;
use bongsu_runtime::{
    CommandError, Reply, Script,
    ports::{
        env::Env as _,
        store::{Commit, CommitId, DocBody, DocKey, DocWrite, Store as _, Verdict},
    },
};
use bytes::Bytes;

use crate::{
    bank::{Account, AccountCommand, Deposit, Withdraw, bank},
    world::{Hindered, Lab, ask, until},
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

/// Whether the store still keeps the answer under a key.
fn is_kept(store: &MemoryStore, key: &str) -> bool {
    store.docs_of("once").iter().any(|doc| doc.key.id == key)
}

#[tokio::test(start_paused = true)]
async fn a_key_is_kept_for_a_day_and_then_the_same_command_is_decided_anew() {
    const MINUTE: Duration = Duration::from_secs(60);
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let runtime = lab.start(bank(), &store, "bank-1");
    let handle = runtime.handle();
    let first = ask(&handle, deposit(5), &lab.call(Some(("k", "body")))).await.unwrap();
    drop(runtime);
    lab.env.jump(24 * 60 * MINUTE - 3 * MINUTE);
    let runtime = lab.start(bank(), &store, "bank-1");
    let handle = runtime.handle();
    tokio::time::sleep(2 * MINUTE).await;
    let late = ask(&handle, deposit(5), &lab.call(Some(("k", "body")))).await.unwrap();
    assert!(late.replayed && late.reply == first.reply, "at 23:59");
    assert_eq!(ask(&handle, deposit(6), &lab.call(Some(("k", "other")))).await, Err(CommandError::KeyReused));
    tokio::time::sleep(3 * MINUTE).await;
    assert!(!is_kept(&store, "k"), "at 24:02");
    let anew = ask(&handle, deposit(5), &lab.call(Some(("k", "body")))).await.unwrap();
    assert!(!anew.replayed);
    let (account, version) = handle.load::<Account>("ann").await.unwrap();
    assert_eq!((account.amount, version), (10, 2), "it happened again");
    // The same ids, and still another Commit: a revision never names two contents.
    let revisions: BTreeSet<_> = store.all_events().into_iter().map(|event| event.commit).collect();
    assert_eq!(revisions.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn many_old_keys_are_forgotten_in_bounded_commits_and_young_ones_stay() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let (one, two) = (lab.start(bank(), &store, "bank-1"), lab.start(bank(), &store, "bank-2"));
    for n in 0..600 {
        ask(&one.handle(), deposit(1), &lab.call(Some((&format!("old-{n}"), "b")))).await.unwrap();
    }
    lab.env.jump(Duration::from_secs(12 * 3_600));
    ask(&two.handle(), deposit(1), &lab.call(Some(("young", "b")))).await.unwrap();
    drop((one, two));
    lab.env.jump(Duration::from_secs(12 * 3_600 - 100));
    let _both = (lab.start(bank(), &store, "bank-1"), lab.start(bank(), &store, "bank-2"));
    tokio::time::sleep(Duration::from_secs(70)).await;
    assert_eq!(store.docs_of("once").len(), 601, "nothing is forgotten early");
    tokio::time::sleep(Duration::from_secs(40)).await;
    let (mut before, mut most) = (601, 0);
    until("the rest of the old ones is forgotten", async || {
        let now = store.docs_of("once").len();
        most = most.max(before - now);
        before = now;
        now == 1
    })
    .await;
    assert!((1..=250).contains(&most), "{most} at once");
    assert!(is_kept(&store, "young"));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_ahead_makes_no_key_old() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let runtime = lab.start(bank(), &store, "bank-1");
    until("it runs", async || runtime.handle().status().ready).await;
    ask(&runtime.handle(), deposit(5), &lab.call(Some(("k", "body")))).await.unwrap();
    lab.env.jump(Duration::from_secs(25 * 3_600));
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(ask(&runtime.handle(), deposit(5), &lab.call(Some(("k", "body")))).await.unwrap().replayed);
    assert_eq!(runtime.handle().load::<Account>("ann").await.unwrap().0.amount, 5);
}

#[tokio::test(start_paused = true)]
async fn keys_are_forgotten_faster_than_they_come() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let mut commit = Commit::new(CommitId(1));
    let day_before_yesterday = lab.env.wall_ms() - 48 * 3_600_000;
    for n in 0..20_000_u64 {
        let index = vec![(0, Bytes::copy_from_slice(&(day_before_yesterday as u64 + n).to_be_bytes()))];
        let put = Some(DocBody { data: Bytes::new(), index });
        commit.docs.push(DocWrite { key: DocKey::new("once", format!("k{n}")), put });
        if commit.docs.len() == 1_000 {
            let next = Commit::new(CommitId(u128::from(n) + 2));
            assert_eq!(store.commit(std::mem::replace(&mut commit, next)).await, Ok(Verdict::Done));
        }
    }
    let _runtime = lab.start(bank(), &store, "bank-1");
    until("it begins", async || store.docs_of("once").len() < 20_000).await;
    let since = lab.env.mono();
    until("all are forgotten", async || store.docs_of("once").is_empty()).await;
    let took = lab.env.mono() - since;
    assert!(took < Duration::from_secs(10), "2 000 a second at least: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_commit_of_documents_alone_is_found_after_an_unknown_outcome() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let silent = Hindered::over(&store);
    let runtime = lab.start_with(silent.clone(), lab.broker.clone(), bank(), "bank-1");
    let other = lab.start(bank(), &store, "bank-2");
    silent.lose_an_answer_about("notes");
    let note = |script: &mut Script<'_>| {
        let notes = script.get::<u32>("notes", "ann").unwrap_or(0) + 1;
        script.put("notes", "ann", &notes, Vec::new());
        Ok(Reply { status: 200, headers: Vec::new(), body: notes.to_string().into() })
    };
    let (handle, call, keys) = (runtime.handle(), lab.call(None), [DocKey::new("notes", "ann")]);
    let answer = handle.script(&call, &keys, &note);
    // More than anybody would look through.
    let crowd = async {
        for _ in 0..1_200 {
            ask(&other.handle(), deposit(1), &lab.call(None)).await.unwrap();
        }
        silent.give_up_the_answer();
    };
    let (answer, ()) = futures::join!(answer, crowd);
    assert_eq!(&answer.unwrap().reply.body[..], b"1");
    assert_eq!(&store.doc("notes", "ann").unwrap().data[..], b"1", "it happened once");
}

#[tokio::test(start_paused = true)]
async fn what_another_instance_wrote_under_the_same_key_is_not_taken_for_ones_own() {
    let (lab, store) = (Lab::new(0), MemoryStore::new());
    let held = Hindered::over(&store);
    let one = lab.start_with(held.clone(), lab.broker.clone(), bank(), "bank-1");
    let other = lab.start(bank(), &store, "bank-2");
    ask(&one.handle(), deposit(1), &lab.call(None)).await.unwrap();
    // Both are asked under one key in the same millisecond, for different things; the other one writes first.
    let (seven, five) = (lab.call(Some(("k", "seven"))), lab.call(Some(("k", "five"))));
    assert_eq!(seven.ctx, five.ctx);
    held.hold();
    let handle = one.handle();
    let (rich, take) = (lab.call(None), Withdraw { account: "ann".into(), amount: 8 });
    let mut first = Box::pin(ask(&handle, deposit(7), &seven));
    assert!(futures::poll!(&mut first).is_pending());
    // Decided on what the first one believes to have put there.
    let mut second = Box::pin(ask(&handle, AccountCommand::from(take), &rich));
    assert!(futures::poll!(&mut second).is_pending());
    ask(&other.handle(), deposit(5), &five).await.unwrap();
    held.let_go().await;
    assert_eq!(first.await, Err(CommandError::KeyReused));
    assert_eq!(second.await.unwrap().reply.status, 409, "there are 6");
    assert_eq!(other.handle().load::<Account>("ann").await.unwrap().0.amount, 6);
}
