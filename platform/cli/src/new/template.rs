//! The files of a context: those of `examples/note`, with its words exchanged.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

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

/// Every file of a context.
fn files(name: &Name) -> BTreeMap<String, String> {
    let renamed = |path: &str| if path.ends_with(".rs") { spelt(path, name, true) } else { spelt(path, name, false) };
    let text = |path: &str, text: &str| if path.ends_with(".rs") { rust(text, name) } else { spelt(text, name, false) };
    let mut files: BTreeMap<String, String> =
        FILES.iter().map(|(path, body)| (renamed(path), text(path, body))).collect();
    let mut lock: String = LOCK.1.lines().filter(|line| line.starts_with('#')).flat_map(|line| [line, "\n"]).collect();
    let samples =
        files.iter().filter(|(path, _)| path.starts_with("golden/") || path.starts_with("contracts/samples/"));
    for (path, sample) in samples {
        writeln!(lock, "{} {path}", digest(sample.as_bytes())).expect("a string takes everything");
    }
    files.insert(LOCK.0.to_owned(), lock);
    files
}

/// Exchanges the words of a text.
fn spelt(text: &str, name: &Name, in_code: bool) -> String {
    let (one, many) = (name.kebab().to_owned(), name.plural());
    let spell = |word: &str| if in_code { word.replace('-', "_") } else { word.to_owned() };
    text.replace("Notes", &camel(&many))
        .replace("Note", &camel(&one))
        .replace("notes", &spell(&many))
        .replace("note", &spell(&one))
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
                comment.split_once("[`note`](mod@note)").map_or((comment, None), |(said, rest)| (said, Some(rest)));
            written += &format!("//{}", spelt(said, name, false));
            if let Some(rest) = link {
                written += &format!("[`{0}`](mod@{0}){1}", name.snake(), spelt(rest, name, false));
            }
        }
        written.push('\n');
    }
    written
}

/// FNV-1a of 64 bits, as the standing tests write it.
fn digest(bytes: &[u8]) -> String {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
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
    fn the_same_name_gives_the_same_files() {
        let files = files(&Name::parse("note").unwrap());
        for (path, text) in FILES.iter().chain([&LOCK]) {
            assert_eq!(files[*path], *text, "{path}");
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
