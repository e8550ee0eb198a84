//! Planted violations of what only the runtime, the framework or the mall is held to.

use super::*;

const RUNTIME: &str = "framework/bongsu-runtime/src/ports";

/// Numbers without a reason.
const BARE: &[&str] = &[
    "const MOST: u32 = 7;",
    "/// Most.\nconst MOST: u32 = 7;",
    "/// A pause between two attempts.\npub(crate) const PAUSE: Duration = Duration::from_millis(1);",
    "/// What is said here is about the first two of them, and why.\nconst A: u8 = 1;\nconst B: u8 = 1;\nconst C: u8 = 1;",
    "/// What is said here is not about the constant, which is apart.\n\nconst A: u8 = 1;",
    "const A: u8 = 1; // What is said here is about this one, and no other.\nconst B: u8 = 1;",
    "pub const PAUSES: &[(&str, Duration)] = &[(\n    \"a\",\n    Duration::from_millis(30),\n)];",
    "static LIMITS: [usize; 2] = [3, 4];",
    "fn f() { sleep(Duration::from_secs(5)) }",
    "fn f() -> bool { x > 1_000 }",
    "fn f() -> u32 { x << 3 }",
    "fn f() -> bool { matches!(x, 0..=299) }",
    "fn f() -> f64 { 0.5 }",
    "fn f() -> u8 { 0xFF_u8 }",
];

/// Numbers with one, and what is none of anybody's choice.
const SAID: &[&str] = &[
    "/// Most at once: more than come together, and few enough for one answer.\nconst MOST: u32 = 7;",
    "const MOST: u32 = 7; // More than come together, and few enough for one answer.",
    "/// The bounds of a pause: shorter is none, and longer is noticed.\nconst A: u8 = 3;\nconst B: u8 = 4;",
    "fn f() -> u32 { 2 * x.0.1 }",
    "fn f() -> u32 {\n    // As the clock counts.\n    x / 1_000\n}",
    "fn f() -> u32 { x / 1_000 } // As the clock counts.",
    "trait Versioned { const VERSION: u32; }",
    "const NAME: &str = \"7\";",
    "#[cfg(test)]\nmod tests {\n    const MOST: u32 = 7;\n    fn f() { g(8) }\n}",
    "fn f(x: u64, y: [u8; 2]) -> i128 { x2.y3() }",
];

#[test]
fn a_number_of_the_runtime_without_its_reason_is_caught() {
    for (code, broken) in BARE.iter().zip(broken_each(&each(RUNTIME, BARE))) {
        assert!(!broken.is_empty() && broken.iter().all(|rule| *rule == "numbers"), "{code}: {broken:?}");
    }
    for (code, broken) in SAID.iter().zip(broken_each(&each(RUNTIME, SAID))) {
        assert_eq!(broken, [""; 0], "{code}");
    }
}

#[test]
fn wrong_code_in_the_framework_is_caught() {
    const WRONG: &[&str] = &[
        "fn f() { if PLANTED { return; } }",
        "fn f(planted_bug: bool) {}",
        "fn f() { bug(\"planted\") }",
        "#[cfg(feature = \"skip\")]\nfn f() {}",
        "fn f() -> bool { cfg!(debug_assertions) }",
        "#[cfg_attr(skip, inline)]\nfn f() {}",
        "#[cfg(skip)]\nfn f() {}",
    ];
    const RIGHT: &[&str] = &["// As planted.\nfn f() {}", "#[cfg(test)]\nmod tests {\n    fn planted() {}\n}"];
    for (code, broken) in WRONG.iter().zip(broken_each(&each(RUNTIME, WRONG))) {
        assert_eq!(broken, ["wrong-code"], "{code}");
    }
    for (code, broken) in RIGHT.iter().zip(broken_each(&each(RUNTIME, RIGHT))) {
        assert_eq!(broken, [""; 0], "{code}");
    }
    let runtime = "framework/bongsu-runtime/Cargo.toml";
    assert_eq!(broken_by_line(runtime, "publish.workspace = true", "[features]\nskip = []"), ["wrong-code"]);
    let payment = "mall/payment/Cargo.toml";
    let broken = broken_by_line(payment, "[dependencies]", "bongsu-sim.workspace = true");
    assert!(broken.contains(&"wrong-code"), "{broken:?}");
}

#[test]
fn an_error_of_the_runtime_that_is_a_text_is_caught() {
    const TEXTS: &[&str] = &[
        "fn f() -> Result<(), String> {}",
        "fn f() -> std::result::Result<Vec<(u8, u8)>, std::string::String> {}",
        "type Done<T> = Result<T, &'static str>;",
        "fn f() -> Result<\n    Vec<u8>,\n    String,\n> {}",
        "fn f(g: impl Fn(u8) -> Result<u8, String>) {}",
        "fn f() -> Option<Result<Result<u8, Fail>, String>> {}",
    ];
    const TYPED: &[&str] = &[
        "fn f() -> Result<String, Fail> {}",
        "fn f() -> Result<BTreeMap<u8, String>, Fail> {}",
        "fn f() -> Result<String> {}",
        "fn f() -> Result<fn(u8) -> String, Fail> {}",
        "#[cfg(test)]\nmod tests {\n    fn f() -> Result<(), String> {}\n}",
    ];
    for (code, broken) in TEXTS.iter().zip(broken_each(&each(RUNTIME, TEXTS))) {
        assert_eq!(broken, ["typed-errors"], "{code}");
    }
    for (code, broken) in TYPED.iter().zip(broken_each(&each(RUNTIME, TYPED))) {
        assert_eq!(broken, [""; 0], "{code}");
    }
}

#[test]
fn what_the_mall_shows_and_hides_is_caught() {
    for code in ["#[doc(hidden)]\npub mod map;", "#![doc(hidden)]", "#[doc( hidden )]\npub fn f() {}"] {
        assert_eq!(broken_by_file("mall/money/src/planted.rs", &rust(code)), ["hidden"], "{code}");
    }
    assert_eq!(broken_by_file("mall/money/src/planted.rs", &rust("// #[doc(hidden)]")), [""; 0]);
    assert_eq!(broken_by_file("framework/bongsu-core/src/planted.rs", &rust("#[doc(hidden)]\npub mod a;")), [""; 0]);
}
