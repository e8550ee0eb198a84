//! What a context hears, it reads in every sample of those who tell it.

use std::{collections::BTreeSet, path::Path};

use bongsu_core::type_of;
use bongsu_given::bless::Bless;
use bongsu_runtime::{Kind, Service};

use super::{
    draft::reader,
    files::{self, event_of},
    told,
};

/// Reads every sample of every fact that is heard, from the contracts of its teller, who lives in a folder beside this one.
/// Of a teller who lives elsewhere, samples are kept under `contracts/heard/`.
///
/// That nobody tells a fact is found here and not at a start: decision 0032.
///
/// # Panics
/// When a sample is not read, or nobody is known to tell a fact: one line that names it.
#[track_caller]
pub fn heard(folder: &Path, service: &Service) {
    let bless = Bless::asked();
    let _pen = bless.pen();
    if bless.adds() {
        // It may hear its own facts.
        told::look(folder, service, &bless);
    }
    let mut facts = BTreeSet::new();
    let mut looked = 0;
    for words in service.words().iter().filter(|words| words.kind == Kind::Heard) {
        for (name, schema) in &words.names {
            let fact = type_of(name, *schema);
            let teller = folder.join("..").join(name.split('.').next().unwrap_or_default());
            let own = folder.join("contracts/heard").join(&fact);
            let samples = [files::samples(&teller.join("contracts"), event_of(&fact)), files::jsons(&own)].concat();
            if samples.is_empty() {
                panic!("{}", nobody_tells(&fact, (service.name(), &words.of), &teller));
            }
            for sample in &samples {
                let read = reader(words, name, *schema)(&files::read(sample));
                read.unwrap_or_else(|why| panic!("{} does not read {}: {why}", words.of, sample.display()));
            }
            looked += samples.len();
            facts.insert(fact);
        }
    }
    let arrows: BTreeSet<String> = service.hears().into_iter().map(|(fact, _)| fact).collect();
    assert_eq!(facts, arrows, "the words of {} and its arrows", service.name());
    println!("{}: {looked} samples of {} facts are read", service.name(), facts.len());
}

/// Why nothing of a fact is known: its teller is not there, or has no such contract.
fn nobody_tells(fact: &str, (context, who): (&str, &str), teller: &Path) -> String {
    let contracts = teller.join("contracts");
    let why = match (teller.is_dir(), contracts.join(format!("{}.json", event_of(fact))).is_file()) {
        (false, _) => "there is no such context beside this one".to_owned(),
        (true, false) => format!("it has no contract in {}", contracts.display()),
        (true, true) => format!("its contract in {} has no sample", contracts.display()),
    };
    format!("{context} hears {fact} ({who}), which nobody tells: {why}, and no sample is in contracts/heard/{fact}")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use bongsu_core::{Ctx, message};

    use super::*;

    #[message("tower.bell-rung", version = 1, key = bell)]
    struct BellRung {
        bell: String,
    }

    fn house() -> Service {
        Service::new("house").policy("listen", |_: &BellRung, _: &Ctx| Vec::<BellRung>::new())
    }

    /// What the check says of a house whose system has these files.
    fn said(files: &[&str]) -> Option<String> {
        let system = tempfile::tempdir().expect("a folder");
        let own = system.path().join("house");
        fs::create_dir(&own).expect("a folder");
        for file in files {
            let file = system.path().join(file);
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(file, r#"{"bell":"b1"}"#).expect("a file");
        }
        let checked = std::panic::catch_unwind(|| heard(&own, &house()));
        checked.err().map(|why| why.downcast::<String>().map_or_else(|_| String::new(), |why| *why))
    }

    #[test]
    fn a_fact_that_nobody_tells_is_named_in_one_line() {
        for (files, why) in [
            (&[][..], "there is no such context beside this one"),
            (&["tower/contracts/bell-cast.v1.json"], "it has no contract in"),
            (&["tower/contracts/bell-rung.v1.json"], "has no sample"),
        ] {
            let line = said(files).expect("it is found");
            assert!(line.starts_with("house hears tower.bell-rung.v1 (listen), which nobody tells: "), "{line}");
            assert!(line.contains(why) && line.lines().count() == 1, "{line}");
        }
    }

    #[test]
    fn a_fact_is_told_by_a_context_beside_this_one_or_kept_with_a_sample_of_its_own() {
        assert_eq!(said(&["tower/contracts/samples/bell-rung.v1/typical.json"]), None);
        assert_eq!(said(&["house/contracts/heard/tower.bell-rung.v1/typical.json"]), None);
    }
}
