//! Metrics as OpenMetrics text, which Prometheus reads.

use std::{collections::HashMap, fmt};

use axum::response::{IntoResponse as _, Response};
use bongsu_runtime::{Metric, Value};
use http::header;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text},
    metrics::{MetricType, exemplar::Exemplar},
    registry::Registry,
};

use crate::problem::Problem;

const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug)]
struct Seen(Vec<Metric>);

/// The answer to who asks for them.
pub fn exposition(metrics: Vec<Metric>) -> Response {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Seen(metrics)));
    let mut text = String::new();
    match text::encode(&mut text, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, KIND)], text).into_response(),
        Err(why) => {
            tracing::error!(reason = %why, "the metrics cannot be written down");
            Problem::internal().into_response()
        }
    }
}

impl Collector for Seen {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for named in self.0.chunk_by(|a, b| a.name == b.name) {
            let Some(first) = named.first() else { continue };
            let kind = match first.value {
                Value::Counter(_) => MetricType::Counter,
                Value::Gauge(_) => MetricType::Gauge,
                Value::Histogram { .. } => MetricType::Histogram,
            };
            let mut metric = encoder.encode_descriptor(first.name, first.help, None, kind)?;
            for one in named {
                if one.labels.is_empty() {
                    write(&mut metric, &one.value)?;
                } else {
                    write(&mut metric.encode_family(&one.labels)?, &one.value)?;
                }
            }
        }
        Ok(())
    }
}

fn write(metric: &mut MetricEncoder<'_>, value: &Value) -> fmt::Result {
    match value {
        Value::Counter(count) => metric.encode_counter(count, None::<&Exemplar<NoLabelSet, u64>>),
        Value::Gauge(now) => metric.encode_gauge(now),
        Value::Histogram { sum, buckets } => {
            let count = buckets.iter().map(|(_, count)| count).sum();
            metric.encode_histogram(*sum, count, buckets, None::<&HashMap<usize, Exemplar<NoLabelSet, f64>>>)
        }
    }
}
