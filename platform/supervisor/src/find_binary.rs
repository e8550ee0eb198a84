//! Finds a service's program: beside the running `bongsu`, then on the PATH.

use std::env;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The program of that name, or one line that says where it was looked for.
///
/// A command with a slash is a path, relative to `base`; a bare name is looked for beside `own` (the running
/// binary), because a system is built and shipped as one folder, then on the PATH.
///
/// # Errors
/// The line to show when there is none.
pub fn find_binary(command: &str, base: &Path, own: &Path) -> Result<PathBuf, String> {
    if command.contains('/') {
        let path = base.join(command);
        return if is_program(&path) { Ok(path) } else { Err(format!("no program at {}", path.display())) };
    }
    let beside = own.parent().unwrap_or(Path::new("/"));
    let on_path = env::var_os("PATH").unwrap_or_default();
    std::iter::once(beside.to_path_buf())
        .chain(env::split_paths(&on_path))
        .map(|folder| folder.join(command))
        .find(|path| is_program(path))
        .ok_or_else(|| format!("no program '{command}' in {} or on the PATH", beside.display()))
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_beside_the_running_binary_before_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("sh");
        std::fs::write(&program, "").unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        let own = folder.path().join("bongsu");
        assert_eq!(find_binary("sh", Path::new("/"), &own), Ok(program.clone()));
        std::fs::remove_file(&program).unwrap();
        assert!(find_binary("sh", Path::new("/"), &own).is_ok_and(|path| path.ends_with("sh")));
    }

    #[test]
    fn a_missing_program_is_named_in_one_line() {
        let line = find_binary("no-such-program", Path::new("/"), Path::new("/opt/bongsu")).unwrap_err();
        assert_eq!(line, "no program 'no-such-program' in /opt or on the PATH");
    }
}
