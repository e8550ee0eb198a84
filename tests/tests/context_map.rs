//! docs/context-map.md is drawn from the maps of the services and their contracts; a page that is no longer true
//! fails here. `UPDATE_EXPECT=1 cargo test -p system-tests --test context_map` writes it anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::PathBuf,
};

use bongsu_runtime::Service;
use expect_test::expect_file;
use system_tests::mall::{self, maps};

/// Who hears a fact: (context, consumer).
type Heard = BTreeMap<String, BTreeSet<(String, String)>>;

const HEAD: &str = "\
# Context map

Drawn from the services' maps (`service()` in each `lib.rs`) and their `contracts/` by
`tests/tests/context_map.rs`, which fails when this page is no longer true. An arrow is a fact: its publisher does not
know who hears it. A dotted one is a question: who asks waits for the answer.

";

/// Who tells the mall something and is no context of it.
const IDENTITY: &str = "identity";

/// The folder of a context, or of identity.
fn folder_of(context: &str) -> PathBuf {
    let mall = mall::folder();
    if context == IDENTITY { mall.join("../platform").join(IDENTITY) } else { mall.join(context) }
}

/// The facts a context has a contract for, by wire name.
fn published(context: &str) -> Vec<String> {
    let Ok(folder) = fs::read_dir(folder_of(context).join("contracts")) else { return Vec::new() };
    let names = folder.map(|entry| entry.expect("a readable folder").file_name().into_string().expect("UTF-8"));
    let mut facts: Vec<String> =
        names.filter_map(|name| Some(format!("{context}.{}", name.strip_suffix(".json")?))).collect();
    facts.retain(|fact| fact != &format!("{context}.openapi"));
    facts.sort();
    facts
}

fn heard(services: &[Service]) -> Heard {
    let mut heard = Heard::new();
    for service in services {
        for (fact, consumer) in service.hears() {
            heard.entry(fact).or_default().insert((service.name().to_owned(), consumer.to_owned()));
        }
    }
    heard
}

fn picture(services: &[Service], heard: &Heard) -> String {
    let mut page = String::from("```mermaid\nflowchart LR\n");
    for context in tellers(services) {
        let told = published(context);
        let listeners = told.iter().filter_map(|fact| heard.get(fact)).flatten().map(|(context, _)| context);
        let listeners: BTreeSet<&String> = listeners.filter(|listener| *listener != context).collect();
        for listener in listeners {
            let count = told.iter().filter(|fact| hears(heard, fact, listener)).count();
            writeln!(page, "    {context} -- {count} --> {listener}").expect("a string takes everything");
        }
    }
    for service in services {
        for asked in service.asked_peers() {
            writeln!(page, "    {} -. asks .-> {asked}", service.name()).expect("a string takes everything");
        }
    }
    page + "```\n"
}

/// Everybody who may tell something.
fn tellers(services: &[Service]) -> impl Iterator<Item = &'static str> + '_ {
    services.iter().map(Service::name).chain([IDENTITY])
}

fn hears(heard: &Heard, fact: &str, context: &str) -> bool {
    heard.get(fact).is_some_and(|by| by.iter().any(|(listener, _)| listener == context))
}

fn table(services: &[Service], heard: &Heard) -> String {
    let mut page = String::new();
    for service in services {
        let told = published(service.name());
        if told.is_empty() {
            let asked = service.asked_peers().into_iter().collect::<Vec<_>>().join(", ");
            let asks = if asked.is_empty() { asked } else { format!(" It asks {asked}.") };
            writeln!(page, "\n## {}\n\nPublishes nothing: it owns no truth.{asks}", service.name()).expect("a string");
            continue;
        }
        page += &told_by(service.name(), told, heard);
    }
    page + &told_by(IDENTITY, published(IDENTITY), heard)
}

fn told_by(context: &str, told: Vec<String>, heard: &Heard) -> String {
    let mut page = format!("\n## {context}\n\n| Fact | Heard by |\n|---|---|\n");
    for fact in told {
        let by = heard.get(&fact).map(|by| by.iter().map(|(context, who)| format!("{context} ({who})")));
        let by = by.map_or_else(|| "nobody yet".to_owned(), |by| by.collect::<Vec<_>>().join(", "));
        writeln!(page, "| `{fact}` | {by} |").expect("a string");
    }
    page
}

#[test]
fn the_context_map_is_true() {
    let services = maps();
    let heard = heard(&services);
    assert!(!heard.is_empty(), "nobody hears anything");
    let page = format!("{HEAD}{}{}", picture(&services, &heard), table(&services, &heard));
    expect_file!["../../docs/context-map.md"].assert_eq(&page);
}

#[test]
fn every_fact_heard_has_a_contract() {
    let services = maps();
    let told: BTreeSet<String> = tellers(&services).flat_map(published).collect();
    let heard = heard(&services);
    let missing: Vec<&String> = heard.keys().filter(|fact| !told.contains(*fact)).collect();
    assert!(missing.is_empty() && !told.is_empty(), "heard, but published by no contract: {missing:?}");
}

#[test]
fn the_samples_kept_of_identity_are_its_own() {
    let samples = |folder: PathBuf| -> BTreeMap<String, String> {
        let files = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("a readable folder").path());
        let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.map(|path| (name(&path), fs::read_to_string(&path).expect("text"))).collect()
    };
    let mut looked = 0;
    for (fact, by) in heard(&maps()).iter().filter(|(fact, _)| fact.starts_with("identity.")) {
        let told = samples(folder_of(IDENTITY).join("contracts/samples").join(fact.trim_start_matches("identity.")));
        for (context, _) in by {
            let kept = samples(folder_of(context).join("contracts/heard").join(fact));
            assert_eq!(kept, told, "what {context} keeps of {fact}");
            looked += kept.len();
        }
    }
    assert!(looked > 0, "nobody hears identity");
}

#[test]
fn every_map_is_wired_right() {
    let wrong: Vec<String> = maps().iter().filter_map(|map| map.check().err()).map(|why| why.to_string()).collect();
    assert_eq!(wrong, [""; 0]);
}
