//! The product service: its contracts, its reactions, and its API in a running service over memory adapters.

mod reactions;
mod fixture;
mod products;
mod search;
mod stock;

bongsu_testing::standing!(product, fixture::there);
