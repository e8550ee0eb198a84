//! Every rule against a violation planted into a copy of the real repository.

mod lists;
mod pure;
mod runtime;
mod rooms;
mod samples;
mod shapes;

use std::{collections::BTreeSet, fs, sync::OnceLock};

use super::{Finding, Tree, check_tree, rules};
use crate::stage;

/// The repository, read once; a test plants into its own copy.
fn real() -> &'static Tree {
    static TREE: OnceLock<Tree> = OnceLock::new();
    TREE.get_or_init(|| Tree::load(stage::root()).expect("the repository can be read"))
}

/// What a change adds to the findings: the names of the rules broken.
/// No module names a planted file, and it makes a context larger: these rules have tests of their own.
fn broken_by(plant: impl FnOnce(&mut Tree)) -> Vec<&'static str> {
    all_broken_by(plant).into_iter().filter(|rule| !["unreached", "context-size"].contains(rule)).collect()
}

fn all_broken_by(plant: impl FnOnce(&mut Tree)) -> Vec<&'static str> {
    found_by(plant).into_iter().map(|finding| finding.rule).collect()
}

fn found_by(plant: impl FnOnce(&mut Tree)) -> Vec<Finding> {
    static BEFORE: OnceLock<BTreeSet<Finding>> = OnceLock::new();
    let before = BEFORE.get_or_init(|| check_tree(real()).into_iter().collect());
    let mut tree = real().clone();
    plant(&mut tree);
    let after: BTreeSet<Finding> = check_tree(&tree).into_iter().collect();
    after.difference(before).cloned().collect()
}

/// The rules that each of these files breaks, all looked at together.
fn broken_each(planted: &[(String, String)]) -> Vec<Vec<&'static str>> {
    let found = found_by(|tree| planted.iter().for_each(|(path, text)| tree.put(path, text.as_str().into())));
    let of =
        |path: &str| found.iter().filter(|it| it.path == path && it.rule != "unreached").map(|it| it.rule).collect();
    planted.iter().map(|(path, _)| of(path)).collect()
}

/// A file below a folder for each code, with what to plant there.
fn each(folder: &str, codes: &[&str]) -> Vec<(String, String)> {
    codes.iter().enumerate().map(|(at, code)| (format!("{folder}/planted{at}.rs"), rust(code))).collect()
}

fn broken_by_file(path: &str, text: &str) -> Vec<&'static str> {
    broken_by(|tree| tree.put(path, text.into()))
}

/// Breaks a manifest by adding lines after one that is there.
fn broken_by_line(path: &str, after: &str, added: &str) -> Vec<&'static str> {
    let text = real().text(path).expect("the file to plant into exists");
    assert!(text.contains(after), "{path} has no line {after}");
    broken_by_file(path, &text.replacen(after, &format!("{after}\n{added}"), 1))
}

fn rust(code: &str) -> String {
    format!("//! Planted.\n{code}\n")
}

#[test]
fn this_repository_is_tidy() {
    let findings = check_tree(real());
    let listed: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{}", listed.join("\n"));
}

#[test]
fn a_rule_that_finds_nothing_to_look_at_is_broken() {
    let broken: BTreeSet<&str> = check_tree(&Tree::default()).into_iter().map(|finding| finding.rule).collect();
    assert_eq!(broken, rules::ALL.iter().map(|(name, _)| *name).collect());
}

#[test]
fn a_shop_word_in_the_framework_is_caught() {
    for text in ["/// Adds to the cart.", "/// See `\"order/ord_1\"`.", "pub struct PaymentGateway;"] {
        assert!(broken_by_file("framework/bongsu-core/src/planted.rs", &rust(text)).contains(&"shop-words"), "{text}");
    }
    assert_eq!(broken_by_file("platform/gateway/src/planted.rs", &rust("// a sku")), ["shop-words"]);
    assert_eq!(broken_by_file("mall/money/src/planted.rs", &rust("// a sku")), [""; 0]);
}

