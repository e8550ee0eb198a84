//! Bad input on a running mall: each gets one clear answer, nothing is lost, nothing crash-loops, and it is
//! well again once the cause is gone.

mod requests;
mod facts;
mod forging;
mod machine;
mod disk;
mod printing;

use std::time::Duration;

use system_tests::harness::{Mall, Process};

/// A busy machine is given so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Everybody is ready and nobody was started again.
fn nobody_fell(mall: &Mall) {
    let fallen: Vec<Process> =
        mall.ps().into_iter().filter(|process| process.state != "ready" || process.restarts > 0).collect();
    assert!(fallen.is_empty(), "{fallen:?}");
}
