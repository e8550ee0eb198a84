//! What the lock file alone can tell about dependencies: their licences, where they come from, and bans.
//!
//! `cargo deny` checks the same and more; this runs where it is not installed, against the same `deny.toml`.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::stage;

/// How the source of a published crate starts; a Git repository or a folder of somebody's does not.
const REGISTRY: &str = "registry+";

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// A package of the lock file.
#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    /// `None` for crates of this workspace.
    source: Option<String>,
}

#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Banned>,
}

#[derive(Deserialize)]
struct Banned {
    #[serde(rename = "crate")]
    name: String,
    /// Not banned, but wanted once.
    #[serde(rename = "deny-multiple-versions", default)]
    once: bool,
}

/// Checks every package of the lock file.
///
/// # Errors
/// When a package is refused by `deny.toml`, or when there is nothing to check.
pub(crate) fn check(root: &Path) -> Result<()> {
    let deny = std::fs::read_to_string(root.join("deny.toml")).context("cannot read deny.toml")?;
    let deny: Deny = toml::from_str(&deny).context("cannot understand deny.toml")?;
    let packages = packages()?;
    let foreign: Vec<&Package> = packages.iter().filter(|package| package.source.is_some()).collect();
    let refused: Vec<String> = foreign.iter().filter_map(|package| refusal(package, &foreign, &deny)).collect();
    refused.iter().for_each(|line| println!("{line}"));
    println!("dependencies: {} packages, {} refused", foreign.len(), refused.len());
    if foreign.is_empty() || !refused.is_empty() {
        bail!("dependencies are not as deny.toml wants them");
    }
    Ok(())
}

fn packages() -> Result<Vec<Package>> {
    let output = stage::cargo(&["metadata", "--format-version", "1", "--locked", "--all-features"]).output();
    let output = output.context("cannot start cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("cannot understand cargo metadata")?;
    Ok(metadata.packages)
}

fn refusal(package: &Package, all: &[&Package], deny: &Deny) -> Option<String> {
    let Package { name, version, .. } = package;
    let versions = all.iter().filter(|other| other.name == *name).count();
    if let Some(ban) = deny.bans.deny.iter().find(|ban| ban.name == *name).filter(|ban| !ban.once || versions > 1) {
        return Some(format!("{name} {version}: {}", if ban.once { "wanted in one version" } else { "banned" }));
    }
    if !package.source.as_deref().is_some_and(|source| source.starts_with(REGISTRY)) {
        return Some(format!("{name} {version}: comes from {:?}", package.source));
    }
    match &package.license {
        Some(licence) if allowed(licence, &deny.licenses.allow) => None,
        licence => Some(format!("{name} {version}: licence {licence:?} is not allowed")),
    }
}

/// Whether an SPDX expression can be met with these licences. `AND` binds tighter than `OR`; `/` is an old `OR`.
fn allowed(expression: &str, licences: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ").replace(" WITH ", "-WITH-");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let met = any_of(&mut rest, licences);
    met && rest.is_empty()
}

fn any_of(rest: &mut &[&str], licences: &BTreeSet<String>) -> bool {
    let mut met = all_of(rest, licences);
    while let Some(("OR", after)) = split(rest) {
        *rest = after;
        met |= all_of(rest, licences);
    }
    met
}

fn all_of(rest: &mut &[&str], licences: &BTreeSet<String>) -> bool {
    let mut met = one(rest, licences);
    while let Some(("AND", after)) = split(rest) {
        *rest = after;
        met &= one(rest, licences);
    }
    met
}

fn one(rest: &mut &[&str], licences: &BTreeSet<String>) -> bool {
    let Some((word, after)) = split(rest) else { return false };
    *rest = after;
    if word != "(" {
        return licences.contains(&word.replace("-WITH-", " WITH "));
    }
    let met = any_of(rest, licences);
    match split(rest) {
        Some((")", after)) => {
            *rest = after;
            met
        }
        _ => false,
    }
}

fn split<'a, 'w>(words: &&'w [&'a str]) -> Option<(&'a str, &'w [&'a str])> {
    words.split_first().map(|(first, rest)| (*first, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(expression: &str) -> bool {
        allowed(expression, &["MIT", "Apache-2.0", "BSD-3-Clause"].map(String::from).into())
    }

    #[test]
    fn one_allowed_alternative_is_enough() {
        assert!(met("MIT") && met("MIT OR GPL-3.0") && met("GPL-3.0/MIT") && met("(GPL-3.0 OR MIT) AND Apache-2.0"));
        assert!(!met("GPL-3.0") && !met("GPL-3.0 OR LGPL-3.0"));
    }

    #[test]
    fn every_part_of_a_conjunction_is_needed() {
        assert!(met("MIT AND BSD-3-Clause") && !met("MIT AND GPL-3.0") && met("MIT AND GPL-3.0 OR Apache-2.0"));
        assert!(!met("(MIT OR Apache-2.0) AND Unicode-3.0"));
    }

    #[test]
    fn an_exception_is_another_licence() {
        assert!(!met("Apache-2.0 WITH LLVM-exception") && met("Apache-2.0 WITH LLVM-exception OR MIT"));
    }

    #[test]
    fn an_expression_that_does_not_parse_is_not_allowed() {
        assert!(!met("") && !met("(MIT") && !met("MIT MIT") && !met("OR"));
    }

    fn refused(packages: &[(&str, &str)]) -> Vec<String> {
        let deny: Deny = toml::from_str(
            "[licenses]\nallow = ['MIT']\n[bans]\ndeny = [{ crate = 'bad' }, { crate = 'big', deny-multiple-versions = true }]",
        )
        .expect("parses");
        let packages: Vec<Package> = packages
            .iter()
            .map(|(name, version)| Package {
                name: (*name).into(),
                version: (*version).into(),
                license: Some("MIT".into()),
                source: Some(if *name == "fork" { "git+https://example.org/fork" } else { REGISTRY }.into()),
            })
            .collect();
        let all: Vec<&Package> = packages.iter().collect();
        all.iter().filter_map(|package| refusal(package, &all, &deny)).collect()
    }

    #[test]
    fn banned_crates_second_versions_and_other_sources_are_refused() {
        assert_eq!(refused(&[("good", "1"), ("good", "2"), ("big", "1")]), [""; 0]);
        assert_eq!(refused(&[("bad", "1")]), ["bad 1: banned"]);
        assert_eq!(
            refused(&[("big", "1"), ("big", "2")]),
            ["big 1: wanted in one version", "big 2: wanted in one version"]
        );
        assert_eq!(refused(&[("fork", "1")]).len(), 1);
    }

    #[test]
    fn this_workspace_depends_only_on_what_deny_toml_allows() {
        check(stage::root()).expect("dependencies are as deny.toml wants them");
    }
}
