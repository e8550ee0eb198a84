//! What a monitoring system reads of a gateway, as every process has it: its breakers, and the instances behind it.

use bongsu_runtime::{Metric, Value};

use crate::breaker::Shown;

type Reads = fn(&Shown) -> Value;

/// Figures of each breaker.
const FIGURES: [(&str, &str, Reads); 8] = [
    ("bongsu_gateway_breaker_state", "0: closed, 1: half-open, 2: open.", |one| Value::Gauge(one.state.number())),
    ("bongsu_gateway_breaker_held", "1 while an operator holds it.", |one| Value::Gauge(one.forced.into())),
    ("bongsu_gateway_breaker_calls", "Calls in the window that came to something.", |one| gauge(one.calls.into())),
    ("bongsu_gateway_breaker_failed_calls", "Those of them that failed.", |one| gauge(one.failed.into())),
    ("bongsu_gateway_breaker_slow_calls", "Those of them that were slow.", |one| gauge(one.slow.into())),
    ("bongsu_gateway_breaker_unanswered_calls", "Calls that are not answered yet.", |one| gauge(one.unanswered as u64)),
    ("bongsu_gateway_breaker_openings", "How often it has opened.", |one| Value::Counter(one.opened)),
    ("bongsu_gateway_breaker_refused_calls", "Calls that it has refused.", |one| Value::Counter(one.refused)),
];

/// An instance of a service, as the gateway sees it.
pub(crate) struct Instance {
    pub(crate) service: String,
    pub(crate) address: String,
    /// Left out for a while.
    pub(crate) is_out: bool,
}

/// All of them, those of a name together.
pub(crate) fn of(gateway: &str, breakers: &[Shown], instances: &[Instance], streams: usize) -> Vec<Metric> {
    let named = |one: &Shown| {
        vec![("gateway", gateway.to_owned()), ("service", one.of.service.clone()), ("route", one.of.route.clone())]
    };
    let figures = FIGURES.iter().flat_map(|(name, help, read)| {
        breakers.iter().map(move |one| Metric { name, help, labels: named(one), value: read(one) })
    });
    let reasons = breakers.iter().filter_map(|one| {
        let mut labels = named(one);
        labels.push(("reason", one.why.clone()?));
        let help = "Why it opened last.";
        Some(Metric { name: "bongsu_gateway_breaker_reason", help, labels, value: Value::Gauge(1) })
    });
    let instances = instances.iter().map(|one| Metric {
        name: "bongsu_gateway_instance_out",
        help: "1 while an instance is left out because it failed.",
        labels: vec![
            ("gateway", gateway.to_owned()),
            ("service", one.service.clone()),
            ("instance", one.address.clone()),
        ],
        value: Value::Gauge(one.is_out.into()),
    });
    let streams = Metric {
        name: "bongsu_gateway_open_streams",
        help: "Streams of events and WebSockets that are open.",
        labels: vec![("gateway", gateway.to_owned())],
        value: gauge(streams as u64),
    };
    figures.chain(reasons).chain(instances).chain([streams]).collect()
}

fn gauge(count: u64) -> Value {
    Value::Gauge(i64::try_from(count).unwrap_or(i64::MAX))
}
