//! Samples that were written once, and the locks that remember them.

use super::*;

#[test]
fn a_sample_that_is_altered_or_gone_or_not_remembered_is_caught() {
    let sample = "mall/payment/golden/payment.captured.v1.json";
    let altered = real().text(sample).expect("the sample exists").replace("cap", "cop");
    assert_eq!(broken_by_file(sample, &altered), ["golden"]);
    assert_eq!(broken_by_file("mall/payment/golden/payment.planted.v1.json", "{}\n"), ["golden"]);
    let contract = "mall/ordering/contracts/samples/order-placed.v1/typical.json";
    assert_eq!(broken_by_file(contract, "{}\n"), ["golden"]);
    let lock = "mall/payment/golden.lock";
    let gone = format!("{}0000000000000000 golden/payment.gone.v1.json\n", real().text(lock).expect("the lock exists"));
    assert_eq!(broken_by_file(lock, &gone), ["golden"]);
    for context in ["platform/identity", "examples/note", "framework/bongsu-runtime", "framework/bongsu-core"] {
        assert_eq!(broken_by_file(&format!("{context}/golden/planted.v1.json"), "{}\n"), ["golden"], "{context}");
    }
}

#[test]
fn a_line_of_a_lock_that_git_had_and_that_is_taken_out_or_altered_is_caught() {
    let lock = "mall/payment/golden.lock";
    let sample = "mall/payment/golden/payment.captured.v1.json";
    let text = real().text(lock).expect("the lock exists");
    let line = text.lines().find(|line| line.ends_with("/payment.captured.v1.json")).expect("it remembers the sample");
    let without = text.replace(&format!("{line}\n"), "");
    assert_eq!(
        broken_by_file(lock, &without),
        ["golden", "golden"],
        "the sample is not remembered and the line is gone"
    );
    let altered = |lines: &str| {
        broken_by(|tree| {
            tree.put(sample, "{}\n".into());
            tree.put(lock, format!("{without}{lines}").into());
        })
    };
    let digest = "c735ad1983dc7ddd";
    let now = format!("{digest} golden/payment.captured.v1.json\n");
    assert_eq!(altered(&now), ["golden"], "by hand");
    assert_eq!(altered(&format!("{now}# replaced {line}\n")), [""; 0], "as BLESS=replace:NAME.vN leaves it");
}
