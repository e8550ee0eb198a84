//! What the README tells people to type works as it stands there.

use std::process::Command;

use crate::{bench::PATIENCE, kill};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_recipes_of_the_readme_work() {
    let readme = include_str!("../../README.md");
    let recipes = readme.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let recipe: Vec<&str> = recipes.filter(|recipe| recipe.starts_with("B=")).collect();
    assert_eq!(recipe.len(), 1, "one block of recipes");
    let folder = tempfile::tempdir().expect("a folder");
    let (mut child, address) = kill::start(&folder.path().join("broker.db"), "127.0.0.1:0").await;
    let script = recipe[0].replace("127.0.0.1:9092", &address).replace("curl ", "curl -sS --fail-with-body ");
    assert!(script.contains(&address), "the recipes name the usual address");
    let ran = tokio::task::spawn_blocking(move || Command::new("sh").args(["-ec", &script]).output());
    let output = tokio::time::timeout(PATIENCE, ran).await.expect("in time").expect("it ran").expect("there is sh");
    let (said, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{complaint}");
    let wanted =
        [r#""appended":1"#, r#""dropped":1"#, r#""type": "gate.door-opened.v1""#, r#""lag":"#, r#""earliest":0"#];
    for wanted in wanted {
        assert!(said.contains(wanted), "{wanted} is missing in:\n{said}");
    }
    child.kill().await.expect("it is killed");
}
