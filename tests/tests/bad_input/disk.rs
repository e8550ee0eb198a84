//! A disk that fills while orders are placed.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use system_tests::{
    evidence::Heard,
    harness::{Mall, system::System},
    rules,
};

use crate::{PATIENCE, machine::run};

/// A small file system of its own.
pub(crate) struct Mounted {
    folder: PathBuf,
    around: PathBuf,
}

impl Mounted {
    /// Mounts one as a system's data folder, where that is permitted; else says so.
    pub(crate) fn below(system: &System, options: &str) -> Option<Self> {
        let (folder, around) = (system.data(), system.folder().to_owned());
        fs::create_dir_all(&folder).expect("the folder can be made");
        let text = folder.to_str().expect("a temporary folder has a plain name");
        if run("mount", &["-t", "tmpfs", "-o", options, "tmpfs", text]) {
            return Some(Self { folder, around });
        }
        println!("SKIPPED: nothing may be mounted here");
        None
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily, because a process that is being ended may still hold a file open.
        let _ = run("umount", &["-l", self.folder.to_str().expect("it was mounted under this name")]);
        // The system's own removal of its folder could not remove what something was mounted on.
        let _ = fs::remove_dir_all(&self.around);
    }
}

#[test]
fn a_full_disk_refuses_orders_for_now_and_loses_none() {
    let system = System::of_the_mall();
    let data = system.data();
    let Some(_mounted) = Mounted::below(&system, "size=20m") else { return };
    let mall = Mall::start(system);
    mall.until_sold("CLOCK");
    let before: Vec<String> = (0..5).map(|number| mall.buy(&format!("before {number}"), &[("CLOCK", 1)])).collect();
    let ballast = data.join("ballast");
    fill(&ballast);
    let refused = (0..100).find_map(|number| {
        let placed = mall.place(&format!("while it fills {number}"), &[("MASK", 1)]);
        fill(&ballast);
        (placed.heard == Heard::Nothing).then_some(placed)
    });
    let refused = refused.expect("a full disk takes no orders");
    let answer = refused.answer.expect("it says so");
    println!("full: {}", String::from_utf8_lossy(&answer.body));
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    let again = mall.place("while it is full", &[("MASK", 1)]);
    assert_eq!(again.answer.map(|answer| answer.status), Ok(503));
    fs::remove_file(&ballast).expect("the ballast can be thrown off");
    let after: Vec<String> = (0..3).map(|number| mall.buy(&format!("after {number}"), &[("TABLE", 1)])).collect();
    before.iter().chain(&after).for_each(|order| drop(mall.until_order(order, &["COMPLETED"])));
    mall.quiesce(PATIENCE, rules::ALL);
    crate::nobody_fell(&mall);
    let judged = rules::check(&mall.end()).unwrap_or_else(|broken| panic!("{broken}"));
    judged.iter().for_each(|(rule, looked)| println!("   {rule}: {looked} looked at"));
}

/// Writes until nothing more fits.
fn fill(ballast: &Path) {
    let mut file = File::options().create(true).append(true).open(ballast).expect("the ballast can be opened");
    for size in [64 << 10, 4 << 10, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}
