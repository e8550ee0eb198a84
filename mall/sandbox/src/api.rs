//! What a request to the provider means: a pure function from books and request to entries and answer.
//!
//! ```text
//! POST /captures {key, order, amount, not_after_ms?}   200 {key, status: captured|declined|pending, …}   GET /captures/{key}
//! POST /refunds  {key, capture}                        200 {key, refund, capture, amount}
//! PUT  /behaviour {mode: ok|decline|slow|down, delay_ms}      GET /behaviour      GET /ledger
//! ```
//!
//! While `down`, everything of the first two lines is answered 503. A refusal is a problem (RFC 9457), as everywhere here; what
//! is wrong in a body is named by JSON pointer.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use bongsu_host::{json::parse, problem::Problem};
use money::{Currency, Money};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::provider::{Behaviour, Charge, Entry, Mode, OrderId, Provider, Refusal, Status};

/// Deepest nesting of a request.
const DEEPEST: usize = 8;
/// The longest key or name, in bytes.
const LONGEST: usize = 255;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderReply {
    /// To write down and apply before answering.
    pub entries: Vec<Entry>,
    /// What to say.
    pub reply: Reply,
}

/// What to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// This status and JSON body.
    Now(u16, Value),
    /// The outcome of this charge, once it is settled; see [`outcome`].
    Settled(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Capture {
    key: String,
    order: OrderId,
    amount: Money,
    #[serde(default)]
    not_after_ms: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GiveBack {
    key: String,
    capture: String,
}

/// Decides a request.
pub fn answer(provider: &Provider, method: &str, path: &str, body: &[u8], now_ms: i64) -> ProviderReply {
    let down = provider.behaviour().mode == Mode::Down;
    let decided = match (method, path) {
        ("POST", "/captures") => read(body).and_then(|capture| take(provider, &capture, now_ms)),
        ("POST", "/refunds") if !down => read(body).and_then(|refund| give_back(provider, &refund, now_ms)),
        ("GET", _) if path.starts_with("/captures/") && !down => Ok(show(provider, &path["/captures/".len()..])),
        ("GET", "/ledger") => Ok(say(200, ledger(provider))),
        ("GET", "/behaviour") => Ok(say(200, json!(provider.behaviour()))),
        ("PUT", "/behaviour") => read(body).map(|behaviour| behave(behaviour, now_ms)),
        (_, "/captures" | "/refunds" | "/ledger" | "/behaviour") if !down => {
            Err(Problem::of_status(StatusCode::METHOD_NOT_ALLOWED))
        }
        _ if down => Err(is_down()),
        _ => Err(Problem::not_found("There is no such thing.")),
    };
    decided.unwrap_or_else(|problem| {
        let (status, body) = told(&problem);
        say(status, body)
    })
}

/// A problem as it is said.
pub fn told(problem: &Problem) -> (u16, Value) {
    (problem.status().as_u16(), serde_json::from_slice(&problem.body()).unwrap_or_default())
}

fn is_down() -> Problem {
    Problem::unavailable("The provider is down.")
}

/// What is known of a charge: status code and body.
pub fn outcome(provider: &Provider, key: &str) -> (u16, Value) {
    match provider.charge(key) {
        Some(charge) => (if charge.status == Status::Pending { 202 } else { 200 }, shown(key, charge)),
        None => told(&Problem::not_found("There is no such charge.")),
    }
}

/// The books: every charge, every refund, and per currency what was taken and given back.
pub fn ledger(provider: &Provider) -> Value {
    let captures: Vec<Value> = provider.charges().iter().map(|(key, charge)| shown(key, charge)).collect();
    let refunds: Vec<Value> = provider
        .refunds()
        .iter()
        .map(|(key, refund)| {
            json!({ "key": key, "refund": refund.refund, "capture": refund.capture, "amount": refund.amount })
        })
        .collect();
    let mut sums: BTreeMap<Currency, (i128, i128)> = BTreeMap::new();
    for charge in provider.charges().values() {
        let (captured, refunded) = sums.entry(charge.amount.currency).or_default();
        if matches!(charge.status, Status::Captured { .. }) {
            *captured += i128::from(charge.amount.minor);
        }
        if charge.refunded {
            *refunded += i128::from(charge.amount.minor);
        }
    }
    let totals = sums.into_iter().map(|(currency, (captured, refunded))| {
        (currency.to_string(), json!({ "captured": number(captured), "refunded": number(refunded) }))
    });
    let totals: Map<String, Value> = totals.collect();
    json!({ "captures": captures, "refunds": refunds, "totals": totals })
}

/// A sum; one that no JSON reader holds as a number is text. 2⁶³ amounts fit before it could overflow.
fn number(sum: i128) -> Value {
    i64::try_from(sum).map_or_else(|_| json!(sum.to_string()), |sum| json!(sum))
}

fn take(provider: &Provider, capture: &Capture, now_ms: i64) -> Result<ProviderReply, Problem> {
    named(&[("/key", &capture.key), ("/order", &capture.order)])?;
    if !capture.amount.is_a_price() {
        return Err(Problem::invalid("/amount/minor", format!("an amount is positive and at most {}", Money::MOST)));
    }
    let Capture { key, order, amount, not_after_ms } = capture;
    let entries = provider.capture(key, order, *amount, *not_after_ms, now_ms).map_err(refused)?;
    if provider.behaviour().mode == Mode::Down {
        let (status, body) = told(&is_down());
        return Ok(ProviderReply { entries, reply: Reply::Now(status, body) });
    }
    Ok(ProviderReply { entries, reply: Reply::Settled(key.clone()) })
}

fn give_back(provider: &Provider, refund: &GiveBack, now_ms: i64) -> Result<ProviderReply, Problem> {
    named(&[("/key", &refund.key), ("/capture", &refund.capture)])?;
    let entries = provider.refund(&refund.key, &refund.capture, now_ms).map_err(refused)?;
    let name = match entries.first() {
        Some(Entry::Refunded { refund, .. }) => Some(refund.as_str()),
        _ => provider.refunded(&refund.key).map(|known| known.refund.as_str()),
    };
    let amount = provider.captured(&refund.capture).map(|charge| charge.amount);
    let body = json!({ "key": refund.key, "refund": name, "capture": refund.capture, "amount": amount });
    Ok(ProviderReply { entries, reply: Reply::Now(200, body) })
}

fn behave(behaviour: Behaviour, now_ms: i64) -> ProviderReply {
    let entries = vec![Entry::Behaves { behaviour, at_ms: now_ms }];
    ProviderReply { entries, reply: Reply::Now(200, json!(behaviour)) }
}

fn show(provider: &Provider, key: &str) -> ProviderReply {
    let (status, body) = outcome(provider, key);
    say(status, body)
}

fn shown(key: &str, charge: &Charge) -> Value {
    let mut body = json!(charge);
    body["key"] = json!(key);
    body
}

fn say(status: u16, body: Value) -> ProviderReply {
    ProviderReply { entries: Vec::new(), reply: Reply::Now(status, body) }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    parse(body, DEEPEST)
}

/// Names, each with its place in the body.
fn named(names: &[(&str, &str)]) -> Result<(), Problem> {
    let good = |name: &str| !name.is_empty() && name.len() <= LONGEST && !name.contains(char::is_control);
    match names.iter().find(|(_, name)| !good(name)) {
        Some((place, _)) => Err(Problem::invalid(*place, format!("a name has 1 to {LONGEST} bytes of text"))),
        None => Ok(()),
    }
}

fn refused(refusal: Refusal) -> Problem {
    let why = refusal.to_string();
    match refusal {
        Refusal::KeyReused => Problem::invalid("/key", why),
        Refusal::NoSuchCapture => Problem::not_found(why),
        Refusal::AlreadyRefunded => Problem::of_status(StatusCode::CONFLICT).detail(why),
    }
}
