//! Planted violations of the rules about how code is laid out: modules, lets, words, sizes.

use super::*;

#[test]
fn a_file_that_no_module_names_is_caught() {
    let planted = |path: &str| all_broken_by(|tree| tree.put(path, rust("").into()));
    assert_eq!(planted("framework/bongsu-sim/tests/it/planted.rs"), ["unreached"]);
}

#[test]
fn a_let_of_unrelated_values_is_caught() {
    const UNRELATED: &[&str] = &[
        "let (mut all, mut next) = (Vec::new(), 0);",
        "let (id, size) = (read.id, other.len());",
        "let (a, b) = (f(x), g(y));",
        "let (a, b) = (it.f(x), it.g(y));",
        "let (a, b) = (it.f(\"x\"), it.b);",
        "let (a, b) = (String::new(), Vec::new());",
        "let (a, b) = (Vec::<u8>::new(), String::new());",
        "let (a, b) = (it.status, \"gone\");",
        "let (a, b) = (\"gone\", f());",
        "let (a, b): (u8, Vec<(u8, u8)>) = (1, Vec::new());",
        "let (a, b): Pair<u8> = (x, y);",
        "let ((a, _), [b, ..]) = (pair(), list);",
        "let (a, b) = (\n    x,\n    y,\n);",
        "(a, b) = (x, y);",
        "if c { (self.a, list[0]) = (x + 1, f(y)) }",
        "match c { 1 => (a, b) = (x, y), _ => {} }",
        "let set = || (a, b) = (x, y);",
        "(a, b) = (b, a + b);",
        "(a, b, c) = (b, a, 1);",
    ];
    const RELATED: &[&str] = &[
        "let (a, b) = (parts.next(), parts.next());",
        "let (a, b) = (it.a, it.b);",
        "let (a, b) = (it.a(), it.b.c());",
        "let (a, b) = (f(x), f(y));",
        "let (a, b) = (hex::<u64>(x), hex::<u8>(y));",
        "let (a, b) = pair();",
        "let (a, b): (u8, u8) = pair();",
        "let (a, b): (u8, u8) = (parts.next(), parts.next());",
        "let pair: (u8, u8) = (1, x);",
        "let Some((a, b)) = (x) else { return };",
        "const PAIR: (u8, &str) = (1, \"x\");",
        "(a, b) = (b, a);",
        "(self.a, self.b) = (it.a, it.b);",
        "(a, b) = pair();",
        "assert!((a, b) == (x, y));",
    ];
    let planted = |lines: &[&str]| {
        let codes: Vec<String> = lines.iter().map(|line| format!("fn planted() {{ {line} }}")).collect();
        broken_each(&each("mall/money/src", &codes.iter().map(String::as_str).collect::<Vec<_>>()))
    };
    for (unrelated, broken) in UNRELATED.iter().zip(planted(UNRELATED)) {
        assert_eq!(broken, ["tuple-lets"], "{unrelated}");
    }
    for (related, broken) in RELATED.iter().zip(planted(RELATED)) {
        assert_eq!(broken, [""; 0], "{related}");
    }
}

#[test]
fn a_type_in_the_map_that_no_source_declares_is_caught() {
    for page in ["ARCHITECTURE.md", "docs/concepts.md", "docs/glossary.md"] {
        let broken = |words: &str| broken_by_file(page, &format!("{}\n{words}\n", real().text(page).expect("exists")));
        assert_eq!(broken("A `PlantedType` and `PlantedType::new`."), ["glossary-types"], "{page}");
        assert_eq!(
            broken("`Unit::plan`, `PlaceOrder`, `Continue`, `Idempotency-Key`, `SEED`, PlantedType"),
            [""; 0],
            "{page}"
        );
    }
}

