//! A system whose wall clock stands where no date can be written.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::fixture::{Fixture, get};

/// Stands before the C library and moves its wall clock, as a wrong clock of the machine would. What is asked for here may
/// not set the machine's own.
const SHIFTED: &str = r#"
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t shift(void) {
    const char *seconds = getenv("WALL_CLOCK_SHIFT");
    return seconds ? atol(seconds) : 0;
}
int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && clock == CLOCK_REALTIME) now->tv_sec += shift();
    return failed;
}
int gettimeofday(struct timeval *now, void *zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *into) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into) *into = now.tv_sec;
    return now.tv_sec;
}
"#;

const HOUSE: &str = "
[gateway]
listen = '127.0.0.1:0'
[[service]]
name = 'door'
command = 'FAKE'
routes = ['/doors/*']
";

/// Compiles it, with the compiler that SQLite is compiled with.
fn library(folder: &Path) -> String {
    let (source, library) = (folder.join("shifted.c"), folder.join("shifted.so"));
    fs::write(&source, SHIFTED).unwrap();
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).output().unwrap();
    assert!(built.status.success(), "{built:?}");
    library.to_str().unwrap().to_owned()
}

#[test]
fn a_clock_that_no_answer_can_be_dated_by_keeps_a_system_from_starting_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let library = library(folder.path());
    for shift in ["300000000000", "-100000000000"] {
        let mut fixture = Fixture::new(HOUSE);
        fixture.give("LD_PRELOAD", &library);
        fixture.give("WALL_CLOCK_SHIFT", shift);
        for args in [&["up"][..], &["broker"]] {
            let refused = fixture.bongsu(args);
            let line = String::from_utf8(refused.stderr).unwrap();
            assert_eq!(refused.status.code(), Some(1), "{line}");
            assert!(line.contains("the clock of this machine says") && line.lines().count() == 1, "{line}");
        }
    }
    let mut fixture = Fixture::new(HOUSE);
    fixture.give("LD_PRELOAD", &library);
    // The year 9000.
    fixture.give("WALL_CLOCK_SHIFT", "220000000000");
    fixture.up();
    assert_eq!(get(&format!("{}/doors/1", fixture.url("gateway"))).unwrap().status, 200);
    let stopped = fixture.bongsu(&["stop"]);
    assert!(stopped.status.success(), "{stopped:?}");
    assert!(fixture.wait().success());
}
