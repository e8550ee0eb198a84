//! What the README tells a newcomer to type works, in both languages.

use std::{fs, path::Path, process::Command};

use system_tests::harness::{Mall, system::System};

#[test]
fn what_a_newcomer_is_told_to_type_works() {
    let mall = Mall::start(System::of_the_mall());
    mall.until_sold("TV");
    let bongsu = mall.command(&[]);
    let words = [bongsu.get_program()].into_iter().chain(bongsu.get_args()).map(|word| word.to_string_lossy());
    let bongsu = words.collect::<Vec<_>>().join(" ");
    for readme in ["README.md", "README.ko.md"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(readme);
        let text = fs::read_to_string(path).expect("the README is there");
        let mut blocks = text.split("```sh\n").filter_map(|rest| rest.split("```").next());
        let typed = blocks.find(|block| block.contains("/orders")).expect("an order is placed");
        // Whoever follows does so until he has seen enough.
        let typed: Vec<&str> = typed.lines().filter(|line| !line.contains("--follow")).collect();
        let typed = typed.join("\n").replace("target/debug/bongsu", &bongsu);
        let typed =
            typed.replace("http://127.0.0.1:8080", mall.gateway()).replace("curl -s", "curl -sS --fail-with-body");
        let ran = Command::new("bash").args(["-euo", "pipefail", "-c", &typed]).output().expect("bash is there");
        let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        println!("{readme}: {said}");
        assert!(ran.status.success(), "{readme}: {typed}\n{said}");
        for answer in ["\"NOTEBOOK\"", "\"order_id\":\"ord_", "\"disagreeing\":", "\"captures\":", "mypage-1"] {
            assert!(said.contains(answer), "{readme}: no {answer} in {said}");
        }
    }
}
