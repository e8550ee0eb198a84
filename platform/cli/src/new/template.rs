//! The files of a context: those of `examples/note`, with its words exchanged.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use bongsu_given::digest;

use super::name::{Name, camel};

macro_rules! files {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../../../examples/note/", $path)))),+]
    };
}

/// Path and text.
const FILES: &[(&str, &str)] = files![
    "README.md",
    "Cargo.toml",
    "src/lib.rs",
    "src/main.rs",
    "src/note.rs",
    "src/api.rs",
    "tests/it.rs",
    "contracts/note-written.v1.json",
    "contracts/openapi.json",
    "contracts/samples/note-written.v1/typical.json",
    "golden/note.rejection.v1.json",
    "golden/note.write.v1.json",
    "golden/note.written.v1.json",
];

/// Remembers the samples.
const LOCK: (&str, &str) = ("golden.lock", include_str!("../../../../examples/note/golden.lock"));

/// Writes a context of this name into a folder that is not there.
pub(super) fn write(folder: &Path, name: &Name) -> Result<()> {
    for (path, text) in files(name) {
        let path = folder.join(path);
        let parent = path.parent().context("a file is in a folder")?;
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Lets `rustfmt` break the lines that a long name made long and sort the imports that a late one left late; what it cannot do,
/// or where it is not, stays as it was written.
pub(super) fn format(folder: &Path) {
    // A file is formatted with what it takes by `mod`.
    let files = ["src/lib.rs", "src/main.rs", "tests/it.rs"];
    let _as_it_is = Command::new("rustfmt").args(["--edition", "2024"]).args(files).current_dir(folder).output();
}

/// Every file of a context.
fn files(name: &Name) -> BTreeMap<String, String> {
    let renamed = |path: &str| if path.ends_with(".rs") { spelt(path, name, true) } else { spelt(path, name, false) };
    let text = |path: &str, text: &str| if path.ends_with(".rs") { rust(text, name) } else { spelt(text, name, false) };
    let mut files: BTreeMap<String, String> =
        FILES.iter().map(|(path, body)| (renamed(path), text(path, body))).collect();
    let mut lock: String =
        LOCK.1.lines().take_while(|line| line.starts_with('#')).flat_map(|line| [line, "\n"]).collect();
    let samples =
        files.iter().filter(|(path, _)| path.starts_with("golden/") || path.starts_with("contracts/samples/"));
    for (path, sample) in samples {
        writeln!(lock, "{} {path}", digest::of(sample.as_bytes())).expect("a string takes everything");
    }
    files.insert(LOCK.0.to_owned(), lock);
    files
}

/// Exchanges the words of a text.
fn spelt(text: &str, name: &Name, in_code: bool) -> String {
    let spell = |word: &str| if in_code { word.replace('-', "_") } else { word.to_owned() };
    let many = name.plural();
    let context = spell(name.kebab());
    let words = [("Notes", camel(&many)), ("Note", camel(&name.one())), ("notes", spell(&many)), ("note", context)];
    let first = |text: &str| {
        let found = words.iter().filter_map(|(old, new)| Some((text.find(old)?, old.len(), new)));
        found.min_by_key(|(at, ..)| *at)
    };
    let mut spelt = String::new();
    let mut rest = text;
    // What was exchanged is not looked at again: a name may have the old word in it.
    while let Some((at, length, new)) = first(rest) {
        spelt += &rest[..at];
        spelt += new;
        rest = &rest[at + length..];
    }
    spelt + rest
}

/// Exchanges the words of a program: what is code is spelt as code, what is said as it is.
fn rust(text: &str, name: &Name) -> String {
    let mut written = String::new();
    for line in text.lines() {
        let (code, comment) = line.split_once("//").map_or((line, None), |(code, comment)| (code, Some(comment)));
        for (at, part) in code.split('"').enumerate() {
            let quote = if at == 0 { "" } else { "\"" };
            written += &format!("{quote}{}", spelt(part, name, at.is_multiple_of(2)));
        }
        if let Some(comment) = comment {
            // A link in a comment is code.
            let (said, link) =
                comment.split_once("[`mod@note`]").map_or((comment, None), |(said, rest)| (said, Some(rest)));
            written += &format!("//{}", spelt(said, name, false));
            if let Some(rest) = link {
                written += &format!("[`mod@{}`]{}", name.snake(), spelt(rest, name, false));
            }
        }
        written.push('\n');
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_seven_files_by_hand_and_at_most_300_lines() {
        let files = files(&Name::parse("gift-card").unwrap());
        let by_hand = |path: &&String| !path.ends_with(".json") && !path.ends_with(".lock");
        let by_hand: Vec<&String> = files.keys().filter(by_hand).collect();
        let lines: usize = by_hand.iter().map(|path| files[*path].lines().count()).sum();
        assert_eq!(by_hand.len(), 7, "{by_hand:?}");
        assert!(lines <= 300, "{lines} lines");
    }

    #[test]
    fn the_longest_name_and_one_that_comes_late_leave_no_line_too_long() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".rustfmt.toml"), include_str!("../../../../.rustfmt.toml")).unwrap();
        let name = Name::parse("zoological-garden-visit-vouchers").unwrap();
        let own = folder.path().join(name.kebab());
        write(&own, &name).unwrap();
        format(&own);
        let text = |path: &str| fs::read_to_string(own.join(path)).unwrap();
        let test = text("tests/it.rs");
        let place = |part: &str| test.find(part).unwrap();
        assert!(place("use serde_json") < place("use zoological_garden_visit_voucher"), "{test}");
        for path in files(&name).keys().filter(|path| !path.ends_with(".json")) {
            let long = text(path).lines().find(|line| line.chars().count() > 120).map(str::to_owned);
            assert_eq!(long, None, "{path}");
        }
    }

    #[test]
    fn the_same_name_gives_the_same_files() {
        let files = files(&Name::parse("note").unwrap());
        for (path, text) in FILES.iter().chain([&LOCK]) {
            assert_eq!(files[*path], *text, "{path}");
        }
    }

    #[test]
    fn a_name_with_the_old_one_in_it_is_written_once() {
        let files = files(&Name::parse("footnote").unwrap());
        assert!(
            files["src/api.rs"].contains("crate::{\n    AllFootnotes,") && !files["README.md"].contains("footfoot")
        );
    }

    /// The types that the template takes from elsewhere, by the words of their names.
    fn taken_types() -> Vec<String> {
        let texts = FILES.iter().filter(|(path, _)| path.ends_with(".rs")).map(|(_, text)| *text);
        let uses = texts.flat_map(|text| text.split("use ").skip(1).filter_map(|rest| rest.split_once(';')));
        let words = uses.flat_map(|(what, _)| what.split(|c: char| !c.is_alphanumeric()));
        let foreign = words.filter(|word| word.starts_with(char::is_uppercase) && !word.contains("Note"));
        foreign.map(kebab).collect()
    }

    /// `status-code` of `StatusCode`.
    fn kebab(camel: &str) -> String {
        let mut words = String::new();
        for c in camel.chars() {
            let gap = if c.is_uppercase() && !words.is_empty() { "-" } else { "" };
            words += &format!("{gap}{}", c.to_ascii_lowercase());
        }
        words
    }

    #[test]
    fn no_name_makes_a_type_that_the_template_takes_from_elsewhere() {
        let taken = taken_types();
        assert!(taken.len() > 20 && taken.contains(&"status-code".to_owned()), "{taken:?}");
        for word in &taken {
            for name in [Some(word.as_str()), word.strip_suffix('s')].into_iter().flatten() {
                assert!(Name::parse(name).is_err(), "{name} is not refused");
            }
        }
    }

    #[test]
    fn nothing_of_the_old_name_is_left_and_code_is_spelt_as_code() {
        let files = files(&Name::parse("gift-card").unwrap());
        for (path, text) in &files {
            assert!(!format!("{path} {text}").to_lowercase().contains("note"), "{path}: {text}");
        }
        assert!(
            files["src/lib.rs"].contains("pub mod gift_card;")
                && files["src/lib.rs"].contains("Service::new(\"gift-card\")")
        );
        assert!(
            files["src/api.rs"].contains("path = \"/gift-cards\"")
                && files["tests/it.rs"].contains("standing!(gift_card)")
        );
    }
}
