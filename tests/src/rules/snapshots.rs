//! I11: a snapshot is what the events before it fold to.

use bongsu_sim::check;
use ordering_domain::cart::{CART_SCHEMA, Carts};

use super::Checked;
use crate::evidence::{Dump, Evidence};

/// Every snapshot of a cart. Only where there are carts that live long enough: a run without any has looked at none.
pub fn are_sound(evidence: &Evidence) -> Checked {
    let ordering: &Dump = evidence.store("ordering");
    let snapshots: Vec<_> = ordering.table("snapshot").cloned().collect();
    check::snapshots_are_sound::<Carts>(&ordering.events, &snapshots, CART_SCHEMA)
}
