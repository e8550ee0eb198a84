//! File < environment < flags, and nothing is ignored.

use std::io::Write as _;

use bongsu_host::config::{Config, ConfigError, Loaded, time_of_day, time_zone, within};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Own {
    greeting: String,
    #[serde(deserialize_with = "within::<_, _, 1, 60_000>")]
    deadline_ms: u64,
    #[serde(deserialize_with = "time_of_day")]
    rests_at: String,
    #[serde(deserialize_with = "time_zone")]
    zone: String,
    bell: Bell,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Bell {
    Loud,
    Soft { after_ms: u64 },
}

impl Default for Own {
    fn default() -> Self {
        let (rests_at, zone) = ("00:00".into(), "Asia/Seoul".into());
        Self { greeting: "hello".into(), deadline_ms: 30_000, rests_at, zone, bell: Bell::Loud }
    }
}

fn load(file: &str, environment: &[(&str, &str)], flags: &[&str]) -> Result<Loaded, ConfigError> {
    let mut named = NamedTempFile::new().unwrap();
    named.write_all(file.as_bytes()).unwrap();
    let path = named.path().display().to_string();
    let args = ["door", "--config", &path].into_iter().chain(flags.iter().copied()).map(String::from);
    let environment = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Loaded::load("door", args.collect::<Vec<_>>(), environment)
}

#[track_caller]
fn refused(file: &str, environment: &[(&str, &str)], flags: &[&str]) -> String {
    let loaded = load(file, environment, flags);
    let outcome = loaded.and_then(|mut loaded| loaded.service::<Own>());
    let text = outcome.expect_err("refused").to_string();
    // The name of the temporary file is different every time.
    let named = text.split_whitespace().find(|word| word.starts_with('/') && word.contains("tmp"));
    named.map_or(text.clone(), |named| text.replace(named.trim_end_matches([':', ';', ',']), "FILE"))
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let file = "slot = \"file\"\ncolour = \"file\"\nlog = \"file\"\n[limits]\nbody_bytes = 1\njson_depth = 2\n";
    let environment =
        [("BONGSU_COLOUR", "environment"), ("BONGSU_LOG", "environment"), ("BONGSU_LIMITS_BODY_BYTES", "3")];
    let config = load(file, &environment, &["--set", "log=flags", "--slot", "door-2"]).unwrap().config;
    assert_eq!((config.slot.as_str(), config.colour.as_str(), config.log.as_str()), ("door-2", "environment", "flags"));
    assert_eq!((config.limits.body_bytes, config.limits.json_depth), (3, 2));
    assert_eq!(config.limits.concurrency, Config::defaults("door").limits.concurrency);
}

#[test]
fn an_unknown_key_is_refused_with_its_path_and_the_nearest_there_is() {
    assert_eq!(
        refused("[limits]\nbody_byte = 1", &[], &[]),
        "unknown key limits.body_byte in FILE; did you mean limits.body_bytes?"
    );
    assert_eq!(refused("colours = 1", &[], &[]), "unknown key colours in FILE; did you mean colour?");
    assert_eq!(refused("nonsense = 1", &[], &[]), "unknown key nonsense in FILE");
    assert_eq!(
        refused("", &[("BONGSU_LISTENS", "x")], &[]),
        "unknown key BONGSU_LISTENS in the environment; did you mean BONGSU_LISTEN?"
    );
    assert_eq!(
        refused("", &[("BONGSU_LIMITS_NONSENSE", "1")], &[]),
        "unknown key BONGSU_LIMITS_NONSENSE in the environment"
    );
    assert_eq!(refused("", &[], &["--set", "brokr=x"]), "unknown key brokr in the flags; did you mean broker?");
    let unread = [("BONGSU_WHATEVER", "1"), ("BONGSU_COLOUR", "red"), ("BONGSU_DATA", "x")];
    assert_eq!(refused("", &unread, &[]), "unknown key BONGSU_WHATEVER, BONGSU_DATA in the environment");
    assert!(load("", &[("LISTENS", "x"), ("BONGSU_BROKER_KEY", "x")], &[]).is_ok(), "not ours, or read by others");
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_its_path_and_origin() {
    assert!(refused("listen = 80", &[], &[]).starts_with("listen in FILE: "));
    assert_eq!(
        refused("", &[("BONGSU_PARTITIONS", "many")], &[]),
        "partitions in the environment (BONGSU_PARTITIONS): must be a whole number from 1 to 1024, not many"
    );
    assert_eq!(
        refused("", &[], &["--set", "limits.concurrency=0"]),
        "limits.concurrency in the flags: must be a whole number from 1 to 1048576, not 0"
    );
    assert_eq!(
        refused("name = \"window\"", &[], &[]),
        "name in FILE: this binary is door, the configuration is for window"
    );
    assert!(refused("limits = 3", &[], &[]).starts_with("limits in FILE: "));
    assert!(refused("a = \n", &[], &[]).starts_with("FILE is not TOML: line 1: "));
    let missing = Loaded::load("door", ["door", "--config", "/nowhere.toml"], []).unwrap_err();
    assert!(matches!(missing, ConfigError::Unreadable { file, .. } if file.as_os_str() == "/nowhere.toml"));
}

#[test]
fn a_service_has_its_own_settings_and_they_are_as_strict() {
    let file = "[service]\ngreeting = \"hi\"";
    let environment = [("BONGSU_SERVICE_DEADLINE_MS", "500")];
    let own: Own = load(file, &environment, &[]).unwrap().service().unwrap();
    assert_eq!(own, Own { greeting: "hi".into(), deadline_ms: 500, ..Own::default() });
    let number_as_text: Own = load("", &[("BONGSU_SERVICE_GREETING", "007")], &[]).unwrap().service().unwrap();
    assert_eq!(number_as_text.greeting, "007");
    assert_eq!(
        refused("[service]\ndeadline_m = 1", &[], &[]),
        "unknown key service.deadline_m in FILE; did you mean service.deadline_ms?"
    );
    assert!(refused("", &[], &["--set", "service.deadline_ms=soon"]).starts_with("service.deadline_ms in the flags: "));
}

#[test]
fn an_own_setting_from_the_environment_that_nobody_reads_is_named_as_its_variable() {
    let why = refused("", &[("BONGSU_SERVICE_HOST", "10.0.0.1")], &[]);
    assert_eq!(why, "unknown key service.host in the environment (BONGSU_SERVICE_HOST)");
    assert!(!refused("[service]\nhost = 1", &[], &[]).contains("BONGSU_"));
}

#[test]
fn a_time_or_place_that_is_none_is_refused_by_its_key_and_where_it_was_set() {
    assert_eq!(
        refused("[service]\nrests_at = \"25:00\"", &[], &[]),
        "service.rests_at in FILE: \"25:00\" is no time of a day, as 00:00"
    );
    assert_eq!(
        refused("[service]\nrests_at = \"25:00\"", &[("BONGSU_SERVICE_RESTS_AT", "7")], &[]),
        "service.rests_at in the environment (BONGSU_SERVICE_RESTS_AT): \"7\" is no time of a day, as 00:00"
    );
    assert_eq!(
        refused("", &[("BONGSU_SERVICE_ZONE", "UTC")], &["--set", "service.zone=Asia/Soul"]),
        "service.zone in the flags: \"Asia/Soul\" is no time zone, as Asia/Seoul"
    );
}

#[test]
fn a_setting_has_one_spelling_a_name_is_no_table_and_a_table_no_list() {
    let own = |file: &str| load(file, &[], &[]).unwrap().service::<Own>().unwrap().bell;
    assert_eq!(own("[service]\nbell = \"loud\""), Bell::Loud);
    assert_eq!(own("[service]\nbell = { soft = { after_ms = 1 } }"), Bell::Soft { after_ms: 1 });
    for table in ["bell = { loud = {} }", "bell.loud = {}", "bell = { loud = 1 }", "bell = { soft = [1] }", "bell = {}"]
    {
        let why = refused(&format!("[service]\n{table}"), &[], &[]);
        assert!(why.starts_with("service.bell") && why.contains(" in FILE: "), "{table}: {why}");
    }
    let why = refused("shutdown = [100, 5000]", &[], &[]);
    assert!(why.starts_with("shutdown in FILE: "), "{why}");
    let mut config = Config::defaults("door");
    config.service.insert("bell".into(), toml::from_str::<toml::Table>("loud = {}").unwrap().into());
    assert!(config.service::<Own>().is_err());
}

#[test]
fn what_kubernetes_sets_for_a_service_of_that_name_is_no_setting() {
    let links = [
        ("BONGSU_SERVICE_HOST", "10.0.0.1"),
        ("BONGSU_SERVICE_PORT", "80"),
        ("BONGSU_SERVICE_PORT_HTTP", "80"),
        ("BONGSU_PORT", "tcp://10.0.0.1:80"),
        ("BONGSU_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("BONGSU_PORT_80_TCP_PROTO", "tcp"),
        ("BONGSU_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("BONGSU_SERVICE_GREETING", "hi"),
    ];
    let own: Own = load("", &links, &[]).unwrap().service().unwrap();
    assert_eq!(own.greeting, "hi");
    // A Service may have any name that begins so.
    for service in ["BONGSU_SERVICE", "BONGSU_LIMITS", "BONGSU_BROKER"] {
        let links = links.map(|(name, value)| (name.replacen("BONGSU", service, 1), value));
        let mut links: Vec<(&str, &str)> = links.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        links.pop();
        assert_eq!(load("", &links, &[]).unwrap().service::<Own>().unwrap(), Own::default(), "{service}");
    }
    assert!(load("", &[("BONGSU_LIMITS_PORT", "80")], &[]).is_err(), "without a Service it is a setting");
}

#[test]
fn what_the_environment_says_of_every_process_is_checked_by_whoever_starts_them() {
    let check = |name: &str, value: &str| Config::check_environment([(name.to_owned(), value.to_owned())]);
    let bad = check("BONGSU_LIMITS_REQUEST_TIMEOUT_MS", "4294967296").unwrap_err().to_string();
    assert!(bad.contains("(BONGSU_LIMITS_REQUEST_TIMEOUT_MS): must be a whole number from 1 to"), "{bad}");
    for (name, value) in [("BONGSU_LIMITS_STREAMS", "9"), ("LIMITS", "x")] {
        assert_eq!(check(name, value).map_err(|error| error.to_string()), Ok(()));
    }
}

#[test]
fn what_only_one_service_can_mean_is_refused_for_a_whole_system_all_of_it_in_one_line() {
    let check = |variables: &[(&str, &str)]| {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::check_environment(variables).map_err(|error| error.to_string())
    };
    // As Kubernetes sets them, but not all of them: nothing says that it did.
    let some = [("BONGSU_SERVICE_PORT", "80"), ("BONGSU_COLOUR", "red"), ("BONGSU_SERVICE_HOST", "10.0.0.1")];
    assert_eq!(
        check(&some),
        Err("BONGSU_SERVICE_HOST, BONGSU_SERVICE_PORT in the environment: what is a service's own is said in its env or \
             config, in bongsu.toml"
            .to_owned())
    );
    let whole = [&some[..], &[("BONGSU_PORT", "tcp://10.0.0.1:80")]].concat();
    assert_eq!(check(&whole), Ok(()));
}

#[test]
fn the_effective_configuration_prints_as_toml_that_loads_to_the_same() {
    let mut loaded = load("", &[("BONGSU_COLOUR", "green")], &["--print-config"]).unwrap();
    assert!(loaded.print);
    let own: Own = loaded.service().unwrap();
    let printed = loaded.config.to_toml();
    let mut again = load(&printed, &[], &[]).unwrap();
    assert_eq!(again.service::<Own>().unwrap(), own);
    assert_eq!(again.config, loaded.config);
}

#[test]
fn a_retention_is_a_number_above_0_or_for_ever() {
    let config = load("retention_ms = 60000", &[("BONGSU_RETENTION_BYTES", "1")], &[]).unwrap().config;
    assert_eq!((config.retention_ms.bound(), config.retention_bytes.bound()), (Some(60_000), Some(1)));
    assert_eq!(load("retention_ms = -1", &[], &[]).unwrap().config.retention_ms.bound(), None);
    for nothing in ["0", "-2", "9223372036854775807"] {
        let why = refused(&format!("retention_bytes = {nothing}"), &[], &[]);
        assert!(
            why.contains("retention_bytes") && why.contains("must be ") && why.contains("9007199254740991"),
            "{why}"
        );
    }
    let garbage = refused("", &[("BONGSU_RETENTION_MS", "a day")], &[]);
    assert!(garbage.contains("retention_ms in the environment") && garbage.contains("whole number"), "{garbage}");
}

#[test]
fn a_number_in_quotes_is_refused_with_the_word_that_it_is_text() {
    for (file, number) in [("retention_ms = \"60000\"", "60000"), ("[service]\ndeadline_ms = \"60\"", "60")] {
        let why = refused(file, &[], &[]);
        assert!(why.contains(&format!("not the text \"{number}\": without quotes it is a number")), "{why}");
    }
    // From the environment all is text; what is said of it is its range.
    let why = refused("", &[("BONGSU_RETENTION_MS", "-2")], &[]);
    assert!(why.contains("not -2") && !why.contains("text"), "{why}");
}

#[test]
fn a_number_with_a_point_or_an_exponent_is_refused_as_what_it_is() {
    for written in ["1e9", "6.5", "5.0"] {
        for file in [format!("partitions = {written}"), format!("[service]\ndeadline_ms = {written}")] {
            let why = refused(&file, &[], &[]);
            assert!(why.contains("must be a whole number from 1 to "), "{why}");
            assert!(why.ends_with(", not one with a point or an exponent"), "{why}");
        }
    }
    let why = refused("", &[("BONGSU_PARTITIONS", "1e2")], &[]);
    assert_eq!(
        why,
        "partitions in the environment (BONGSU_PARTITIONS): must be a whole number from 1 to 1024, not 1e2"
    );
    let why = refused("", &[], &["--set", "service.deadline_ms=1e9"]);
    assert_eq!(why, "service.deadline_ms in the flags: must be a whole number from 1 to 60000, not 1e9");
}

#[test]
fn an_empty_value_is_refused_as_one() {
    for (variable, key, range) in [
        ("BONGSU_PARTITIONS", "partitions", "1 to 1024"),
        ("BONGSU_SERVICE_DEADLINE_MS", "service.deadline_ms", "1 to 60000"),
    ] {
        let why = refused("", &[(variable, "")], &[]);
        let expected = format!("must be a whole number from {range}, not an empty text");
        assert_eq!(why, format!("{key} in the environment ({variable}): {expected}"));
    }
    let why = refused("", &[("BONGSU_LISTEN", "")], &[]);
    let expected = "must be an IP address and a port, as 127.0.0.1:8080, not an empty text";
    assert_eq!(why, format!("listen in the environment (BONGSU_LISTEN): {expected}"));
}

#[test]
fn a_setting_that_was_copied_into_a_file_is_refused_by_where_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("door.toml");
    std::fs::write(&file, "[limits]\nbody_bytes = 0\n").unwrap();
    let text = |text: &str| text.to_owned();
    let variables = [
        (text("BONGSU_CONFIG"), file.display().to_string()),
        (text("BONGSU_CONFIG_FROM"), text("house.toml (config of door)")),
    ];
    let why = Loaded::load("door", ["door"], variables.clone()).unwrap_err();
    assert!(why.to_string().starts_with("limits.body_bytes in house.toml (config of door): must be "), "{why}");
    assert_eq!(why.exit_code(), ConfigError::REFUSED);
    let named = ["door", "--config", file.to_str().unwrap()];
    let why = Loaded::load("door", named, variables.clone()).unwrap_err();
    assert!(why.to_string().starts_with(&format!("limits.body_bytes in {}: ", file.display())), "{why}");
    std::fs::remove_file(&file).unwrap();
    let gone = Loaded::load("door", ["door"], variables).unwrap_err();
    assert_eq!((gone.exit_code(), gone.to_string()), (1, format!("cannot read {}", file.display())));
}

/// Dotted keys of every number under a table.
fn numbers(table: &toml::Table, prefix: &str, found: &mut Vec<String>) {
    for (key, value) in table {
        match value {
            toml::Value::Table(inner) => numbers(inner, &format!("{prefix}{key}."), found),
            toml::Value::Integer(_) => found.push(format!("{prefix}{key}")),
            _ => {}
        }
    }
}

#[test]
fn every_number_has_a_range_and_what_is_outside_is_refused_by_key_and_range() {
    let mut loaded = load("", &[], &[]).unwrap();
    loaded.service::<Own>().unwrap();
    let (mut keys, effective) = (Vec::new(), loaded.config.to_toml());
    numbers(&effective.parse().unwrap(), "", &mut keys);
    assert!(keys.len() >= 15 && keys.contains(&"service.deadline_ms".to_owned()), "{keys:?}");
    let values = ["0", "-1", "-9223372036854775808", "9007199254740992", "9223372036854775807", "18446744073709551615"];
    for (key, value) in keys.iter().flat_map(|key| values.map(|value| (key, value))) {
        let variable = format!("BONGSU_{}", key.replace('.', "_").to_uppercase());
        let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
        let section = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
        let file = format!("{section}{name} = {value}\n");
        let set = format!("{key}={value}");
        let (variable, flags) = ([(&*variable, value)], ["--set", &*set]);
        let ways = [("", &variable[..], &[][..]), ("", &[], &flags), (&*file, &[], &[])];
        for (file, environment, flags) in ways {
            let read = load(file, environment, flags).and_then(|mut loaded| loaded.service::<Own>().map(|_| loaded));
            let why = match read {
                // -1 is for ever, and some things may take no time.
                Ok(_) if matches!(value, "0" | "-1") => continue,
                Ok(_) => panic!("{key} = {value} is taken"),
                Err(why) => why.to_string(),
            };
            let in_toml = why.contains("is not TOML: line ") && why.contains(value);
            let in_range =
                why.starts_with(&format!("{key} in ")) && why.contains("must be ") && why.contains(char::is_numeric);
            assert!(why.contains(name) && (in_range || in_toml), "{key} = {value}: {why}");
        }
    }
}
