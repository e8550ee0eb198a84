//! Versions, lints and package facts are written once, in the root manifest. A crate that only its neighbours use is
//! depended on where it lies, by its path.

use toml::Value;

use crate::tidy::{
    Report, Tree,
    manifest::{Crate, crates},
};

/// Package keys every crate inherits.
const INHERITED: &[&str] = &["version", "edition", "rust-version", "license", "publish"];

/// A dependency a crate declares itself: where, which, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[(
    "framework/bongsu-runtime/Cargo.toml",
    "tokio",
    "channels and locks only: an inherited dependency cannot drop features, and the runtime must not see tokio's clock",
)];

pub(crate) fn check(tree: &Tree, report: &mut Report) {
    for found in crates(tree, report) {
        report.saw_one();
        check_package(&found, report);
        for (_, name, value) in found.dependencies() {
            let excepted = EXCEPTIONS.iter().any(|(path, dependency, _)| *path == found.path && *dependency == name);
            if !inherits(Some(value)) && !is_a_path(value) && !excepted {
                report.found(
                    &found.path,
                    0,
                    format!("`{name}` is not inherited: versions stand in the root manifest only"),
                );
            }
        }
    }
}

fn check_package(found: &Crate, report: &mut Report) {
    let package = found.manifest.get("package");
    for key in INHERITED.iter().filter(|key| !inherits(package.and_then(|package| package.get(**key)))) {
        report.found(&found.path, 0, format!("`{key}` is not inherited from the workspace"));
    }
    if !inherits(found.manifest.get("lints")) {
        report.found(&found.path, 0, "does not inherit the workspace's lints");
    }
}

/// `{ path = "…" }`, and no version.
fn is_a_path(value: &Value) -> bool {
    value.get("path").is_some() && value.get("version").is_none()
}

fn inherits(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true)
}
