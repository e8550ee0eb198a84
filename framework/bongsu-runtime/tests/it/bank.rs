//! Two small contexts: a bank whose withdrawals must be booked by a ledger before a deadline.

use bongsu_core::{
    Aggregate, Ctx, Decider, Effect, Input, Messages, Metadata, Process, Projection, Public, Route, message,
};
use bongsu_runtime::{Activity, Attempt, Service, Snapshots, Unavailable, ports::env::HttpRequest};
use serde::{Deserialize, Serialize};

macro_rules! declare {
    ($name:ident, $wire:literal, { $($field:ident: $ty:ty),* }) => {
        #[message($wire, version = 1)]
        pub(crate) struct $name { $(pub(crate) $field: $ty),* }
    };
}

declare!(Deposit, "account.deposit", { account: String, amount: i64 });
declare!(Withdraw, "account.withdraw", { account: String, amount: i64 });
declare!(Confirm, "account.confirm", { account: String });
declare!(GiveBack, "account.give-back", { account: String, amount: i64 });
declare!(Deposited, "account.deposited", { amount: i64 });
declare!(Withdrawn, "account.withdrawn", { account: String, amount: i64 });
declare!(Confirmed, "account.confirmed", {});
declare!(GivenBack, "account.given-back", { account: String, amount: i64 });
declare!(TooLittle, "account.too-little", { balance: i64 });

declare!(MoneyLeft, "bank.money-left", { account: String, amount: i64 });
declare!(MoneyCame, "bank.money-came", { account: String, amount: i64 });

declare!(Book, "book.book", { account: String, amount: i64 });
declare!(Booked, "book.booked", { account: String, amount: i64 });
declare!(EntryBooked, "ledger.entry-booked", { account: String });
declare!(Stamp, "book.stamp", { account: String });
declare!(Stamped, "book.stamped", {});
declare!(Never, "book.never", {});

#[derive(Clone, Debug, PartialEq, Messages)]
pub(crate) enum AccountCommand {
    Deposit(Deposit),
    Withdraw(Withdraw),
    Confirm(Confirm),
    GiveBack(GiveBack),
}
#[derive(Clone, Debug, PartialEq, Messages)]
pub(crate) enum AccountEvent {
    Deposited(Deposited),
    Withdrawn(Withdrawn),
    Confirmed(Confirmed),
    GivenBack(GivenBack),
}
#[derive(Clone, Debug, PartialEq, Messages)]
pub(crate) enum BookCommand {
    Book(Book),
    Stamp(Stamp),
}
#[derive(Clone, Debug, PartialEq, Messages)]
pub(crate) enum BookEvent {
    Booked(Booked),
    Stamped(Stamped),
}
#[derive(Clone, Debug, PartialEq, Messages)]
pub(crate) enum SettleHeard {
    Withdrawn(Withdrawn),
    EntryBooked(EntryBooked),
}
#[derive(Clone, Debug, PartialEq, Messages)]
pub(crate) enum MovementHeard {
    MoneyLeft(MoneyLeft),
    MoneyCame(MoneyCame),
}

pub(crate) struct Account;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Balance {
    pub(crate) amount: i64,
    pub(crate) confirmed: u32,
    pub(crate) given_back: u32,
}

impl Aggregate for Account {
    const NAME: &'static str = "account";
    type Event = AccountEvent;
    type State = Balance;

    fn evolve(state: &mut Balance, event: &AccountEvent) {
        match event {
            AccountEvent::Deposited(Deposited { amount }) => state.amount += amount,
            AccountEvent::Withdrawn(Withdrawn { amount, .. }) => state.amount -= amount,
            AccountEvent::Confirmed(_) => state.confirmed += 1,
            AccountEvent::GivenBack(GivenBack { amount, .. }) => {
                state.amount += amount;
                state.given_back += 1;
            }
        }
    }
}

impl Decider for Account {
    type Command = AccountCommand;
    type Rejection = TooLittle;

    fn target(&self, command: &AccountCommand, _: &Ctx) -> String {
        match command {
            AccountCommand::Deposit(Deposit { account, .. })
            | AccountCommand::Withdraw(Withdraw { account, .. })
            | AccountCommand::Confirm(Confirm { account })
            | AccountCommand::GiveBack(GiveBack { account, .. }) => account.clone(),
        }
    }

