//! What an operator sees: facts, parked things, and whether everybody stands.

use std::{collections::BTreeMap, time::Duration};

use bongsu_keys::OPERATOR;
use serde_json::Value;

use crate::harness::{Mall, Process, wait::until};

impl Mall {
    /// The processes of a service, ready or not.
    pub fn instances(&self, name: &str) -> Vec<Process> {
        self.ps().into_iter().filter(|row| row.name == name).collect()
    }

    /// A figure of a process, as its metrics say it; none when it does not answer or has none of that name.
    pub fn figure(&self, process: &Process, name: &str) -> Option<f64> {
        let url = format!("{}/bongsu/metrics", process.url.as_ref()?);
        let answer = self.http.ask_as(&self.bearer(OPERATOR, &process.name), "GET", &url, None).ok()?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// The facts of an order that a context has told, with the operator's own tool.
    pub fn facts(&self, context: &str, order: &str) -> Vec<Value> {
        let lines = self.said_by(&["facts", context, "--json", "--order", order]);
        lines.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"))).collect()
    }

    /// How often each fact of an order was told, by name without context and version: `order-placed`.
    pub fn told(&self, context: &str, order: &str) -> BTreeMap<String, usize> {
        let mut told = BTreeMap::new();
        for fact in self.facts(context, order) {
            let name = fact["type"].as_str().unwrap_or_default();
            let name = name.strip_prefix(context).unwrap_or(name).trim_start_matches('.');
            let name = name.rsplit_once(".v").map_or(name, |(name, _)| name);
            *told.entry(name.to_owned()).or_default() += 1;
        }
        told
    }

    /// Waits until a context has told exactly these facts of an order, each once: what is stored is told a moment
    /// later.
    pub fn until_told_once(&self, context: &str, order: &str, facts: &[&str]) {
        let expected: BTreeMap<String, usize> = facts.iter().map(|fact| ((*fact).to_owned(), 1)).collect();
        until(&format!("{context} told {facts:?} of {order}"), Duration::from_secs(20), || {
            let told = self.told(context, order);
            if told == expected { Ok(()) } else { Err(format!("{told:?}")) }
        });
    }
}
