//! Planted violations of the purity of rules: in domains, and in the modules of a small context that decide.

use super::*;

/// What no rule may say.
const IMPURE: &[&str] = &[
    "use std::collections::HashMap;",
    "fn f() -> std::collections::HashSet<u8> {}",
    "fn f() { println!() }",
    "fn f() { eprintln!() }",
    "fn f() { dbg!(1); }",
    "static SEEN: Mutex<u8> = Mutex::new(0);",
    "static SEEN: AtomicU64 = AtomicU64::new(0);",
    "static mut SEEN: u8 = 0;",
    "static SEEN: std::sync::OnceLock<u8> = std::sync::OnceLock::new();",
    "thread_local! {}",
    "struct Seen(std::cell::RefCell<u8>);",
    "const BUILT: Option<&str> = option_env!();",
    "const BUILT: &str = env!();",
    "const BUILT: bool = cfg!(debug_assertions);",
    "include!(\"../api.rs\");",
    "const TEXT: &str = include_str!(\"text\");",
    "const BYTES: &[u8] = include_bytes!(\"bytes\");",
    "use std::sync::mpsc;",
    "use std::sync::{Arc, Condvar};",
    "fn f() { std::sync::Barrier::new(2).wait(); }",
    "static ONCE: std::sync::Once = std::sync::Once::new();",
    "use std::sync;",
    "use std::thread::sleep;",
    "use core::time::Duration;",
    "use std as s;",
    "use std::collections::*;",
    "fn f() { ::std::io::stdin(); }",
    "fn f() -> ::std::path::PathBuf { panic!() }",
    "fn f() { <std::fs::File>::open(); }",
    "use std::{hash::RandomState, panic, any, backtrace, ptr, os, ffi};",
];

/// What they may.
const PURE: &[&str] = &[
    "const NAMES: &[&str] = &[];",
    "static NAMES: &[&str] = &[];",
    "fn f(name: &'static str) {}",
    "fn f() { write!() }",
    "use std::{fmt::{self, Display as Shown}, sync::Arc, collections::{BTreeMap, btree_map::Entry}};",
    "fn f() -> core::ops::Range<u8> { std::mem::take(&mut std::u8::MAX); <Vec<u8> as Default>::default() }",
    "fn f() { x.parse::<u8>(); y.collect::<Vec<_>>() }",
];

#[test]
fn a_domain_that_depends_on_more_than_the_kernel_is_caught() {
    let manifest = "mall/product/domain/Cargo.toml";
    assert_eq!(broken_by_line(manifest, "[dependencies]", "tokio.workspace = true"), ["pure-domains"]);
    assert_eq!(broken_by_line(manifest, "[dev-dependencies]", "tokio.workspace = true"), [""; 0]);
}

#[test]
fn rules_of_a_small_context_that_name_more_than_the_kernel_are_caught() {
    let path = "mall/payment/src/planted.rs";
    let rule = "impl Aggregate for Planted {}";
    let planted = |code: &str| broken_by_file(path, &rust(&format!("{code}\n{rule}")));
    for code in [
        "use bongsu_runtime::ports::env::HttpClient;",
        "use crate::api;",
        "use crate::{api::routes, payment::Payments};",
        "use bongsu_core::*;",
        "use bongsu_core::{Ctx, Wire as _, *};",
        "use super::provider::Provider;",
        "use axum;",
        "fn f() { serde_json::to_vec(&1); }",
        "fn f() { crate::provider::ask(); }",
        "async fn f() {}",
        "use std::{\n    fmt,\n    fs,\n    time::Duration,\n};",
        "fn f() -> ::reqwest::Client { panic!() }",
        "fn f() { ::reqwest::get(url) }",
        "use ::reqwest::get;",
        "use serde::de;\nfn f() { ::de::f() }",
        "pub(super) use reqwest as serde;",
        "fn f() { use std::fs as fmt; }",
        "extern crate reqwest as serde;",
        "#[path = \"../api.rs\"]\nmod other;",
    ] {
        assert!(planted(code).contains(&"pure-domains"), "{code}");
    }
    for code in [
        "use std::fmt;\nuse bongsu_core::{Ctx, Effect as E, message};\nuse money::Money;",
        "use crate::payment::{self, Payments};\nfn f() { payment::f(); Self::g(); Payments::h() }",
        "fn f() { std::mem::take(&mut 1); crate::payment::f(); }",
    ] {
        assert_eq!(planted(code), [""; 0], "{code}");
    }
    assert_eq!(broken_by_file(path, &rust("use crate::provider::Provider;")), [""; 0], "it decides nothing");
}

