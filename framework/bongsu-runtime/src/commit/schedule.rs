//! When a clock fires: the moments of a schedule, by the wall clock of a place.

use std::time::Duration;

use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};

/// Moments at which something is done again and again: made by [`daily`] or [`every`]. One that is wrong keeps its service
/// from starting.
#[derive(Clone, Debug)]
pub struct Schedule(pub(crate) Result<Moments, WrongSchedule>);

/// Why a schedule has no moments.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongSchedule {
    /// No time of a day.
    #[error("{0:?} is no time of a day, as 00:00")]
    Time(String),
    /// No name of the IANA time zone database.
    #[error("{0:?} is no time zone, as Asia/Seoul")]
    Zone(String),
    /// Too short or too long a pause.
    #[error("{0:?} is not 1 s to 1 day")]
    Pause(Duration),
}

/// What becomes of a firing that nobody was there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// It is made up for, once, however many were missed: as the last of them.
    MadeUp,
    /// It is left out. Who is at most a minute late was there.
    Skipped,
}

/// One firing of a clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    /// The moment it is for, milliseconds since the Unix epoch: that of the schedule, however late it is.
    pub at_ms: i64,
    /// The day it is for where the clock is, `2026-01-31`; UTC's where the schedule names no place.
    pub date: String,
}

/// The moments of a schedule that is right.
#[derive(Clone, Debug)]
pub(crate) enum Moments {
    Daily { time: Time, zone: TimeZone },
    Every { ms: i64 },
}

/// Every day at a time (`HH:MM` or `HH:MM:SS`) of a place (`Asia/Seoul`, a name of the IANA time zone database, whose
/// rules are compiled in). On a day that has no such time, because clocks go forward over it, it is as much later; on a
/// day that has it twice it is the first.
pub fn daily(time: &str, zone: &str) -> Schedule {
    let read = || {
        let time = time.parse::<Time>().map_err(|_| WrongSchedule::Time(time.to_owned()))?;
        let zone = TimeZone::get(zone).map_err(|_| WrongSchedule::Zone(zone.to_owned()))?;
        Ok(Moments::Daily { time, zone })
    };
    Schedule(read())
}

/// The bounds of a pause: what is more often is no clock's, and what is less often than daily has a date.
const SECOND_MS: u128 = 1_000;
const DAY_MS: u128 = 24 * 60 * 60 * SECOND_MS;

/// Again and again after so long, at multiples of it since the Unix epoch: at least a second, at most a day.
pub fn every(pause: Duration) -> Schedule {
    let ms = pause.as_millis();
    let fits = (SECOND_MS..=DAY_MS).contains(&ms);
    Schedule(if fits { Ok(Moments::Every { ms: ms as i64 }) } else { Err(WrongSchedule::Pause(pause)) })
}

impl Schedule {
    /// Whether there are such moments: asked before a service is made of it, so that a setting is refused by its name.
    ///
    /// # Errors
    /// [`WrongSchedule`], one line.
    pub fn check(&self) -> Result<(), &WrongSchedule> {
        self.0.as_ref().map(drop)
    }
}

impl Moments {
    /// The first moment after another.
    pub(crate) fn after(&self, ms: i64) -> i64 {
        match self {
            Self::Every { ms: pause } => clamped(ms).div_euclid(*pause).saturating_add(1) * pause,
            Self::Daily { time, zone } => {
                let mut date = date_of(ms, zone).yesterday().unwrap_or(Date::MIN);
                loop {
                    let at = moment(date, *time, zone);
                    match date.tomorrow() {
                        Ok(next) if at <= ms => date = next,
                        _ => break at,
                    }
                }
            }
        }
    }

    /// The last moment that is not after another.
    pub(crate) fn last(&self, ms: i64) -> i64 {
        match self {
            Self::Every { ms: pause } => clamped(ms).div_euclid(*pause) * pause,
            Self::Daily { time, zone } => {
                let mut date = date_of(ms, zone).tomorrow().unwrap_or(Date::MAX);
                loop {
                    let at = moment(date, *time, zone);
                    match date.yesterday() {
                        Ok(before) if at > ms => date = before,
                        _ => break at,
                    }
                }
            }
        }
    }

