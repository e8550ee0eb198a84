//! Processes and their timers.

use bongsu_core::{Ctx, Effect, Input, Process, Route};
use bongsu_memory::MemoryStore;

use crate::{
    bank::{Account, AccountCommand, Deposit, GiveBack, Withdraw, Withdrawn, bank, ledger},
    world::{Lab, ask, until},
};

async fn withdraw_one(lab: &Lab, bank: &bongsu_runtime::Runtime) {
    let deposit = AccountCommand::from(Deposit { account: "ann".into(), amount: 10 });
    ask(&bank.handle(), deposit, &lab.call(None)).await.unwrap();
    let withdraw = AccountCommand::from(Withdraw { account: "ann".into(), amount: 10 });
    ask(&bank.handle(), withdraw, &lab.call(None)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_answer_before_the_deadline_confirms_and_clears_the_timer() {
    let (lab, banks, ledgers) = (Lab::new(0), MemoryStore::new(), MemoryStore::new());
    let (bank, _ledger) = (lab.start(bank(), &banks, "bank-1"), lab.start(ledger(), &ledgers, "ledger-1"));
    withdraw_one(&lab, &bank).await;
    until("confirmed", async || bank.handle().load::<Account>("ann").await.unwrap().0.confirmed == 1).await;
    tokio::time::sleep(std::time::Duration::from_secs(20)).await;
    let (state, _) = bank.handle().load::<Account>("ann").await.unwrap();
    assert_eq!((state.amount, state.confirmed, state.given_back), (0, 1, 0));
    assert!(!banks.all_docs().iter().any(|doc| doc.key.table == "todo"), "no timer is left");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_fires_once_even_if_the_process_was_down_when_it_passed() {
    let (lab, banks) = (Lab::new(0), MemoryStore::new());
    let running = lab.start(bank(), &banks, "bank-1");
    withdraw_one(&lab, &running).await;
    drop(running);
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    let running = lab.start(bank(), &banks, "bank-1");
    until("given back", async || running.handle().load::<Account>("ann").await.unwrap().0.given_back == 1).await;
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    let (state, _) = running.handle().load::<Account>("ann").await.unwrap();
    assert_eq!((state.amount, state.confirmed, state.given_back), (10, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_still_heard_after_the_end() {
    let (lab, banks, ledgers) = (Lab::new(0), MemoryStore::new(), MemoryStore::new());
    let running = lab.start(bank(), &banks, "bank-1");
    withdraw_one(&lab, &running).await;
    until("given back", async || running.handle().load::<Account>("ann").await.unwrap().0.given_back == 1).await;
    let _ledger = lab.start(ledger(), &ledgers, "ledger-1");
    until("the late answer was reacted to", async || {
        running.handle().load::<Account>("ann").await.unwrap().0.confirmed == 1
    })
    .await;
}

/// Takes 60 twice once somebody took 1, and gives everything back when one of them is refused.
struct TakeTwice;

impl Process for TakeTwice {
    const NAME: &'static str = "take-twice";
    type Heard = Withdrawn;
    type State = String;
    type Command = AccountCommand;

    fn route(&self, heard: &Withdrawn) -> Route {
        if heard.amount == 1 { Route::Start(heard.account.clone()) } else { Route::Ignore }
    }

    fn evolve(account: &mut String, input: &Input<'_, Withdrawn>) {
        if let Input::Heard(heard) = input {
            account.clone_from(&heard.account);
        }
    }

    fn react(&self, account: &String, input: &Input<'_, Withdrawn>, _: &Ctx) -> Vec<Effect<AccountCommand>> {
        let take = || Effect::SendUndo {
            run: Withdraw { account: account.clone(), amount: 60 }.into(),
            undo: GiveBack { account: account.clone(), amount: 60 }.into(),
        };
        match input {
            Input::Heard(_) => vec![take(), take()],
            Input::Refused { .. } => vec![Effect::Unwind],
            Input::Woke { .. } => vec![],
        }
    }
}

#[tokio::test(start_paused = true)]
async fn unwinding_undoes_what_was_carried_out_and_not_what_was_refused() {
    let (lab, banks) = (Lab::new(0), MemoryStore::new());
    let bank = lab.start(bank().process(TakeTwice), &banks, "bank-1");
    let deposit = AccountCommand::from(Deposit { account: "ann".into(), amount: 100 });
    ask(&bank.handle(), deposit, &lab.call(None)).await.unwrap();
    let one = AccountCommand::from(Withdraw { account: "ann".into(), amount: 1 });
    ask(&bank.handle(), one, &lab.call(None)).await.unwrap();
    let (state, _) = bank.handle().load::<Account>("ann").await.unwrap();
    assert_eq!((state.amount, state.given_back), (99, 1), "one was carried out, the other refused");
}
