//! Planted violations of the rules about lists: of errors, and of contexts.

use super::*;

#[test]
fn an_error_code_without_a_page_and_a_page_without_its_code_are_caught() {
    let made = rust("const X: (&str, &str) = (\"never-explained\", \"Nobody knows\");");
    assert_eq!(broken_by_file("mall/money/src/planted.rs", &made), ["error-pages"]);
    for made in [
        "fn f() { Problem::new(status, \"never\", \"Closed\") }",
        "fn f() {\n    Problem::new(\n        StatusCode::CONFLICT,\n        \"never-explained\",\n        TITLE,\n    )\n}",
        "fn f() { Problem::new(status, \"never\", format!(\"{x} is closed\")) }",
        "const X: (&str, &str) = (\"never-2-explained\", \"Nobody knows\");",
        "const X: &str = \"/errors/never2\";",
    ] {
        assert_eq!(broken_by_file("mall/money/src/planted.rs", &rust(made)), ["error-pages"], "{made}");
    }
    assert_eq!(broken_by_file("docs/errors/never-used.md", &"# never-used\n".repeat(9)), ["error-pages"]);
    assert_eq!(broken_by_file("docs/errors/README.md", "# Errors\n").first(), Some(&"error-pages"));
    let row = |row: &str| broken_by_file("mall/planted/README.md", &format!("{row}\n"));
    assert_eq!(row("| `never-used` | 409 | It means. | Do it. |"), ["error-pages"], "explained, and nobody uses it");
    let explained_by = |row: &str| {
        let index = real().text("docs/errors/README.md").expect("exists").to_owned() + "`never-explained`\n";
        broken_by(|tree| {
            tree.put("mall/money/src/planted.rs", made.clone().into());
            tree.put("docs/errors/README.md", index.into());
            tree.put("mall/planted/README.md", format!("{row}\n").into());
        })
    };
    assert_eq!(explained_by("| `never-explained` | 409 | It means. | Do it. |"), [""; 0]);
    for row in
        ["| `never-explained` | 409 | It means. |  |", "| `never-explained` | 409 | It means. |", "`never-explained`"]
    {
        assert_eq!(explained_by(row), ["error-pages"], "{row}");
    }
}

#[test]
fn an_error_that_is_explained_by_half_or_twice_is_caught() {
    let index = real().text("docs/errors/README.md").expect("exists");
    let row = index.lines().find(|row| row.starts_with("| `conflict` | 409 | ")).expect("it is a row");
    for halved in [row.replace("| Send", "| | Send"), row.rsplit_once(" | ").expect("four cells").0.to_owned() + " |"] {
        assert_eq!(broken_by_file("docs/errors/README.md", &index.replace(row, &halved)), ["error-pages"], "{halved}");
    }
    let short = "# conflict: x\n\nStatus 409.\n\n**Means.** x\n\n**What to do.** x\n";
    assert_eq!(broken_by_file("docs/errors/conflict.md", short), ["error-pages", "error-pages"], "twice, and short");
    let again = index.replace(row, &format!("{row}\n{row}"));
    assert_eq!(broken_by_file("docs/errors/README.md", &again), ["error-pages"], "twice in one table");
}

#[test]
fn a_list_of_contexts_in_a_third_place_is_caught() {
    let contexts = real()
        .under("mall/")
        .filter_map(|file| file.path.strip_prefix("mall/")?.strip_suffix("/contracts/openapi.json"));
    let contexts: Vec<&str> = contexts.collect();
    let list = |names: &[&str]| rust(&format!("const ALL: &[&str] = &{names:#?};"));
    assert_eq!(broken_by_file("tests/tests/planted.rs", &list(&contexts)), ["places"]);
    let one_is_missing = list(&contexts[1..]);
    assert_eq!(broken_by_file("tests/tests/planted.rs", &one_is_missing), ["places"]);
    for arm in ["|it| match it { {} }", "vec![{}]", "[{}].map(name)"] {
        let arms = contexts[1..].iter().map(|name| format!("(\"{name}\", 1),\n")).collect::<String>();
        let code = rust(&format!("fn f() {{ {} }}", arm.replacen("{}", &arms, 1)));
        assert_eq!(broken_by_file("tests/tests/planted.rs", &code), ["places"], "{arm}");
    }
    let few = list(&contexts[..2]);
    assert_eq!(broken_by_file("tests/tests/planted.rs", &few), [""; 0]);
    let some = "tests/tests/journeys/republishing.rs";
    let listed = "const TOPICS: [&str; 4] = [\"ordering\", \"product\",";
    let unlisted = real().text(some).expect("exists").replace(listed, "const TOPICS: [&str; 2] = [");
    assert_eq!(broken_by_file(some, &unlisted), ["places"], "what is some of them no more");
    for manifest in ["mall/bongsu.toml", "tests/Cargo.toml"] {
        let without = real().text(manifest).expect("exists").replace("mypage", "another");
        assert!(broken_by_file(manifest, &without).contains(&"places"), "{manifest}");
    }
    assert_eq!(broken_by_file("mall/product/src/planted.rs", &list(&contexts)), [""; 0], "its own folder");
    assert_eq!(broken_by_file("docs/planted.md", &format!("# Planted\n{contexts:?}")), [""; 0]);
}