#[test]
fn a_small_context_that_depends_on_another_is_caught() {
    assert_eq!(broken_by_line("mall/payment/Cargo.toml", "[dependencies]", "delivery.workspace = true"), ["shelves"]);
    assert_eq!(broken_by_line("mall/payment/Cargo.toml", "[dependencies]", "sandbox.workspace = true"), [""; 0]);
}

#[test]
fn a_context_that_depends_on_another_context_is_caught() {
    let manifest = "mall/ordering/Cargo.toml";
    assert_eq!(broken_by_line(manifest, "[dependencies]", "product-domain.workspace = true"), ["shelves"]);
    assert_eq!(broken_by_line(manifest, "[dev-dependencies]", "payment.workspace = true"), ["shelves"]);
}

#[test]
fn a_dependency_that_points_down_the_shelves_is_caught() {
    let framework = "framework/bongsu-runtime/Cargo.toml";
    assert_eq!(broken_by_line(framework, "[dependencies]", "money.workspace = true"), ["shelves"]);
    assert_eq!(broken_by_line("xtask/Cargo.toml", "[dependencies]", "bongsu.workspace = true"), ["shelves"]);
}

#[test]
fn a_dependency_on_a_lab_is_caught() {
    let lab = real().text("mall/money/Cargo.toml").expect("exists").replace("\"money\"", "\"lab-x\"");
    let user = real()
        .text("tests/Cargo.toml")
        .expect("exists")
        .replace("[dependencies]", "[dependencies]\nlab-x.workspace = true");
    let broken = broken_by(|tree| {
        tree.put("labs/x/Cargo.toml", lab.into());
        tree.put("tests/Cargo.toml", user.into());
    });
    // The root may be full already: a planted folder is then one entry too many as well.
    let broken: Vec<_> = broken.into_iter().filter(|rule| *rule != "root-entries").collect();
    assert_eq!(broken, ["shelves"]);
}

#[test]
fn a_runtime_that_names_an_adapter_or_a_clock_is_caught() {
    let path = "framework/bongsu-runtime/src/ports/planted.rs";
    for code in ["const DB: &str = \"sqlite\";", "use axum::Router;", "use tokio::time::sleep;"] {
        assert_eq!(broken_by_file(path, &rust(code)), ["runtime-names"], "{code}");
    }
    assert_eq!(broken_by_file(path, &rust("// The same partition as Kafka's.")), [""; 0]);
}

#[test]
fn a_crowded_root_is_caught() {
    let broken = broken_by(|tree| (0..18).for_each(|n| tree.put(&format!("extra{n}/file"), Vec::new())));
    assert_eq!(broken, ["root-entries"]);
    assert_eq!(broken_by(|tree| (0..18).for_each(|n| tree.put(&format!(".extra{n}"), Vec::new()))), [""; 0]);
}

#[test]
fn a_file_without_a_header_is_caught() {
    assert_eq!(broken_by_file("mall/money/src/planted.rs", "fn f() {}\n"), ["headers"]);
}

#[test]
fn a_new_long_function_is_caught() {
    // 13 characters stand around the steps of 7.
    let body = |steps: usize| rust(&format!("fn long() {{\n{}}}", "    step();\n".repeat(steps)));
    assert_eq!(broken_by_file("mall/money/src/planted.rs", &body(255)), [""; 0]);
    assert_eq!(broken_by_file("mall/money/src/planted.rs", &body(256)), ["ratchet"]);
    let squeezed = rust(&format!("fn long() {{\n    {}\n}}", "step();".repeat(256)));
    assert_eq!(broken_by_file("mall/money/src/planted.rs", &squeezed), ["ratchet"]);
}

#[test]
fn a_function_with_many_ways_through_is_caught() {
    let ways = |ifs: usize| rust(&format!("fn maze() {{\n{}}}", "    if here() || there() {}\n".repeat(ifs)));
    assert_eq!(broken_by_file("mall/money/src/planted.rs", &ways(5)), [""; 0]);
    assert_eq!(broken_by_file("mall/money/src/planted.rs", &ways(6)), ["ratchet"]);
}

