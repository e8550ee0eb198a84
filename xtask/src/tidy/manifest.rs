//! Crates as their manifests declare them.

use toml::{Table, Value};

use super::{Report, Tree};

/// One crate of the workspace.
pub(crate) struct Crate {
    /// Folder of its manifest, from the root.
    pub(crate) dir: String,
    /// Path of its manifest.
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) manifest: Table,
}

/// Which of a crate's dependencies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Build,
    Dev,
}

/// Every crate below the root, by folder. A manifest that cannot be read is a finding of the rule that asks.
pub(crate) fn crates(tree: &Tree, report: &mut Report) -> Vec<Crate> {
    let mut found = Vec::new();
    for (path, source) in tree.sources_under("") {
        let Some(dir) = path.strip_suffix("/Cargo.toml") else { continue };
        match source.text.parse::<Table>() {
            Ok(manifest) => {
                let name = manifest.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
                let name = name.unwrap_or_default().to_owned();
                found.push(Crate { dir: dir.into(), path: path.into(), name, manifest });
            }
            Err(error) => report.found(path, 0, format!("cannot be read: {}", error.message())),
        }
    }
    found
}

impl Crate {
    /// Every dependency: its kind, the name of the package behind it, and what the manifest says about it.
    pub(crate) fn dependencies(&self) -> Vec<(Kind, &str, &Value)> {
        let platforms = self.manifest.get("target").and_then(Value::as_table);
        let platforms = platforms.into_iter().flat_map(Table::values).filter_map(Value::as_table);
        let mut found = Vec::new();
        for table in std::iter::once(&self.manifest).chain(platforms) {
            let kinds =
                [("dependencies", Kind::Normal), ("build-dependencies", Kind::Build), ("dev-dependencies", Kind::Dev)];
            for (key, kind) in kinds {
                let listed = table.get(key).and_then(Value::as_table).into_iter().flatten();
                found.extend(listed.map(|(name, value)| (kind, package_of(name, value), value)));
            }
        }
        found
    }
}

fn package_of<'a>(name: &'a str, value: &'a Value) -> &'a str {
    value.get("package").and_then(Value::as_str).unwrap_or(name)
}
