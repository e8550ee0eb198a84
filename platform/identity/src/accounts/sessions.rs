//! Browsers in which somebody is logged in.

use bongsu_runtime::CommandError;

use crate::{
    crypto::digest,
    desk::Desk,
    private::{
        Private,
        tables::{Code, Document, Family, SESSION, Session},
    },
};

/// Read and written at once; a Commit takes a thousand documents.
const BATCH: u32 = 100;

/// A session with who is in it.
#[derive(Clone)]
pub(crate) struct LoggedIn {
    /// Under which id it is kept.
    pub(crate) id: String,
    pub(crate) session: Session,
}

/// The session of a cookie, if it lasts and its person may come in.
pub(crate) async fn of_cookie(desk: &Desk, cookie: Option<&str>) -> Result<Option<LoggedIn>, CommandError> {
    let Some(cookie) = cookie else { return Ok(None) };
    let id = digest(cookie);
    let Some(session) = desk.private.get::<Session>(&id).await? else { return Ok(None) };
    if session.expires_ms <= desk.now_ms() {
        return Ok(None);
    }
    let state = desk.person(&session.person).await?;
    Ok(state.may_come_in().then_some(LoggedIn { id, session }))
}

/// Ends a session: nobody is logged in there, and what clients were given in it is dead.
pub(crate) async fn end(private: &Private, sid: &str) -> Result<(), CommandError> {
    let prefix = || sid.as_bytes().to_vec();
    delete_all::<Session>(private, SESSION, prefix()).await?;
    delete_all::<Code>(private, SESSION, prefix()).await?;
    delete_all::<Family>(private, SESSION, prefix()).await
}

/// Deletes every document whose key in an index begins so.
pub(crate) async fn delete_all<D: Document>(
    private: &Private,
    index: u16,
    prefix: Vec<u8>,
) -> Result<(), CommandError> {
    loop {
        let found = private.by_index::<D>(index, prefix.clone(), BATCH).await?;
        if found.is_empty() {
            return Ok(());
        }
        let deleted = private.transact(Vec::new(), |script| {
            found.iter().for_each(|(id, _)| script.delete(D::TABLE, id));
            Ok::<(), ()>(())
        });
        deleted.await.map(drop)?;
    }
}