#[test]
fn a_new_long_file_is_caught() {
    assert_eq!(broken_by_file("mall/money/src/planted.rs", &rust(&"const A: u8 = 1;\n".repeat(498))), [""; 0]);
    assert_eq!(broken_by_file("mall/money/src/planted.rs", &rust(&"const A: u8 = 1;\n".repeat(499))), ["ratchet"]);
}

#[test]
fn a_listed_file_may_neither_grow_nor_stay_listed_when_it_shrank() {
    let with_lines = |lines: usize| {
        let list = real().text("xtask/ratchet.toml").expect("exists");
        let list = list.replacen("[files]", "[files]\n\"mall/money/src/planted.rs\" = 600", 1);
        broken_by(|tree| {
            tree.put("xtask/ratchet.toml", list.into());
            tree.put("mall/money/src/planted.rs", rust(&"const A: u8 = 1;\n".repeat(lines - 2)).into());
        })
    };
    assert_eq!(with_lines(600), [""; 0]);
    assert_eq!(with_lines(601), ["ratchet"]);
    assert_eq!(with_lines(599), ["ratchet"]);
    assert_eq!(with_lines(100), ["ratchet"]);
}

#[test]
fn unwrap_outside_tests_is_caught() {
    let path = "mall/money/src/planted.rs";
    assert_eq!(broken_by_file(path, &rust("fn f() { g().unwrap() }")), ["unfinished"]);
    assert_eq!(
        broken_by_file(path, &rust("/// `g().unwrap()`\n#[cfg(test)]\nmod t { fn f() { g().unwrap() } }")),
        [""; 0]
    );
}

#[test]
fn a_silenced_lint_a_stub_and_a_promise_are_caught() {
    let promise = concat!("// TO", "DO later");
    for code in [
        "#[allow(dead_code)]\nfn f() {}",
        "#![allow(unused)]",
        promise,
        "fn f() { todo!() }",
        "fn f() { unimplemented!() }",
    ] {
        assert_eq!(broken_by_file("mall/money/src/planted.rs", &rust(code)), ["unfinished"], "{code}");
    }
}

#[test]
fn a_version_outside_the_root_manifest_is_caught() {
    let manifest = "mall/money/Cargo.toml";
    assert_eq!(broken_by_line(manifest, "[dependencies]", "bytes = \"1\""), ["manifests"]);
    let text = real().text(manifest).expect("exists");
    assert_eq!(
        broken_by_file(manifest, &text.replace("\nversion.workspace = true", "\nversion = \"9.9.9\"")),
        ["manifests"]
    );
}

#[test]
fn a_crate_without_the_workspace_lints_is_caught() {
    let manifest = "mall/money/Cargo.toml";
    let text = real().text(manifest).expect("exists").replace("[lints]\nworkspace = true", "");
    assert_eq!(broken_by_file(manifest, &text), ["manifests"]);
}

#[test]
fn a_link_that_leads_nowhere_is_caught() {
    let links = "[a](../LICENSE) [b](https://example.org/x) [d](decisions/)\n```\n[e](nowhere.md)\n```\n\
                 # Here, and `there`: [a link](../LICENSE)\n## 둘째 장\n## 둘째 장\n\
                 [c](#here-and-there-a-link) [f](#둘째-장) [g](planted.md#둘째-장-1) [h](../xtask/src/main.rs#L3)\n";
    assert_eq!(broken_by_file("docs/planted.md", links), [""; 0]);
    for link in [
        "[a](nowhere.md)",
        "[a](nowhere.md#part)",
        "[a](../../outside.md)",
        "[a]: nowhere.md",
        "[a](#nowhere)",
        "[a](guides/testing.md#nowhere)",
        "# Once\n[a](#once-1)",
        "```\n# Shown\n```\n[a](#shown)",
    ] {
        assert_eq!(broken_by_file("docs/planted.md", link), ["links"], "{link}");
    }
}

