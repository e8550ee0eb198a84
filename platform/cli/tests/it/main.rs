//! The platform from outside: real `bongsu` processes, real services, real sockets.
#![expect(clippy::unwrap_used, reason = "what a test cannot do ends it")]

mod fixture;
mod up;
mod steer;
mod heal;
mod kills;
mod scale;
mod secret;
mod logs;
mod bad_input;
mod settings;
mod configuration;
mod gateway;
mod gateways;
mod edge;
mod facts;
mod copies;
mod backup;
mod outside;
mod clock;
mod login;
mod new;
