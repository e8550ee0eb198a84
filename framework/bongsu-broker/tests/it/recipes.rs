//! What the README tells people to type works as it stands there.

use std::process::Command;

use bongsu_keys::{BROKER, Keys, Roots};

use crate::bench::{PATIENCE, Running};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_recipes_of_the_readme_work() {
    let readme = include_str!("../../README.md");
    let recipes = readme.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let recipe: Vec<&str> = recipes.filter(|recipe| recipe.starts_with("B=")).collect();
    assert_eq!(recipe.len(), 1, "one block of recipes");
    let folder = tempfile::tempdir().expect("a folder");
    let roots = Roots::open_or_make(folder.path()).expect("a secret");
    let file = folder.path().join("keys.json");
    roots.write_keys(&file, BROKER).expect("it can be written");
    let keys = Keys::open(&file).expect("keys");
    let running = Running::with_keys(&folder.path().join("broker.db"), keys).await;
    let mut script = recipe[0].replace("http://127.0.0.1:9092", &running.url);
    assert!(script.contains(&running.url), "the recipes name the usual address");
    script = script.replace("curl ", "curl -sS --fail-with-body ");
    for name in ["gate", "lodge", "me"] {
        script = script.replace(&format!("$(bongsu secret {name})"), &roots.key(name, BROKER).bearer());
    }
    let ran = tokio::task::spawn_blocking(move || Command::new("sh").args(["-ec", &script]).output());
    let output = tokio::time::timeout(PATIENCE, ran).await.expect("in time").expect("it ran").expect("there is sh");
    let (said, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{complaint}");
    let wanted =
        [r#""appended":1"#, r#""dropped":1"#, r#""type": "gate.door-opened.v1""#, r#""lag":"#, r#""earliest":0"#];
    for wanted in wanted {
        assert!(said.contains(wanted), "{wanted} is missing in:\n{said}");
    }
    running.stop().await.expect("it ends well");
}