#[test]
fn a_module_decides_however_its_trait_is_called() {
    let path = "mall/payment/src/planted.rs";
    for rule in [
        "use bongsu_core::Decider as D;\nimpl D for Planted {}",
        "use bongsu_core::{self, Ctx, Process as Runs};\nimpl<T> Runs for Planted<T> {}",
        "use crate::rules::Passed;\npub use bongsu_core::Decision as Passed;\nimpl Passed for Planted {}",
        "impl Decider<Vec<u8>> for Planted {}",
        "impl<T> Aggregate for Planted<T> {}",
        "impl<T: Into<u8>> bongsu_core::Decider for Planted<T> {}",
        "impl<T>\n    Process\n    for Planted<T>\nwhere\n    T: Copy,\n{\n}",
    ] {
        let planted = broken_by_file(path, &rust(&format!("use crate::provider::Provider;\n{rule}")));
        assert!(planted.contains(&"pure-domains"), "{rule}");
    }
    let renamed_elsewhere = broken_by(|tree| {
        tree.put("mall/payment/src/names.rs", rust("pub use bongsu_core::Decider as D;").into());
        tree.put(path, rust("use crate::provider::Provider;\nimpl D for Planted {}").into());
    });
    assert!(renamed_elsewhere.contains(&"pure-domains"), "{renamed_elsewhere:?}");
}

#[test]
fn what_stands_below_a_module_that_decides_is_as_pure() {
    let path = "mall/payment/src/planted.rs";
    let rule = "impl Aggregate for Planted {}";
    let below = |code: &str| {
        broken_by(|tree| {
            tree.put(path, rust(&format!("mod below;\nuse self::below::f;\n{rule}")).into());
            tree.put("mall/payment/src/planted/below.rs", rust(code).into());
        })
    };
    assert!(below("use crate::api;").contains(&"pure-domains"));
    assert_eq!(below("use std::fmt;"), [""; 0]);
}

#[test]
fn rules_that_name_more_than_the_kernel_are_caught_wherever_a_context_is() {
    let rule = |what: &str| rust(&format!("use crate::{what};\nimpl Aggregate for Planted {{}}"));
    for context in ["examples/note", "platform/identity"] {
        let path = format!("{context}/src/planted.rs");
        assert!(broken_by_file(&path, &rule("api")).contains(&"pure-domains"), "{context}");
    }
    assert!(!broken_by_file("examples/note/src/planted.rs", &rule("note::Notes")).contains(&"pure-domains"));
    // A program of one file has no module of rules until it has another one.
    let beside = broken_by_file("examples/coffee-shop/src/planted.rs", &rust("fn f() {}"));
    assert!(beside.contains(&"pure-domains"), "{beside:?}");
}

#[test]
fn a_domain_that_reads_a_clock_a_file_or_chance_is_caught() {
    for code in ["async fn f() {}", "use std::time::Duration;", "use std::fs;", "fn f() { rand::random() }"] {
        assert_eq!(broken_by_file("mall/product/domain/src/planted.rs", &rust(code)), ["pure-domains"], "{code}");
    }
    assert_eq!(broken_by_file("mall/product/domain/src/planted.rs", &rust("// async, rand")), [""; 0]);
    let test = "#[cfg(test)]\nmod tests {\n    use std::fs;\n}";
    assert_eq!(broken_by_file("mall/product/domain/src/planted.rs", &rust(test)), [""; 0]);
}

#[test]
fn rules_that_print_keep_state_or_have_no_order_are_caught() {
    // One look at the tree for all of them: a file each, of a rich context and of one crate.
    for folder in ["mall/product/domain/src", "mall/payment/src"] {
        let path = |kind: &str, at: usize| format!("{folder}/{kind}{at}.rs");
        let found = found_by(|tree| {
            for (kind, codes) in [("impure", IMPURE), ("pure", PURE)] {
                for (at, code) in codes.iter().enumerate() {
                    tree.put(&path(kind, at), rust(&format!("{code}\nimpl Aggregate for Planted {{}}")).into());
                }
            }
        });
        let is_found = |path: String| found.iter().any(|it| it.rule == "pure-domains" && it.path == path);
        for (at, code) in IMPURE.iter().enumerate() {
            assert!(is_found(path("impure", at)), "{folder}: {code}");
        }
        for (at, code) in PURE.iter().enumerate() {
            assert!(!is_found(path("pure", at)), "{folder}: {code}");
        }
    }
}
