//! The rules: who is registered, in which roles, and who is locked or forgotten. Pure.
//!
//! [`Persons`] decides over one person, who is an opaque id here: no name, address or password comes near, since what is
//! written in events can never be taken back.

use std::collections::BTreeSet;

use bongsu_core::{Aggregate, Ctx, Decider, Messages, id, message};
use serde::{Deserialize, Serialize};

#[id]
pub struct PersonId(String);

/// What somebody may do, as a name the system gives it.
#[id]
pub struct Role(String);

/// Decides over one person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Persons {
    /// The roles there are.
    pub roles: BTreeSet<Role>,
}

/// What is known of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonState {
    pub standing: Standing,
    pub roles: BTreeSet<Role>,
}

/// Whether somebody may come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Nobody of this id was registered.
    #[default]
    Unknown,
    Active,
    Locked,
    /// Everything deletable about them is deleted.
    Forgotten,
}

/// What may be asked.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum PersonCommand {
    Register(Register),
    ChangeRoles(ChangeRoles),
    Lock(Lock),
    Unlock(Unlock),
    RecordLogin(RecordLogin),
    RecordPasswordChange(RecordPasswordChange),
    Forget(Forget),
}

/// Register somebody.
#[message("identity.register", version = 1, key = person)]
pub struct Register {
    pub person: PersonId,
    pub roles: BTreeSet<Role>,
}

/// Give somebody these roles and no others.
#[message("identity.change-roles", version = 1, key = person)]
pub struct ChangeRoles {
    pub person: PersonId,
    pub roles: BTreeSet<Role>,
}

/// Keep somebody out.
#[message("identity.lock", version = 1, key = person)]
pub struct Lock {
    pub person: PersonId,
}

/// Let somebody in again.
#[message("identity.unlock", version = 1, key = person)]
pub struct Unlock {
    pub person: PersonId,
}

/// Record that somebody logged in.
#[message("identity.record-login", version = 1, key = person)]
pub struct RecordLogin {
    pub person: PersonId,
}

/// Record that somebody has another password.
#[message("identity.record-password-change", version = 1, key = person)]
pub struct RecordPasswordChange {
    pub person: PersonId,
}

/// Forget somebody for good.
#[message("identity.forget", version = 1, key = person)]
pub struct Forget {
    pub person: PersonId,
}

/// Why nothing changed.
#[message("identity.rejection", version = 1)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum PersonRejection {
    AlreadyRegistered,
    NotRegistered,
    /// Nobody may come in as them any more, and nothing about them changes.
    Forgotten,
    Locked,
    NotLocked,
    /// They have these roles.
    SameRoles,
    /// The system has no role of this name.
    UnknownRole {
        role: Role,
    },
}

/// What happens to a person. Private: the map says what others may hear.
#[derive(Clone, Debug, PartialEq, Messages)]
pub enum PersonEvent {
    Registered(Registered),
    RolesChanged(RolesChanged),
    Locked(Locked),
    Unlocked(Unlocked),
    LoggedIn(LoggedIn),
    PasswordChanged(PasswordChanged),
    Forgotten(Forgotten),
}

/// Somebody is registered.
#[message("identity.registered", version = 1, key = person)]
pub struct Registered {
    pub person: PersonId,
    pub roles: BTreeSet<Role>,
}

/// These are their roles now.
#[message("identity.roles-changed", version = 1, key = person)]
pub struct RolesChanged {
    pub person: PersonId,
    pub roles: BTreeSet<Role>,
}

/// They are kept out.
#[message("identity.locked", version = 1, key = person)]
pub struct Locked {
    pub person: PersonId,
}

/// They are let in again.
#[message("identity.unlocked", version = 1, key = person)]
pub struct Unlocked {
    pub person: PersonId,
}

/// They logged in.
#[message("identity.logged-in", version = 1, key = person)]
pub struct LoggedIn {
    pub person: PersonId,
}

/// They have another password.
#[message("identity.password-changed", version = 1, key = person)]
pub struct PasswordChanged {
    pub person: PersonId,
}

/// They are forgotten.
#[message("identity.forgotten", version = 1, key = person)]
pub struct Forgotten {
    pub person: PersonId,
}

