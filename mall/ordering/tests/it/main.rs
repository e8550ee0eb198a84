//! The ordering service: its contracts, and its API in a running service over memory adapters.

mod fixture;
mod placing;
mod reading_once;
mod reading;
mod cancelling;
mod carts;
mod guest_carts;
mod following;
mod settings;
mod configured;
mod forgetting;

bongsu_testing::standing!(ordering, fixture::there);
