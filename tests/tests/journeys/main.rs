//! The journeys of customers and operators over real processes: every way an order ends, over HTTP at the gateway.
//!
//! All but one share a running mall, because starting it is what costs; a test that changes how somebody behaves
//! has it for itself meanwhile. Parcels are moved by hand, so that nothing happens before a test wants it.

mod shared;
mod endings;
mod cancelling;
mod selling;
mod carts;
mod sessions;
mod forgetting;
mod asking;
mod following;
mod mypage;
mod composing;
mod rebuilding;
mod operating;
mod republishing;
mod restoring;
mod killing;
mod auditing;
mod scaling;
mod backing_up;
mod verdict;
