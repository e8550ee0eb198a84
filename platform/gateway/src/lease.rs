//! How long whoever was let in may go on listening: as long as he could ask again. A request is over in a moment; a stream is
//! open for hours, and what counted when it began may count no more.

use std::sync::Arc;
use std::time::Duration;

use bongsu_host::TokioEnv;
use bongsu_keys::Vouched;
use bongsu_runtime::ports::env::Env as _;
use bytes::Bytes;

use crate::sessions::Keeper;

/// What is said when it is over: the name of a stream's last event, and why a WebSocket is closed.
pub(crate) const ENDED: &str = "session-ended";

/// What somebody was let in by.
pub(crate) enum Lease {
    /// A session, by the id it is kept under.
    Session { keeper: Arc<Keeper>, id: String },
    /// A token that counts until then, in seconds since the Unix epoch.
    Token { until_s: u64 },
}

/// Why a stream ends before its service ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// Logged out, locked, or too old.
    Session,
    /// He is something else now.
    Roles,
    /// The token's time is over.
    Token,
}

impl Lease {
    /// Resolves when it is over for whoever was let in as `who`. While nobody can say so, it is not.
    pub(crate) async fn over(self, who: Vouched) -> Over {
        match self {
            Self::Session { keeper, id } => keeper.over(&id, &who).await,
            Self::Token { until_s } => {
                tokio::time::sleep(time_until(until_s)).await;
                Over::Token
            }
        }
    }
}

/// One that is let in within the leeway of clocks has a minute of its own: it would come back at once otherwise, for ever.
fn time_until(until_s: u64) -> Duration {
    const LEEWAY: Duration = Duration::from_secs(60);
    let now_ms = TokioEnv::new(None).expect("no crash point was asked for").wall_ms();
    let left = u64::try_from(now_ms).map_or(0, |now_ms| until_s.saturating_mul(1_000).saturating_sub(now_ms));
    if left == 0 { LEEWAY } else { Duration::from_millis(left) }
}

impl Over {
    /// The last event of a stream, for the page that reads it.
    pub(crate) fn event(self) -> Bytes {
        let reason = match self {
            Self::Session => "session",
            Self::Roles => "roles",
            Self::Token => "token",
        };
        format!("event: {ENDED}\ndata: {{\"reason\":\"{reason}\"}}\n\n").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_token_is_listened_with_until_its_end_and_a_moment_where_clocks_differ() {
        let now_s = TokioEnv::new(None).expect("an environment").wall_ms().unsigned_abs() / 1_000;
        let lasts = async |until_s| {
            let began = tokio::time::Instant::now();
            assert_eq!(Lease::Token { until_s }.over(Vouched::named("usr_ann")).await, Over::Token);
            began.elapsed().as_secs()
        };
        assert!((298..=300).contains(&lasts(now_s + 300).await));
        assert_eq!(lasts(now_s - 10).await, 60);
        assert_eq!(lasts(0).await, 60);
    }
}
