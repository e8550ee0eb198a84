//! After failures, attempts come slower: per login, and per place they come from. An attempt counts when it begins, so that a
//! thousand at once are not a thousand guesses.

use bongsu_runtime::CommandError;

use crate::{
    crypto::proof,
    desk::Desk,
    private::tables::{Document as _, Failures},
};

/// So many failures of a login cost nothing: people mistype.
const FREE_OF_A_LOGIN: u32 = 5;
/// So many from one place: several people may share an address.
const FREE_OF_A_PLACE: u32 = 30;
/// Longest delay, milliseconds.
const LONGEST_MS: i64 = 900_000;
/// Failures are forgotten after so long without one, milliseconds.
const FORGOTTEN_MS: i64 = 86_400_000;

/// An attempt that may go on.
pub(crate) struct Attempt {
    counted: Vec<Counted>,
}

/// Whose failures count.
struct Counted {
    id: String,
    free: u32,
    is_a_login: bool,
}

/// It is too early, by so many milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooEarly(pub(crate) i64);

/// Counts an attempt at a login, from a place if that is known, or refuses it.
pub(crate) async fn begin(
    desk: &Desk,
    login: Option<&str>,
    place: Option<&str>,
) -> Result<Result<Attempt, TooEarly>, CommandError> {
    let pepper = desk.private.pepper().await?;
    let login = login.map(|login| Counted { id: failures_of(login), free: FREE_OF_A_LOGIN, is_a_login: true });
    let place = place.map(|place| proof(pepper, &["place", place]));
    let place = place.map(|id| Counted { id, free: FREE_OF_A_PLACE, is_a_login: false });
    let counted: Vec<Counted> = login.into_iter().chain(place).collect();
    let keys: Vec<_> = counted.iter().map(|it| Failures::key(&it.id)).collect();
    let now_ms = desk.now_ms();
    let begun = desk.private.transact(keys, |script| {
        let known: Vec<Failures> = counted.iter().map(|it| Failures::get(script, &it.id).unwrap_or_default()).collect();
        if let Some(next_ms) = known.iter().map(|failures| failures.next_ms).max().filter(|next| *next > now_ms) {
            return Err(TooEarly(next_ms - now_ms));
        }
        for (it, failures) in counted.iter().zip(known) {
            let count = failures.count.saturating_add(1);
            let next_ms = now_ms + delay_ms(count, it.free);
            Failures { count, next_ms, expires_ms: now_ms + FORGOTTEN_MS }.put(script, &it.id);
        }
        Ok(())
    });
    Ok(begun.await?.map(|()| Attempt { counted }))
}

impl Attempt {
    /// It succeeded: the login starts anew, and the place has one failure less.
    pub(crate) async fn succeeded(self, desk: &Desk) -> Result<(), CommandError> {
        let keys: Vec<_> = self.counted.iter().map(|it| Failures::key(&it.id)).collect();
        let done = desk.private.transact(keys, |script| {
            for Counted { id, is_a_login, .. } in &self.counted {
                let Some(failures) = Failures::get(script, id) else { continue };
                if *is_a_login || failures.count <= 1 {
                    script.delete(Failures::TABLE, id);
                } else {
                    Failures { count: failures.count - 1, next_ms: 0, ..failures }.put(script, id);
                }
            }
            Ok::<(), ()>(())
        });
        done.await.map(|_| ())
    }
}

/// Under which id the failures of a login are.
pub(crate) fn failures_of(login: &str) -> String {
    format!("login/{login}")
}

/// Nothing while attempts are free, then a second, doubled each time.
fn delay_ms(count: u32, free: u32) -> i64 {
    let Some(over) = count.checked_sub(free + 1).map(|over| over.min(20)) else { return 0 };
    (1_000_i64 << over).min(LONGEST_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_after_the_free_attempts_and_have_an_end() {
        let delays: Vec<i64> = (1..=9).map(|count| delay_ms(count, 5)).collect();
        assert_eq!(delays, [0, 0, 0, 0, 0, 1_000, 2_000, 4_000, 8_000]);
        assert_eq!(delay_ms(u32::MAX, 5), LONGEST_MS);
    }
}
