//! Delivery: its rules as a shopkeeper would read them, what every context stands under, and its life over memory adapters.

mod deliveries;
mod courier;
mod life;

bongsu_testing::standing!(delivery);
