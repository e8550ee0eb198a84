//! Somebody logs in with a password.

use bongsu_runtime::CommandError;

use super::{delays, login_id, normalised};
use crate::{
    crypto::digest,
    desk::Desk,
    passwords::LONGEST,
    person::{PersonRejection, Persons, RecordLogin},
    private::tables::{Document as _, Login, Profile, Session},
};

/// Why somebody was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotLoggedIn {
    /// No such address, or another password: which one is not told.
    Wrong,
    /// The password was right.
    Locked,
    /// After failures; milliseconds.
    TooEarly(i64),
}

/// Opens a session; returns its cookie.
pub(crate) async fn log_in(
    desk: &Desk,
    email: &str,
    password: String,
    place: Option<&str>,
) -> Result<Result<String, NotLoggedIn>, CommandError> {
    // What is no address fails as one that nobody has.
    let email = normalised(email).unwrap_or_default();
    let login = login_id(desk.private.pepper().await?, &email);
    let attempt = match delays::begin(desk, Some(&login), place).await? {
        Ok(attempt) => attempt,
        Err(delays::TooEarly(ms)) => return Ok(Err(NotLoggedIn::TooEarly(ms))),
    };
    let person = desk.private.get::<Login>(&login).await?.map(|login| login.person);
    let profile = match &person {
        Some(person) => desk.private.get::<Profile>(person).await?,
        None => None,
    };
    let is_short_enough = password.len() <= LONGEST;
    let kept = profile.as_ref().map(|profile| profile.password.clone()).filter(|_| is_short_enough);
    let given = if is_short_enough { password } else { String::new() };
    let is_right = desk.passwords.is_right(given, kept).await?;
    let Some(profile) = profile.filter(|_| is_right) else { return Ok(Err(NotLoggedIn::Wrong)) };
    attempt.succeeded(desk).await?;
    open(desk, &profile).await
}

/// The session is opened in the Commit that records it, and only while the password is the one that was compared.
pub(crate) async fn open(desk: &Desk, profile: &Profile) -> Result<Result<String, NotLoggedIn>, CommandError> {
    let cookie = desk.secret();
    let now_ms = desk.now_ms();
    let person = &profile.person;
    let expires_ms = now_ms + desk.settings.session_s * 1_000;
    let session = Session { person: person.clone(), sid: desk.id("ses"), auth_ms: now_ms, expires_ms };
    let opened = desk.private.command::<Persons, _, _>(
        person,
        vec![Profile::key(person)],
        |script| {
            if Profile::get(script, person).as_ref() != Some(profile) {
                return Err(NotLoggedIn::Wrong);
            }
            session.put(script, &digest(&cookie));
            Ok(RecordLogin { person: person.clone() }.into())
        },
        |rejection| match rejection {
            PersonRejection::Locked => NotLoggedIn::Locked,
            _ => NotLoggedIn::Wrong,
        },
    );
    Ok(opened.await?.map(|()| cookie))
}
