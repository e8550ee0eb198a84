//! Payment: its rules as a shopkeeper would read them, what every context stands under, and its life with a provider.

mod words;
mod rules;
mod life;

bongsu_testing::standing!(payment);
