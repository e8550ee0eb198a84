//! Identity: its rules, what every context stands under, and its life over real HTTP: people with a browser, clients, and
//! those who try what must not work. Clients that nobody here wrote are in `tests/parties`.

mod provider;
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
