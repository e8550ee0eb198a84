//! Somebody chooses another password: every other session of theirs ends, and what clients were given in it.

use bongsu_runtime::CommandError;

use super::{
    delays, is_a_password,
    sessions::{self, LoggedIn},
};
use crate::{
    desk::Desk,
    passwords::LONGEST,
    person::{Persons, RecordPasswordChange},
    private::tables::{Document as _, Profile, Session},
};

/// Why the password stayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotChanged {
    /// The present one was another.
    Wrong,
    /// The next one cannot be taken.
    Unfit,
    /// After failures; milliseconds.
    TooEarly(i64),
}

/// Changes the password of who is logged in.
pub(crate) async fn change_password(
    desk: &Desk,
    here: &LoggedIn,
    present: String,
    next: String,
    place: Option<&str>,
) -> Result<Result<(), NotChanged>, CommandError> {
    let person = &here.session.person;
    let Some(profile) = desk.private.get::<Profile>(person).await? else { return Ok(Err(NotChanged::Wrong)) };
    if !is_a_password(&next) || next == profile.email || present.len() > LONGEST {
        return Ok(Err(NotChanged::Unfit));
    }
    let attempt = match delays::begin(desk, Some(&profile.login), place).await? {
        Ok(attempt) => attempt,
        Err(delays::TooEarly(ms)) => return Ok(Err(NotChanged::TooEarly(ms))),
    };
    if !desk.passwords.is_right(present, Some(profile.password.clone())).await? {
        return Ok(Err(NotChanged::Wrong));
    }
    attempt.succeeded(desk).await?;
    let changed = Profile { password: desk.passwords.hash(next).await?, changed_ms: desk.now_ms(), ..profile.clone() };
    let done = desk.private.command::<Persons, _, _>(
        person,
        vec![Profile::key(person)],
        |script| {
            if Profile::get(script, person).as_ref() != Some(&profile) {
                return Err(NotChanged::Wrong);
            }
            changed.put(script, person);
            Ok(RecordPasswordChange { person: person.clone() }.into())
        },
        |_| NotChanged::Wrong,
    );
    if let Err(why) = done.await? {
        return Ok(Err(why));
    }
    for (id, session) in desk.private.of_person::<Session>(person).await? {
        if id != here.id {
            sessions::end(&desk.private, &session.sid).await?;
        }
    }
    Ok(Ok(()))
}
