//! The lexer against the texts that fool lexers.

use super::*;

fn rust(text: &str) -> Source {
    Source::new("a/src/lib.rs", text.into())
}

#[test]
fn comments_are_set_apart_and_lines_stay() {
    let source = rust("a // b\n/* c /* d */ e */ f\n/// g\n//! h\ni");
    assert_eq!(source.code.split_whitespace().collect::<Vec<_>>(), ["a", "f", "i"]);
    assert_eq!(source.code.lines().count(), 5);
    assert_eq!(source.comments.split_whitespace().collect::<String>(), "//b/*c/*d*/e*////g//!h");
}

#[test]
fn a_comment_inside_a_string_is_a_string() {
    let source = rust(r#"let url = "http://here"; done"#);
    assert!(source.code.contains("//here") && source.code.ends_with("done"));
    assert!(!source.bare.contains("here") && source.bare.ends_with("done"));
}

#[test]
fn a_string_inside_a_comment_is_a_comment() {
    assert_eq!(rust("// it's \"open\nnext").code.trim(), "next");
}

#[test]
fn escapes_raw_strings_and_bytes_end_where_rust_says() {
    let source = rust("f(\"a\\\"b\", r#\"c\"d\"#, br##\"e\"#f\"##, b\"g\", '\\'', '\"', '한', r#type) end");
    assert_eq!(source.bare.split_whitespace().collect::<String>(), "f(,,,b,,,,r#type)end");
}

#[test]
fn a_lifetime_is_not_a_character() {
    let text = "fn f<'a>(x: &'a str) -> &'a str { x }";
    assert_eq!(rust(text).bare, text);
}

#[test]
fn test_code_is_known_by_its_attribute_or_its_place() {
    let source = rust("fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}");
    assert_eq!((1..=6).map(|line| source.is_test(line)).collect::<Vec<_>>(), [false, true, true, true, true, false]);
    assert!(Source::new("a/tests/it/main.rs", "fn a() {}".into()).is_test(1));
    assert!(Source::new("a/src/b/tests.rs", "fn a() {}".into()).is_test(1));
    let outside = rust("#[cfg(test)]\nmod tests;\nfn a() {}");
    assert!(outside.is_test(2) && !outside.is_test(3));
}

#[test]
fn a_function_reaches_from_its_name_to_its_brace() {
    let source = rust(
        "trait T {\n    fn declared(&self, x: [u8; 4]);\n}\nfn long(\n    a: [u8; 2],\n) -> u8\n{\n    if a { \"}\" }\n}\n",
    );
    assert_eq!(source.functions(), [Function { name: "long", line: 4, characters: 40, branches: 2 }]);
}

#[test]
fn a_function_pointer_is_not_a_function() {
    assert_eq!(rust("struct S { f: fn (u8) -> u8, g: fn(u8) }").functions(), []);
}

#[test]
fn words_are_whole() {
    assert!(has_word("use rand::Rng;", "rand"));
    assert!(!has_word("operand(random, rand_core)", "rand"));
}

#[test]
fn hash_comments_are_blanked_in_files_that_have_them() {
    let toml = Source::new("a.toml", "a = \"b#c\" # d\n# e".into());
    assert_eq!(toml.code, "a = \"b#c\" \n");
    assert_eq!(Source::new("a.md", "# title".into()).code, "# title");
}