    fn decide(&self, state: &Balance, command: AccountCommand, _: &Ctx) -> Result<Vec<AccountEvent>, TooLittle> {
        Ok(vec![match command {
            AccountCommand::Deposit(Deposit { amount, .. }) => Deposited { amount }.into(),
            AccountCommand::Withdraw(Withdraw { amount, .. }) if amount > state.amount => {
                return Err(TooLittle { balance: state.amount });
            }
            AccountCommand::Withdraw(Withdraw { account, amount }) => Withdrawn { account, amount }.into(),
            AccountCommand::Confirm(_) => Confirmed {}.into(),
            AccountCommand::GiveBack(GiveBack { account, amount }) => GivenBack { account, amount }.into(),
        }])
    }
}

fn bank_facts(id: &str, event: &AccountEvent, _: &Balance) -> Option<Public> {
    let account = id.to_owned();
    Some(match event {
        AccountEvent::Deposited(Deposited { amount }) => Public::new(id, &MoneyCame { account, amount: *amount }),
        AccountEvent::Withdrawn(Withdrawn { amount, .. }) => Public::new(id, &MoneyLeft { account, amount: *amount }),
        AccountEvent::Confirmed(_) => return None,
        AccountEvent::GivenBack(GivenBack { amount, .. }) => Public::new(id, &MoneyCame { account, amount: *amount }),
    })
}

/// Gives the money back when the ledger does not book within five seconds.
pub(crate) struct Settle;

#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Settling {
    account: String,
    amount: i64,
    done: bool,
}

impl Process for Settle {
    const NAME: &'static str = "settle";
    type Heard = SettleHeard;
    type State = Settling;
    type Command = AccountCommand;

    fn route(&self, heard: &SettleHeard) -> Route {
        match heard {
            SettleHeard::Withdrawn(heard) => Route::Start(heard.account.clone()),
            SettleHeard::EntryBooked(heard) => Route::Continue(heard.account.clone()),
        }
    }

    fn evolve(state: &mut Settling, input: &Input<'_, SettleHeard>) {
        match input {
            Input::Heard(SettleHeard::Withdrawn(heard)) => {
                *state = Settling { account: heard.account.clone(), amount: heard.amount, done: false };
            }
            Input::Heard(SettleHeard::EntryBooked(_)) | Input::Woke { .. } => state.done = true,
            Input::Refused { .. } => {}
        }
    }

    fn react(&self, state: &Settling, input: &Input<'_, SettleHeard>, ctx: &Ctx) -> Vec<Effect<AccountCommand>> {
        let account = state.account.clone();
        match input {
            Input::Heard(SettleHeard::Withdrawn(_)) => vec![Effect::Wake { name: "late", at_ms: ctx.now_ms + 5_000 }],
            Input::Heard(SettleHeard::EntryBooked(_)) => {
                vec![Effect::CancelWake("late"), Effect::Send(Confirm { account }.into()), Effect::Done]
            }
            Input::Woke { .. } => {
                vec![Effect::Send(GiveBack { account, amount: state.amount }.into()), Effect::Done]
            }
            Input::Refused { .. } => vec![],
        }
    }
}

pub(crate) fn bank() -> Service {
    Service::new("bank").decider(Account, bank_facts).process(Settle)
}

/// The bank with snapshots of its accounts, under a schema of their state and after so many events.
pub(crate) fn bank_with_snapshots(schema: u32, every: u64) -> Service {
    bank().snapshots::<Account>(Snapshots { schema, every })
}

/// The bank with a read model over its own facts.
pub(crate) fn bank_with_movements() -> Service {
    bank().projection::<Movements>()
}

pub(crate) struct Books;

impl Aggregate for Books {
    const NAME: &'static str = "book";
    type Event = BookEvent;
    type State = (i64, u32);

    fn evolve(state: &mut (i64, u32), event: &BookEvent) {
        match event {
            BookEvent::Booked(booked) => state.0 += booked.amount,
            BookEvent::Stamped(_) => state.1 += 1,
        }
    }
}

