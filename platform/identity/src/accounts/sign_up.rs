//! Somebody signs up: a person is registered, and what they told is kept beside, deletable.

use std::collections::BTreeSet;

use bongsu_runtime::CommandError;

use super::{LONGEST_NAME, is_a_password, login_id, normalised};
use crate::{
    desk::Desk,
    person::{PersonId, Persons, Register, Role},
    private::tables::{Document as _, Login, Profile},
};

/// What somebody tells about themselves.
#[derive(Clone)]
pub(crate) struct Newcomer {
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) password: String,
    /// `ko` or `en`.
    pub(crate) locale: String,
}

/// Why somebody was not signed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotSignedUp {
    Email,
    Name,
    Password,
    /// Somebody has this address.
    Taken,
    /// By the rules.
    Refused,
}

/// Registers somebody in these roles.
pub(crate) async fn sign_up(
    desk: &Desk,
    newcomer: Newcomer,
    roles: BTreeSet<Role>,
) -> Result<Result<PersonId, NotSignedUp>, CommandError> {
    let Some(email) = normalised(&newcomer.email) else { return Ok(Err(NotSignedUp::Email)) };
    let name = newcomer.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Ok(Err(NotSignedUp::Name));
    }
    if !is_a_password(&newcomer.password) || newcomer.password == newcomer.email {
        return Ok(Err(NotSignedUp::Password));
    }
    let login = login_id(desk.private.pepper().await?, &email);
    // Before the work of hashing, and again in the Commit.
    if desk.private.get::<Login>(&login).await?.is_some() {
        return Ok(Err(NotSignedUp::Taken));
    }
    let password = desk.passwords.hash(newcomer.password).await?;
    let person = PersonId::from(desk.id("usr"));
    let profile = Profile {
        person: person.clone(),
        email,
        name,
        locale: newcomer.locale,
        password,
        login: login.clone(),
        changed_ms: desk.now_ms(),
    };
    let done = desk.private.command::<Persons, _, _>(
        &person,
        vec![Login::key(&login), Profile::key(&person)],
        |script| {
            if Login::get(script, &login).is_some() {
                return Err(NotSignedUp::Taken);
            }
            Login { person: person.clone() }.put(script, &login);
            profile.put(script, &person);
            Ok(Register { person: person.clone(), roles: roles.clone() }.into())
        },
        |_| NotSignedUp::Refused,
    );
    Ok(done.await?.map(|()| person.clone()))
}