#[test]
fn a_small_context_that_grows_beyond_its_price_is_caught() {
    let price =
        |plant: &dyn Fn(&mut Tree)| all_broken_by(plant).into_iter().filter(|rule| *rule == "context-size").count();
    let api =
        |more: usize| format!("{}{}", real().text("mall/delivery/src/api.rs").expect("exists"), "\n".repeat(more));
    assert_eq!(price(&|tree| tree.put("mall/delivery/src/api.rs", api(1_100).into())), 1);
    assert_eq!(price(&|tree| tree.put("mall/delivery/web/planted.txt", "text".into())), 0);
    let files = price(&|tree| (0..4).for_each(|n| tree.put(&format!("mall/delivery/planted{n}.txt"), "text".into())));
    assert_eq!(files, 1);
    let readme = format!("{}\n", real().text("examples/note/README.md").expect("exists"));
    assert_eq!(
        price(&|tree| tree.put("examples/note/README.md", readme.as_str().into())),
        1,
        "of a scaffold every line"
    );
}

#[test]
fn a_short_word_that_names_a_second_thing_is_caught() {
    const AGAIN: &[&str] = &[
        "pub struct Answer;",
        "enum Step {}",
        "pub(crate) type House = u8;",
        "trait Told<T> {}\ntrait Told {}",
        "pub use x::Y as Answer;",
        "use x::{\n    Y as Step,\n    Z,\n};",
        "struct Answers; struct Answer;",
        "union House { a: u8 }",
        "impl T for X {\n    type Answer = u8;\n}",
        "fn f<Answer>(a: Answer) {}",
        "impl<'a, Step: Copy> X<Step> {}",
        "struct X<T: Into<u8>, House = u8>(T, House);",
        "trait X<const Told: usize> {}",
        "type\n    Answer = u8;",
    ];
    // Behind whatever names them first.
    for (again, mut broken) in AGAIN.iter().zip(broken_each(&each("xtask/src", AGAIN))) {
        broken.dedup();
        assert_eq!(broken, ["one-thing"], "{again}");
    }
    for once in [
        "struct Answers;\nfn f() -> Answer {}",
        "use x::Answer;\nuse x::Step as Stride;",
        "fn f() -> Result<Answer, Step> { g::<Told>(a as House) }",
        "impl Shown for X<Answer> {}",
    ] {
        assert_eq!(broken_by_file("mall/money/src/planted.rs", &rust(once)), [""; 0], "{once}");
    }
}

#[test]
fn what_a_message_holds_and_serde_would_buffer_is_caught() {
    let message = "#[message(\"planted\", version = 1)]\npub struct Planted { pub held: Vec<Held> }\n";
    let broken = |code: &str| broken_by_file("mall/delivery/src/planted.rs", &rust(&format!("{message}{code}")));
    for held in [
        "#[serde(tag = \"kind\")]\npub enum Held { A { b: u8 } }",
        "#[serde(tag = \"kind\", deny_unknown_fields)]\nenum Held { A, B { c: u8 } }",
        "#[serde(tag = \"kind\", deny_unknown_fields)]\nenum Held { A(u8) }",
        "#[serde(untagged, deny_unknown_fields)]\nenum Held { A { b: u8 } }",
        "#[derive(Clone)]\n#[serde(rename_all = \"x\", untagged)]\npub(crate) enum Held { A(u8) }",
        "struct Held {\n    #[serde(flatten)]\n    more: More,\n}",
        "struct Held(Deep);\nenum Deep {\n    A { #[serde(default, flatten)] b: u8 },\n}",
        "struct Held { deep: Option<Deep> }\n#[serde(untagged)]\nenum Deep { A }",
    ] {
        assert_eq!(broken(held), ["buffered"], "{held}");
    }
    for held in [
        "#[serde(rename = \"tag\")]\nenum Held { A }",
        "#[serde(tag = \"kind\", deny_unknown_fields)]\nenum Held {\n    A { b: u8 },\n    C { d: u8, e: u8 },\n}",
        "struct Held;\n#[serde(tag = \"kind\")]\nenum Other { A }",
        "struct Held;\n#[message(\"refused\", version = 1)]\n#[serde(tag = \"reason\")]\nenum Refused { A }",
    ] {
        assert_eq!(broken(held), [""; 0], "{held}");
    }
    let beside = broken_by(|tree| {
        tree.put("mall/delivery/src/planted.rs", rust(message).into());
        tree.put("mall/money/src/planted.rs", rust("#[serde(untagged)]\nenum Held { A }").into());
    });
    assert_eq!(beside, ["buffered"], "in a crate that it depends on");
}
