//! What the READMEs show is the code that runs.

use std::path::Path;

use crate::shop::ONE_AT_A_TIME;

const SOURCE: &str = include_str!("../../src/main.rs");
const TUTORIAL: &str = include_str!("../../README.md");

/// The part of the source that the READMEs show.
fn shown() -> &'static str {
    let (_, rest) = SOURCE.split_once("// begin: README\n").expect("the source says where it begins");
    rest.split_once("// end: README\n").expect("and where it ends").0
}

#[test]
fn the_first_service_in_both_readmes_is_this_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for name in ["README.md", "README.ko.md"] {
        let readme = std::fs::read_to_string(root.join(name)).unwrap();
        assert!(readme.contains(&format!("```rust\n{}```", shown())), "{name} shows something else:\n{}", shown());
    }
}

#[test]
fn the_tutorial_says_what_these_tests_do() {
    let commands = [
        "cargo run -p coffee-shop".to_owned(),
        ONE_AT_A_TIME.join(" "),
        "--slot barista-2 --broker http://".to_owned(),
        r#"'{"drink": "espresso"}'"#.to_owned(),
        "/topics/coffee/events?partition=$p".to_owned(),
        "/cups/".to_owned(),
    ];
    for command in commands {
        assert!(TUTORIAL.contains(&command), "the tutorial does not say {command:?}");
    }
}
