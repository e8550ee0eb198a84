//! What a context hears, it reads in every sample of those who tell it.

use std::{collections::BTreeSet, path::Path};

use bongsu_core::type_of;
use bongsu_runtime::{Kind, Service};

use super::{
    bless::Bless,
    draft::reader,
    files::{self, event_of},
    told,
};

/// Reads every sample of every fact that is heard, from the contracts of its teller, who lives in a folder beside this one.
/// Of a teller who lives elsewhere, samples are kept under `contracts/heard/`.
///
/// # Panics
/// When a sample is not read, or a fact has none.
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
            assert!(!samples.is_empty(), "{} hears {fact}, of which there is no sample", words.of);
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
