//! identity: who somebody is. An OpenID Connect provider whose rules are a context like any other.
//!
//! Start at [`service`], the map; the rules are [`person`]. What is told by a person (address, name, password) and what opens
//! doors (codes, tokens, sessions, keys) are deletable documents in the room `private`, and nowhere else: in events and facts
//! a person is an opaque `usr_…`. The protocol is the room `oidc`, pages for people are `pages`, what operators do is [`api`].
//! It must not know what the system it serves is about: roles are names from the configuration.
#![forbid(unsafe_code)]

pub mod person;
mod crypto;
pub mod settings;
mod private;
mod passwords;
mod keys;
mod desk;
mod accounts;
mod oidc;
mod pages;
mod protocol;
pub mod api;
pub mod demonstration;

use std::{collections::BTreeSet, sync::Arc};

use axum::{Extension, Router};
use bongsu_core::{Public, message};
use bongsu_runtime::{Handle, Service};

pub use crate::settings::Settings;
use crate::{
    accounts::sweep::sweep,
    desk::Desk,
    person::{PersonEvent, PersonId, PersonState, Persons, Role},
};

/// The map of the identity context: every arrow in or out is one line.
pub fn service(settings: &Settings) -> Service {
    Service::new("identity").decider(Persons { roles: settings.roles.clone() }, told)
}

/// Everything that is served: what operators do, the protocol, the pages, and for demonstrations what those need.
pub fn routes(handle: Handle, settings: &Settings) -> Router {
    let desk = Desk::new(handle.clone(), settings.clone());
    // The task ends when its handle is dropped, so the routes keep it.
    let sweeping = handle.env().spawn("sweep", Box::pin(sweep(desk.clone())));
    let all = api::routes_at(&desk).merge(protocol::routes(desk.clone()));
    all.merge(demonstration::routes(desk)).layer(Extension(Arc::new(sweeping)))
}

/// Somebody is registered.
#[message("identity.person-registered", version = 1, key = person)]
pub struct PersonRegistered {
    pub person: PersonId,
    pub roles: BTreeSet<Role>,
}

/// These are their roles now.
#[message("identity.person-roles-changed", version = 1, key = person)]
pub struct PersonRolesChanged {
    pub person: PersonId,
    pub roles: BTreeSet<Role>,
}

/// Nobody may come in as them.
#[message("identity.person-locked", version = 1, key = person)]
pub struct PersonLocked {
    pub person: PersonId,
}

/// They may come in again.
#[message("identity.person-unlocked", version = 1, key = person)]
pub struct PersonUnlocked {
    pub person: PersonId,
}

/// They are forgotten: who keeps something about them that can be deleted deletes it.
#[message("identity.person-forgotten", version = 1, key = person)]
pub struct PersonForgotten {
    pub person: PersonId,
}

/// Who may come in and as what is told; when somebody logs in is nobody else's business.
pub fn told(person: &str, event: &PersonEvent, _: &PersonState) -> Option<Public> {
    let person = PersonId::from(person);
    match event.clone() {
        PersonEvent::Registered(e) => Some(Public::of(&PersonRegistered { person, roles: e.roles })),
        PersonEvent::RolesChanged(e) => Some(Public::of(&PersonRolesChanged { person, roles: e.roles })),
        PersonEvent::Locked(_) => Some(Public::of(&PersonLocked { person })),
        PersonEvent::Unlocked(_) => Some(Public::of(&PersonUnlocked { person })),
        PersonEvent::Forgotten(_) => Some(Public::of(&PersonForgotten { person })),
        PersonEvent::LoggedIn(_) | PersonEvent::PasswordChanged(_) => None,
    }
}
