//! Writes down which contexts there are: the services of `mall/bongsu.toml` that have a folder with contracts. Each has a
//! crate of its name with `service(&Settings)`, so that a table of their maps can be written, too: see `src/mall.rs`.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

fn main() {
    let mall = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mall");
    let system = mall.join("bongsu.toml");
    println!("cargo::rerun-if-changed={}", system.display());
    let text = fs::read_to_string(&system).unwrap_or_else(|error| panic!("{}: {error}", system.display()));
    let names = text.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    let contexts: Vec<&str> = names.filter(|name| mall.join(name).join("contracts").is_dir()).collect();
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where"));
    fs::write(out.join("contexts.rs"), table(&contexts)).expect("cargo's folder can be written");
}

fn table(contexts: &[&str]) -> String {
    let count = contexts.len();
    let mut code = format!(
        "/// Every context, as `mall/bongsu.toml` has them.\npub const CONTEXTS: [&str; {count}] = {contexts:?};\n\n"
    );
    writeln!(code, "/// The map of every context as it is by default.\npub fn maps() -> [Service; {count}] {{\n    [")
        .expect("a string takes everything");
    for context in contexts {
        writeln!(code, "        {}::service(&Default::default()),", context.replace('-', "_")).expect("a string");
    }
    code + "    ]\n}\n"
}