#[test]
fn code_shown_that_is_not_in_its_file_is_caught() {
    let shows = |code: &str| format!("From [the guide](../xtask/src/main.rs):\n\n```rust\n{code}\n```\n");
    assert_eq!(broken_by_file("docs/planted.md", &shows("mod tidy;\n// …\nfn main() -> ExitCode {")), [""; 0]);
    assert_eq!(broken_by_file("docs/planted.md", &shows("mod untidy;")), ["snippets"]);
    let gone = "From [a file](../xtask/src/gone.rs):\n```rust\nmod tidy;\n```\n";
    assert_eq!(broken_by_file("docs/planted.md", gone), ["links", "snippets"]);
}

#[test]
fn a_kernel_that_grew_too_large_is_caught() {
    let lines = |text: &str| broken_by_file("framework/bongsu-core/src/wire/planted.rs", &rust(text));
    let functions = "fn f() {\n    step();\n}\n".repeat(10);
    assert_eq!(lines(&functions), [""; 0], "grows by 30 lines");
    let many = broken_by(|tree| {
        (0..36).for_each(|n| tree.put(&format!("framework/bongsu-core/src/planted{n}.rs"), rust(&functions).into()));
    });
    assert_eq!(many, ["core-size"]);
}

#[test]
fn an_address_of_every_interface_is_caught() {
    let path = "platform/gateway/src/planted.rs";
    assert_eq!(broken_by_file(path, &rust("const A: &str = \"0.0.0.0:80\";")), ["outside"]);
    assert_eq!(broken_by_file(path, &rust("// not 0.0.0.0")), [""; 0]);
    assert_eq!(broken_by_file("mall/planted.toml", "listen = \"0.0.0.0:80\""), ["outside"]);
}

#[test]
fn big_and_left_over_files_are_caught() {
    assert_eq!(broken_by(|tree| tree.put("docs/picture.png", vec![0xFF; (1 << 20) + 1])), ["stray-files"]);
    assert_eq!(broken_by(|tree| tree.put("docs/picture.png", vec![0xFF; 1 << 20])), [""; 0]);
    for path in ["docs/PLAN.md", "mall/run.log", "docs/notes-2.txt", "tests/a.rs.orig"] {
        assert_eq!(broken_by_file(path, "text"), ["stray-files"], "{path}");
    }
}

#[test]
fn a_folder_named_in_gitignore_is_not_looked_at() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir_all(folder.path().join("data/deep")).expect("a folder");
    fs::create_dir_all(folder.path().join("src")).expect("a folder");
    fs::write(folder.path().join(".gitignore"), "/data\n").expect("a file");
    fs::write(folder.path().join("data/deep/a.log"), "x").expect("a file");
    fs::write(folder.path().join("src/a.log"), "x").expect("a file");
    let tree = Tree::load(folder.path()).expect("readable");
    assert_eq!(tree.files().map(|file| file.path.as_str()).collect::<Vec<_>>(), [".gitignore", "src/a.log"]);
}

#[test]
fn lowering_the_ratchet_writes_down_what_shrank_and_nothing_that_grew() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    let function = |name: &str, steps: usize| format!("fn {name}() {{\n{}}}\n", "    step();\n".repeat(steps));
    write(
        "src/a.rs",
        &rust(&(function("shrank", 260) + &function("grew", 400) + &function("short", 9) + &function("new", 300))),
    );
    write(
        "xtask/ratchet.toml",
        "[files]\n[functions]\n'src/a.rs::shrank' = 2000\n'src/a.rs::grew' = 2000\n'src/a.rs::short' = 2000\n[branches]\n",
    );
    rules::ratchet::lower(folder.path()).expect("the list can be written");
    let list = fs::read_to_string(folder.path().join("xtask/ratchet.toml")).expect("the list is there");
    let entries: Vec<&str> = list.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    assert_eq!(
        entries,
        ["[files]", "[functions]", "\"src/a.rs::grew\" = 2000", "\"src/a.rs::shrank\" = 1834", "[branches]"]
    );
}

