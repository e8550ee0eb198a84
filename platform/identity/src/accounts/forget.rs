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

/// Forgets somebody; `actor` is who asked for it.
pub(crate) async fn forget(
    private: &Private,
    person: &PersonId,
    actor: &str,
) -> Result<Result<(), PersonRejection>, CommandError> {
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
    if let Err(why) = done.await? {
        return Ok(Err(why));
    }
    if let Err(why) = clean_up(private, person).await {
        // It is noted, and done by whoever sweeps next.
        tracing::warn!(reason = %why, "what a forgotten person left is deleted later");
    }
    Ok(Ok(()))
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
