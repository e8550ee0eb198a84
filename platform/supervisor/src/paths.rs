//! Paths and foreign texts as they are said to people.

use std::path::Path;

/// A path in a line for people: as it is, and where it is no text, quoted with its bytes (`"caf\xE9"`), so that nothing of it
/// is lost.
pub fn shown(path: &Path) -> String {
    path.to_str().map_or_else(|| format!("{path:?}"), str::to_owned)
}

/// A text of somebody else in a line of ours: what a terminal obeys is escaped, control characters and those that turn the
/// direction of writing (UAX #9).
pub fn plain(text: &str) -> String {
    let obeyed = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().flat_map(|c| if obeyed(c) { c.escape_default().collect() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

    use super::*;

    #[test]
    fn a_path_that_is_no_text_loses_nothing() {
        assert_eq!(plain("a \u{1b}[31mred\n문"), "a \\u{1b}[31mred\\n문");
        assert_eq!(shown(Path::new("/tmp/문")), "/tmp/문");
        assert_eq!(shown(Path::new(OsStr::from_bytes(b"/tmp/caf\xe9"))), r#""/tmp/caf\xE9""#);
    }
}
