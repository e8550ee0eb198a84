//! bff-web: whom it asks, and what it makes of what they say.

mod composing;
mod starting;
mod street;

bongsu_testing::standing!(bff_web, composing::there, street::outside);
