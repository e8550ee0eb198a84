//! Somebody is forgotten: everything deletable is deleted, and the store's files are rid of it.

use bongsu_runtime::CommandError;

use super::{delays::failures_of, sessions::delete_all};
use crate::{
    person::{Forget, PersonId, PersonRejection, Persons},
    private::{
        Private,
        tables::{Code, Document as _, Failures, Family, Login, PERSON, Profile, Session, Unscrubbed},
    },
};

/// What there is still of somebody who is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    Nothing,
    /// Something may lie in the store's files; it is noted, and done by whoever sweeps next, or is asked again.
    InFiles,
}

/// Forgets somebody; `actor` is who asked for it. Asked again, it goes on where it was.
pub(crate) async fn forget(
    private: &Private,
    person: &PersonId,
    actor: &str,
) -> Result<Result<Left, PersonRejection>, CommandError> {
    let done = private.command::<Persons, _, _>(
        actor,
        vec![Profile::key(person)],
        |script| {
            if let Some(profile) = Profile::get(script, person) {
                script.delete(Profile::TABLE, person);
                script.delete(Login::TABLE, &profile.login);
                script.delete(Failures::TABLE, &failures_of(&profile.login));
            }
            Unscrubbed {}.put(script, person);
            Ok(Forget { person: person.clone() }.into())
        },
        |rejection| rejection,
    );
    match done.await? {
        Ok(()) => {}
        Err(PersonRejection::Forgotten) if private.get::<Unscrubbed>(person).await?.is_some() => {}
        Err(PersonRejection::Forgotten) => return Ok(Ok(Left::Nothing)),
        Err(why) => return Ok(Err(why)),
    }
    if let Err(why) = clean_up(private, person).await {
        tracing::warn!(reason = %why, "what a forgotten person left is deleted later");
        return Ok(Ok(Left::InFiles));
    }
    Ok(Ok(Left::Nothing))
}

/// Deletes what names a forgotten person, and then what the store's files still hold.
pub(crate) async fn clean_up(private: &Private, person: &str) -> Result<(), CommandError> {
    let prefix = || person.as_bytes().to_vec();
    delete_all::<Session>(private, PERSON, prefix()).await?;
    delete_all::<Code>(private, PERSON, prefix()).await?;
    delete_all::<Family>(private, PERSON, prefix()).await?;
    private.scrub().await?;
    let noted = private.transact(Vec::new(), |script| {
        script.delete(Unscrubbed::TABLE, person);
        Ok::<(), ()>(())
    });
    noted.await.map(drop)
}
