//! Whom the services of a file name: that they are there, and that none waits for itself.

use std::collections::BTreeSet;

/// What a service says of others.
#[derive(Clone, Copy)]
pub(crate) struct Refers<'f> {
    /// Its own name.
    pub(crate) name: &'f str,
    /// Whom it starts after.
    pub(crate) after: &'f [String],
    /// Whom it asks.
    pub(crate) asks: &'f [String],
}

/// The first thing wrong with them.
pub(crate) fn wrong(services: &[Refers<'_>]) -> Option<String> {
    unknown_peer(services).or_else(|| unknown_predecessor(services)).or_else(|| circle(services))
}

fn unknown_peer(services: &[Refers<'_>]) -> Option<String> {
    services.iter().find_map(|service| {
        let mut others: BTreeSet<&str> = services.iter().map(|other| other.name).collect();
        others.remove(service.name);
        let wrong = service.asks.iter().find(|name| !others.remove(name.as_str()))?;
        Some(format!("service '{}': asks = '{wrong}', which is no other service, or is there twice", service.name))
    })
}

fn unknown_predecessor(services: &[Refers<'_>]) -> Option<String> {
    let known: BTreeSet<&str> = services.iter().map(|service| service.name).collect();
    services.iter().find_map(|service| {
        let unknown = service.after.iter().find(|name| !known.contains(name.as_str()))?;
        Some(format!("service '{}': after = '{unknown}', which is no service", service.name))
    })
}

/// Takes away services whose predecessors are gone until nothing moves; what is left waits for itself.
fn circle(services: &[Refers<'_>]) -> Option<String> {
    let mut left = services.to_vec();
    loop {
        let names: BTreeSet<&str> = left.iter().map(|service| service.name).collect();
        let before = left.len();
        left.retain(|service| service.after.iter().any(|name| names.contains(name.as_str())));
        if left.is_empty() {
            return None;
        }
        if left.len() == before {
            return Some(format!("these wait for each other: {}", names.into_iter().collect::<Vec<_>>().join(", ")));
        }
    }
}
