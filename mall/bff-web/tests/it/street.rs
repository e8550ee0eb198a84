//! Those whom it asks, as far as a test needs them: by name, with an order of Ann's.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use bongsu_runtime::ports::{
    Fut,
    env::{Env, HttpClient, HttpError, HttpRequest, HttpResponse},
};
use bytes::Bytes;

/// What one of them does.
#[derive(Clone)]
pub(crate) enum Act {
    Say(u16, String),
    Break,
    Hang,
}

/// What each of them does; who is not named says what it knows of Ann's order.
#[derive(Default)]
pub(crate) struct Street {
    acts: Mutex<BTreeMap<&'static str, Act>>,
    asked: Mutex<Vec<String>>,
}

impl Street {
    pub(crate) fn act(&self, who: &'static str, act: Act) {
        self.acts.lock().expect("nobody panicked").insert(who, act);
    }

    /// Method, address and who asks, of all requests so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().expect("nobody panicked").clone();
        asked.sort();
        asked
    }
}

impl HttpClient for Street {
    fn send(&self, request: HttpRequest) -> Fut<'_, Result<HttpResponse, HttpError>> {
        let said = |name: &str| request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let who = said("x-bongsu-principal").unwrap_or_default();
        self.asked.lock().expect("nobody panicked").push(format!("{} {} {who}", request.method, request.url));
        let name = request.url.trim_start_matches("http://").split('/').next().unwrap_or_default().to_owned();
        let act = self.acts.lock().expect("nobody panicked").get(name.as_str()).cloned();
        let act = act.unwrap_or_else(|| known(&name, who == "ann" && request.url.contains("ord_1")));
        Box::pin(async move {
            match act {
                Act::Say(status, body) => Ok(HttpResponse { status, body: Bytes::from(body) }),
                Act::Break => Err(HttpError("connection refused".into())),
                Act::Hang => std::future::pending().await,
            }
        })
    }
}

fn known(name: &str, is_its: bool) -> Act {
    let thing = format!(r#"{{"order_id": "ord_1", "by": "{name}"}}"#);
    match (is_its, name) {
        (false, _) => Act::Say(404, r#"{"status": 404}"#.into()),
        (true, "payment" | "delivery") => Act::Say(200, format!(r#"{{"items": [{thing}], "next": null}}"#)),
        (true, _) => Act::Say(200, thing),
    }
}

/// A street on which everybody is well.
pub(crate) fn outside(_: &Arc<dyn Env>) -> Arc<dyn HttpClient> {
    Arc::new(Street::default())
}