    /// The firing for one of its moments.
    pub(crate) fn firing(&self, at_ms: i64) -> Firing {
        let date = match self {
            Self::Daily { zone, .. } => date_of(at_ms, zone),
            Self::Every { .. } => date_of(at_ms, &TimeZone::UTC),
        };
        Firing { at_ms, date: date.to_string() }
    }
}

/// A wall clock can say anything; the calendar ends after the year 9999.
fn clamped(ms: i64) -> i64 {
    ms.clamp(Timestamp::MIN.as_millisecond(), Timestamp::MAX.as_millisecond())
}

fn date_of(ms: i64, zone: &TimeZone) -> Date {
    let at = Timestamp::from_millisecond(clamped(ms)).unwrap_or(Timestamp::UNIX_EPOCH);
    zone.to_datetime(at).date()
}

fn moment(date: Date, time: Time, zone: &TimeZone) -> i64 {
    let at = zone.to_timestamp(date.to_datetime(time));
    at.map_or(i64::MAX, |at| at.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().expect("a date").as_millisecond()
    }

    fn moments(schedule: Schedule) -> Moments {
        schedule.0.expect("a schedule")
    }

    #[test]
    fn midnight_in_seoul_is_at_three_in_the_afternoon_utc() {
        let midnight = moments(daily("00:00", "Asia/Seoul"));
        let seoul = |now_ms| midnight.after(now_ms);
        assert_eq!(seoul(0), 15 * HOUR_MS);
        assert_eq!(seoul(15 * HOUR_MS - 1), 15 * HOUR_MS);
        assert_eq!(seoul(15 * HOUR_MS), 39 * HOUR_MS, "the next one, at midnight itself");
        assert_eq!(seoul(-1), 15 * HOUR_MS);
        assert_eq!(midnight.last(15 * HOUR_MS), 15 * HOUR_MS);
        assert_eq!(midnight.last(15 * HOUR_MS - 1), -9 * HOUR_MS);
        assert_eq!(midnight.firing(15 * HOUR_MS).date, "1970-01-02");
    }

    #[test]
    fn a_time_that_a_day_has_not_is_later_and_one_that_it_has_twice_is_the_first() {
        let early = moments(daily("02:30", "America/New_York"));
        let after = |text: &str| early.after(ms(text));
        // On 2026-03-08 clocks go from 02:00 to 03:00: 02:30 would be 03:30 there, 07:30 UTC.
        assert_eq!(after("2026-03-08T00:00:00Z"), ms("2026-03-08T07:30:00Z"));
        assert_eq!(after("2026-03-08T07:30:00Z"), ms("2026-03-09T06:30:00Z"));
        let twice = moments(daily("01:30", "America/New_York"));
        // On 2026-11-01 clocks go from 02:00 back to 01:00.
        assert_eq!(twice.after(ms("2026-11-01T00:00:00Z")), ms("2026-11-01T05:30:00Z"));
        assert_eq!(twice.after(ms("2026-11-01T05:30:00Z")), ms("2026-11-02T06:30:00Z"), "not an hour later again");
        assert_eq!(twice.last(ms("2026-11-01T06:45:00Z")), ms("2026-11-01T05:30:00Z"));
    }

    #[test]
    fn whatever_a_clock_says_there_is_a_next_moment() {
        for schedule in [daily("00:00", "Asia/Seoul"), daily("23:59:59", "UTC"), every(Duration::from_secs(60))] {
            let schedule = moments(schedule);
            for now_ms in [i64::MIN, -1, 0, 253_402_300_799_999, i64::MAX] {
                schedule.after(now_ms);
                schedule.last(now_ms);
            }
            for now_ms in (0..400_i64).map(|day| ms("2026-01-01T00:00:00Z") + day * 23 * HOUR_MS) {
                let (last, next) = (schedule.last(now_ms), schedule.after(now_ms));
                assert!(last <= now_ms && now_ms < next);
                assert_eq!(schedule.after(last), next, "none in between");
            }
        }
    }

    #[test]
    fn what_is_no_schedule_says_what_is_wrong() {
        for (schedule, why) in [
            (daily("24:30", "Asia/Seoul"), "\"24:30\" is no time of a day, as 00:00"),
            (daily("00:00", "Asia/Soul"), "\"Asia/Soul\" is no time zone, as Asia/Seoul"),
            (every(Duration::from_millis(5)), "5ms is not 1 s to 1 day"),
        ] {
            assert_eq!(schedule.0.unwrap_err().to_string(), why);
        }
    }
}
