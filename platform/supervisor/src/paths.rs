//! Paths as they are said to people.

use std::path::Path;

/// A path in a line for people: as it is, and where it is no text, quoted with its bytes (`"caf\xE9"`), so that nothing of it
/// is lost.
pub fn shown(path: &Path) -> String {
    path.to_str().map_or_else(|| format!("{path:?}"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

    use super::*;

    #[test]
    fn a_path_that_is_no_text_loses_nothing() {
        assert_eq!(shown(Path::new("/tmp/문")), "/tmp/문");
        assert_eq!(shown(Path::new(OsStr::from_bytes(b"/tmp/caf\xe9"))), r#""/tmp/caf\xE9""#);
    }
}
