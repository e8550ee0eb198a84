//! The table of settings in the README says what the code does.

use bongsu_host::config::{Config, Loaded};
use toml::{Table, Value};

const README: &str = include_str!("../../../README.md");

/// Dotted keys and defaults of every number under a table.
fn numbers(table: &Table, prefix: &str, found: &mut Vec<(String, i64)>) {
    for (key, value) in table {
        match value {
            Value::Table(inner) => numbers(inner, &format!("{prefix}{key}."), found),
            Value::Integer(number) => found.push((format!("{prefix}{key}"), *number)),
            _ => {}
        }
    }
}

/// The range that a number outside of every one is refused with.
fn range(key: &str) -> String {
    let set = format!("{key}=-9223372036854775808");
    let read = Loaded::load("gateway", ["gateway", "--set", &set], []);
    let read = read.and_then(|mut loaded| loaded.service::<gateway::Settings>().map(drop));
    let why = read.unwrap_err().to_string();
    let (_, range) = why.split_once("a whole number from ").unwrap_or_else(|| panic!("{why}"));
    range.split_once(',').unwrap().0.to_owned()
}

#[test]
fn every_number_that_can_be_set_stands_in_the_readme_with_its_default_and_range() {
    let of = |text: String| text.parse::<Table>().unwrap();
    let mut all = Vec::new();
    numbers(&of(Config::defaults("gateway").to_toml()), "", &mut all);
    numbers(&Table::try_from(gateway::Settings::default()).unwrap(), "service.", &mut all);
    assert!(all.len() >= 14, "{all:?}");
    let rows: Vec<Vec<&str>> = README.lines().map(|line| line.split('|').map(str::trim).collect()).collect();
    for (key, default) in &all {
        let row = rows.iter().find(|row| row.get(1) == Some(&&*format!("`{key}`")));
        let Some([_, _, unit, said, range_said, ..]) = row.map(Vec::as_slice) else { panic!("{key} is not there") };
        let unit_of_name = [("_ms", "ms"), ("_bytes", "bytes")].into_iter().find(|(end, _)| key.ends_with(end));
        assert!(unit_of_name.is_none_or(|(_, wanted)| *unit == wanted), "{key}: {unit}");
        assert_eq!((*said, *range_said), (&*default.to_string(), &*range(key)), "{key}");
    }
    let said = rows.iter().filter(|row| row.len() == 7 && row[4].contains(" to ")).count();
    assert_eq!(said, all.len(), "a row for what is no setting");
}
