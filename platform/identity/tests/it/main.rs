//! Identity: its rules, what every context stands under, and its life over real HTTP: people with a browser, clients with a
//! library nobody here wrote, and those who try what must not work.

mod house;
mod browser;
mod rules;
mod pages;
mod tokens;
mod refresh;
mod keys;
mod people;
mod forgetting;
mod refusals;
mod settings;
mod demonstration;
mod process;

bongsu_testing::standing!(identity);
