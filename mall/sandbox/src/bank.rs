//! The provider without a network: the same books and answers, for tests of whoever asks it.

use std::sync::{Arc, Mutex, MutexGuard};

use bongsu_runtime::ports::{
    Fut,
    env::{Env, HttpClient, HttpError, HttpRequest, HttpResponse},
};

use serde_json::{Value, json};

use crate::{
    api::{self, Reply},
    provider::{Behaviour, Mode, Provider},
};

/// Where the provider seems to be.
pub const ADDRESS: &str = "http://bank.test";

/// A provider in the memory of a test.
pub struct Bank {
    provider: Mutex<Provider>,
    env: Arc<dyn Env>,
    /// Requests whose answer gets lost on its way back.
    lose_answers: Mutex<u32>,
    /// With which status it answers everything, having done nothing.
    refuses: Mutex<Option<u16>>,
}

impl Bank {
    /// An empty one, on this clock.
    pub fn new(env: Arc<dyn Env>) -> Arc<Self> {
        Arc::new(Self { provider: Mutex::default(), env, lose_answers: Mutex::new(0), refuses: Mutex::default() })
    }

    /// How it answers from now on.
    pub fn behaves(&self, mode: Mode) {
        let body = json!(Behaviour { mode, delay_ms: 0 }).to_string();
        self.ask("PUT", "/behaviour", body.as_bytes());
    }

    /// Loses the answers to so many of the next requests; what they asked for is done.
    pub fn loses_answers(&self, count: u32) {
        *self.lose_answers.lock().expect("nobody panicked") = count;
    }

    /// Answers everything with this status from now on, and does nothing.
    pub fn refuses(&self, status: u16) {
        *self.refuses.lock().expect("nobody panicked") = Some(status);
    }

    /// Its books.
    pub fn ledger(&self) -> Value {
        api::ledger(&self.books())
    }

    fn books(&self) -> MutexGuard<'_, Provider> {
        self.provider.lock().expect("nobody panicked")
    }

    fn ask(&self, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
        let mut books = self.books();
        let answer = api::answer(&books, method, path, body, self.env.wall_ms());
        answer.entries.iter().for_each(|entry| books.apply(entry));
        books.settle(self.env.wall_ms()).iter().for_each(|entry| books.apply(entry));
        match answer.reply {
            Reply::Now(status, body) => (status, body),
            Reply::Settled(key) => api::outcome(&books, &key),
        }
    }

    fn loses_this_one(&self) -> bool {
        let mut left = self.lose_answers.lock().expect("nobody panicked");
        let lost = *left > 0;
        *left = left.saturating_sub(1);
        lost
    }
}

impl HttpClient for Bank {
    fn send(&self, request: HttpRequest) -> Fut<'_, Result<HttpResponse, HttpError>> {
        let path = request.url.strip_prefix(ADDRESS).expect("only the provider is asked").to_owned();
        let refused = *self.refuses.lock().expect("nobody panicked");
        let asked = || self.ask(request.method, &path, &request.body);
        let (status, body) = refused.map_or_else(asked, |status| (status, json!({})));
        let lost = self.loses_this_one();
        Box::pin(async move {
            if lost {
                return Err(HttpError("the answer got lost".into()));
            }
            Ok(HttpResponse { status, body: body.to_string().into() })
        })
    }
}
