//! What may be set, and what is said of what may not.

use ordering::settings::Settings;

#[test]
fn a_time_of_the_snapshots_that_is_none_is_refused_by_its_key() {
    for (key, bad) in [("snapshot_at", "25:00"), ("time_zone", "Asia/Soul")] {
        let mut config = bongsu_host::config::Config::defaults("ordering");
        config.service.insert(key.into(), bad.into());
        let why = config.service::<Settings>().expect_err(bad).to_string();
        assert!(why.starts_with(&format!("service.{key} in ")) && why.contains(&format!("{bad:?} is no ")), "{why}");
    }
}
