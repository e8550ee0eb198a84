//! Ordering, as far as a test needs it: it says where orders go.

use std::sync::{Arc, Mutex};

use bongsu_runtime::ports::{
    Fut,
    env::{Env, HttpClient, HttpError, HttpRequest, HttpResponse},
};

/// What it does.
#[derive(Clone)]
pub(crate) enum Act {
    Say(u16, String),
    Break,
    Hang,
}

/// What it does, and what it was asked so far.
#[derive(Default)]
pub(crate) struct Ordering {
    act: Mutex<Option<Act>>,
    asked: Mutex<Vec<String>>,
}

impl Ordering {
    pub(crate) fn act(&self, act: Act) {
        *self.act.lock().expect("nobody panicked") = Some(act);
    }

    /// Method, address and who asks, of all requests.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panicked").clone()
    }
}

impl HttpClient for Ordering {
    fn send(&self, request: HttpRequest) -> Fut<'_, Result<HttpResponse, HttpError>> {
        let who = request.headers.iter().find(|(name, _)| name == "x-bongsu-principal").map(|(_, who)| who.as_str());
        let line = format!("{} {} {}", request.method, request.url, who.unwrap_or_default());
        self.asked.lock().expect("nobody panicked").push(line);
        let knows = || Act::Say(200, r#"{"address": "Seoul", "address_state": "KNOWN"}"#.to_owned());
        let act = self.act.lock().expect("nobody panicked").clone().unwrap_or_else(knows);
        Box::pin(async move {
            match act {
                Act::Say(status, body) => Ok(HttpResponse { status, body: body.into() }),
                Act::Break => Err(HttpError("connection refused".into())),
                Act::Hang => std::future::pending().await,
            }
        })
    }
}

/// An outside in which ordering is well.
pub(crate) fn outside(_: &Arc<dyn Env>) -> Arc<dyn HttpClient> {
    Arc::new(Ordering::default())
}