impl Decider for Books {
    type Command = BookCommand;
    type Rejection = Never;

    fn target(&self, command: &BookCommand, _: &Ctx) -> String {
        match command {
            BookCommand::Book(Book { account, .. }) | BookCommand::Stamp(Stamp { account }) => account.clone(),
        }
    }

    fn decide(&self, _: &(i64, u32), command: BookCommand, _: &Ctx) -> Result<Vec<BookEvent>, Never> {
        Ok(vec![match command {
            BookCommand::Book(Book { account, amount }) => Booked { account, amount }.into(),
            BookCommand::Stamp(_) => Stamped {}.into(),
        }])
    }
}

fn ledger_facts(id: &str, event: &BookEvent, _: &(i64, u32)) -> Option<Public> {
    match event {
        BookEvent::Booked(_) => Some(Public::new(id, &EntryBooked { account: id.to_owned() })),
        BookEvent::Stamped(_) => None,
    }
}

/// Books every withdrawal.
fn book_what_left(fact: &MoneyLeft, _: &Ctx) -> Vec<BookCommand> {
    assert!(fact.amount != 13, "superstitious");
    vec![Book { account: fact.account.clone(), amount: fact.amount }.into()]
}

/// Has every booking stamped outside.
pub(crate) struct Stamping;

impl Activity for Stamping {
    const NAME: &'static str = "stamping";
    type Event = Booked;
    type Command = BookCommand;

    async fn run(&self, event: Booked, attempt: &Attempt<'_>) -> Result<BookCommand, Unavailable> {
        let request = HttpRequest {
            method: "POST",
            url: "http://stamps/".into(),
            headers: Vec::new(),
            body: bytes::Bytes::new(),
            deadline: std::time::Duration::from_secs(1),
        };
        let answer = attempt.http.send(request).await.map_err(|error| Unavailable(error.to_string()))?;
        if answer.status == 200 { Ok(Stamp { account: event.account }.into()) } else { Err(Unavailable("503".into())) }
    }
}

/// How much moved per account, both ways.
pub(crate) struct Movements;

impl Projection for Movements {
    const NAME: &'static str = "movements";
    const VERSION: u32 = 1;
    type Event = MovementHeard;
    type Row = (i64, u32);

    fn keys(event: &MovementHeard) -> Vec<String> {
        match event {
            MovementHeard::MoneyLeft(MoneyLeft { account, .. })
            | MovementHeard::MoneyCame(MoneyCame { account, .. }) => {
                vec![account.clone()]
            }
        }
    }

    fn fold(_: &str, row: Option<(i64, u32)>, event: &MovementHeard, _: &Metadata) -> Option<(i64, u32)> {
        let (balance, count) = row.unwrap_or_default();
        let moved = match event {
            MovementHeard::MoneyLeft(left) => -left.amount,
            MovementHeard::MoneyCame(came) => came.amount,
        };
        Some((balance + moved, count + 1))
    }
}

/// The next version of [`Movements`]: the same, and what moved in all.
pub(crate) struct MovementsNow;

impl Projection for MovementsNow {
    const NAME: &'static str = Movements::NAME;
    const VERSION: u32 = 2;
    type Event = MovementHeard;
    type Row = (i64, u32, i64);

    fn keys(event: &MovementHeard) -> Vec<String> {
        Movements::keys(event)
    }

    fn fold(key: &str, row: Option<Self::Row>, event: &MovementHeard, metadata: &Metadata) -> Option<Self::Row> {
        let (balance, count, sum) = row.unwrap_or_default();
        let moved = Movements::fold(key, None, event, metadata).unwrap_or_default().0;
        Some((balance + moved, count + 1, sum + moved.abs()))
    }
}

pub(crate) fn ledger() -> Service {
    ledger_without_movements().projection::<Movements>()
}

pub(crate) fn next_ledger() -> Service {
    ledger_without_movements().projection::<MovementsNow>()
}

fn ledger_without_movements() -> Service {
    Service::new("ledger").decider(Books, ledger_facts).policy("book-what-left", book_what_left).activity(Stamping)
}
