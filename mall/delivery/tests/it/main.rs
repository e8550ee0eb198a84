//! Delivery: its rules as a shopkeeper would read them, what every context stands under, and its life over memory adapters.

mod deliveries;
mod courier;
mod life;
mod ordering;

bongsu_testing::standing!(delivery, bongsu_testing::standing::nothing_is_there, ordering::outside);