#[test]
fn a_list_in_a_page_that_is_not_what_the_code_has_is_caught() {
    let step = "fn f(core: &Core) {\n    core.env.step(\"unheard.step\");\n}";
    let runtime = "framework/bongsu-runtime/src/ports/planted.rs";
    assert_eq!(broken_by_file(runtime, &rust(step)), ["crash-steps"]);
    assert_eq!(broken_by_file(runtime, &rust(&format!("#[cfg(test)]\nmod tests {{\n{step}\n}}"))), [""; 0]);
    let guide = "docs/guides/testing.md";
    assert_eq!(
        broken_by_line(guide, "\n| Step | The process dies |\n|---|---|", "| `gone.step` | never |"),
        ["crash-steps"]
    );

    let bugs = "pub(crate) const BUGS: &[Bug] = &[";
    assert_eq!(
        broken_by_line("tests/tests/sim/planted.rs", bugs, "    bug(\"new\", \"x\", \"I1\"),"),
        ["planted-bugs"]
    );
    assert_eq!(broken_by_line(guide, "\n| `BUG=` | What it does |\n|---|---|", "| `gone` | x |"), ["planted-bugs"]);

    let args = "platform/cli/src/args.rs";
    let page = "platform/README.md";
    assert_eq!(broken_by_line(args, "pub(crate) enum Command {", "    NewOne(Up),"), ["commands"]);
    assert_eq!(broken_by_line(args, "pub(crate) enum Kept {", "    NewOne(Up),"), ["commands"], "flattened into it");
    assert_eq!(broken_by_line(args, "pub(crate) enum Command {", "    #[command(hide = true)]\n    NewOne,"), [""; 0]);
    assert_eq!(broken_by_line(page, "\n| Command | Does |\n|---|---|", "| `bongsu gone X` | x |"), ["commands"]);
}

#[test]
fn a_process_that_is_never_failed_at_every_step_is_caught() {
    let process = rust("pub struct Planted;\nimpl Process for Planted {}\nfn f() { Effect::Done; }");
    let source = "mall/ordering/domain/src/planted.rs";
    let test = "mall/ordering/domain/tests/it/planted.rs";
    assert_eq!(broken_by_file(source, &process), ["sagas"]);
    let tried_by = |call: &str| {
        broken_by(|tree| {
            tree.put(source, process.clone().into());
            tree.put(test, rust(&format!("fn planted() {{ {call}; }}")).into());
        })
    };
    assert_eq!(tried_by("saga(&Planted, &orders(), [], No {}).asked(cancel()).goes_every_way()"), [""; 0]);
    assert_eq!(tried_by("saga(&PlantedElsewhere, &orders(), [], No {}).goes_every_way()"), ["sagas"]);
    assert_eq!(
        tried_by("saga(&Planted, &orders(), [], No {}); another.goes_every_way()"),
        ["sagas"],
        "it goes nowhere"
    );
    let bare = rust("pub struct Planted;\nimpl Process for Planted {}");
    let end = "mall/ordering/domain/src/end.rs";
    let ends_elsewhere = |text: &str| {
        broken_by(|tree| {
            tree.put(source, bare.clone().into());
            tree.put(end, rust(text).into());
        })
    };
    assert_eq!(ends_elsewhere("fn f(_: &Planted) { Effect::Done; }"), ["sagas"], "its end is in another file");
    assert_eq!(ends_elsewhere("fn f(_: &Other) { Effect::Done; }"), [""; 0], "that is another one's end");
}

#[test]
fn a_context_that_costs_more_than_a_context_may_is_caught_also_a_new_one() {
    let long = "//! Long.\n".repeat(1_101);
    for folder in ["mall/payment", "mall/audit", "mall/planted", "examples/note"] {
        let broken = all_broken_by(|tree| {
            tree.put(&format!("{folder}/contracts/planted.json"), "{}".into());
            tree.put(&format!("{folder}/src/planted.rs"), long.as_str().into());
        });
        assert!(broken.contains(&"context-size"), "{folder}: {broken:?}");
    }
    let rich = all_broken_by(|tree| tree.put("mall/ordering/src/planted.rs", long.as_str().into()));
    assert!(!rich.contains(&"context-size"), "a rich one has no such limit: {rich:?}");
}