impl PersonState {
    /// Whether they may come in.
    pub fn may_come_in(&self) -> bool {
        self.standing == Standing::Active
    }

    fn known(&self) -> Result<(), PersonRejection> {
        match self.standing {
            Standing::Active | Standing::Locked => Ok(()),
            Standing::Unknown => Err(PersonRejection::NotRegistered),
            Standing::Forgotten => Err(PersonRejection::Forgotten),
        }
    }

    fn in_good_standing(&self) -> Result<(), PersonRejection> {
        self.known()?;
        if self.standing == Standing::Locked { Err(PersonRejection::Locked) } else { Ok(()) }
    }
}

impl Aggregate for Persons {
    const NAME: &'static str = "person";
    type Event = PersonEvent;
    type State = PersonState;

    fn evolve(state: &mut PersonState, event: &PersonEvent) {
        match event {
            PersonEvent::Registered(e) => {
                state.standing = Standing::Active;
                state.roles = e.roles.clone();
            }
            PersonEvent::RolesChanged(e) => state.roles = e.roles.clone(),
            PersonEvent::Locked(_) => state.standing = Standing::Locked,
            PersonEvent::Unlocked(_) => state.standing = Standing::Active,
            PersonEvent::LoggedIn(_) | PersonEvent::PasswordChanged(_) => {}
            PersonEvent::Forgotten(_) => {
                state.standing = Standing::Forgotten;
                state.roles.clear();
            }
        }
    }
}

impl Decider for Persons {
    type Command = PersonCommand;
    type Rejection = PersonRejection;

    fn decide(
        &self,
        state: &PersonState,
        command: PersonCommand,
        _: &Ctx,
    ) -> Result<Vec<PersonEvent>, PersonRejection> {
        match command {
            PersonCommand::Register(c) => self.on_register(state, c),
            PersonCommand::ChangeRoles(c) => self.on_change_roles(state, c),
            PersonCommand::Lock(Lock { person }) => {
                state.in_good_standing()?;
                Ok(vec![Locked { person }.into()])
            }
            PersonCommand::Unlock(c) => on_unlock(state, c),
            PersonCommand::RecordLogin(RecordLogin { person }) => {
                state.in_good_standing()?;
                Ok(vec![LoggedIn { person }.into()])
            }
            PersonCommand::RecordPasswordChange(RecordPasswordChange { person }) => {
                state.in_good_standing()?;
                Ok(vec![PasswordChanged { person }.into()])
            }
            PersonCommand::Forget(Forget { person }) => {
                state.known()?;
                Ok(vec![Forgotten { person }.into()])
            }
        }
    }
}

impl Persons {
    fn on_register(&self, state: &PersonState, register: Register) -> Result<Vec<PersonEvent>, PersonRejection> {
        let Register { person, roles } = register;
        match state.standing {
            Standing::Unknown => {}
            Standing::Active | Standing::Locked => return Err(PersonRejection::AlreadyRegistered),
            Standing::Forgotten => return Err(PersonRejection::Forgotten),
        }
        self.are_known(&roles)?;
        Ok(vec![Registered { person, roles }.into()])
    }

    /// Somebody who is locked keeps the roles they are given for the time after.
    fn on_change_roles(&self, state: &PersonState, change: ChangeRoles) -> Result<Vec<PersonEvent>, PersonRejection> {
        let ChangeRoles { person, roles } = change;
        state.known()?;
        self.are_known(&roles)?;
        if state.roles == roles {
            return Err(PersonRejection::SameRoles);
        }
        Ok(vec![RolesChanged { person, roles }.into()])
    }

    fn are_known(&self, roles: &BTreeSet<Role>) -> Result<(), PersonRejection> {
        match roles.iter().find(|role| !self.roles.contains(*role)) {
            Some(role) => Err(PersonRejection::UnknownRole { role: role.clone() }),
            None => Ok(()),
        }
    }
}

fn on_unlock(state: &PersonState, unlock: Unlock) -> Result<Vec<PersonEvent>, PersonRejection> {
    state.known()?;
    if state.standing != Standing::Locked {
        return Err(PersonRejection::NotLocked);
    }
    Ok(vec![Unlocked { person: unlock.person }.into()])
}
