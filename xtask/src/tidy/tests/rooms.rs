//! Rooms and circles.

use super::*;

#[test]
fn an_import_that_goes_up_a_room_is_caught() {
    let broken = |code: &str| broken_by_file("framework/bongsu-runtime/src/records/planted.rs", &rust(code));
    assert_eq!(broken("use crate::{\n    commit::unit::Unit,\n    ports::Fut,\n};"), ["rooms"]);
    assert_eq!(broken("fn f() { crate::runtime::start() }"), ["rooms"], "a path without `use`");
    assert_eq!(broken("use crate::Service;"), ["rooms"], "by a name that was passed on");
    assert_eq!(broken("use super::super::lease::keeper::Keeper;"), ["rooms"]);
    assert_eq!(broken("use crate::ports::store::Doc;\n// crate::commit::unit"), [""; 0]);
    assert_eq!(broken("#[cfg(test)]\nmod tests {\n    use crate::commit::unit::Unit;\n}"), [""; 0]);
    assert_eq!(broken_by_file("framework/bongsu-runtime/src/attic.rs", &rust("fn f() {}")), ["rooms"]);
}

#[test]
fn a_circle_of_more_than_four_files_is_caught() {
    let circle = |files: usize| {
        broken_by(|tree| {
            for n in 0..files {
                let next = (n + 1) % files;
                tree.put(
                    &format!("mall/money/src/planted{n}.rs"),
                    rust(&format!("use crate::planted{next}::X;")).into(),
                );
            }
        })
    };
    assert_eq!(circle(4), [""; 0]);
    assert_eq!(circle(5), ["rooms"]);
}

#[test]
fn from_where_an_item_is_seen_is_no_import() {
    let seen = |n: usize| format!("pub(in crate::planted) fn f{n}() {{}}");
    let ring = broken_by(|tree| {
        let uses: Vec<String> = (0..5).map(|n| format!("mod p{n};\nuse self::p{n}::f{n};")).collect();
        tree.put("mall/money/src/planted.rs", rust(&uses.join("\n")).into());
        for n in 0..5 {
            tree.put(&format!("mall/money/src/planted/p{n}.rs"), rust(&seen(n)).into());
        }
    });
    assert_eq!(ring, [""; 0]);
}
