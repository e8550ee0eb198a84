//! Who is registered, in which roles, and who is locked or forgotten.

use std::collections::BTreeSet;

use bongsu_testing::given::given;
use identity::person::*;

fn persons() -> Persons {
    Persons { roles: roles(&["member", "operator"]) }
}

fn roles(names: &[&str]) -> BTreeSet<Role> {
    names.iter().map(|name| Role::from(*name)).collect()
}

fn id() -> PersonId {
    "usr_1".into()
}

fn registered() -> PersonEvent {
    Registered { person: id(), roles: roles(&["member"]) }.into()
}

fn locked() -> PersonEvent {
    Locked { person: id() }.into()
}

fn forgotten() -> PersonEvent {
    Forgotten { person: id() }.into()
}

fn register() -> PersonCommand {
    Register { person: id(), roles: roles(&["member"]) }.into()
}

fn change(to: &[&str]) -> PersonCommand {
    ChangeRoles { person: id(), roles: roles(to) }.into()
}

fn lock() -> PersonCommand {
    Lock { person: id() }.into()
}

fn unlock() -> PersonCommand {
    Unlock { person: id() }.into()
}

fn log_in() -> PersonCommand {
    RecordLogin { person: id() }.into()
}

fn forget() -> PersonCommand {
    Forget { person: id() }.into()
}

#[test]
fn a_person_is_registered_only_once() {
    given(&persons(), []).when(register()).on("usr_1").then([registered()]);
    given(&persons(), [registered()]).when(register()).then_rejected(PersonRejection::AlreadyRegistered);
    given(&persons(), [registered(), forgotten()]).when(register()).then_rejected(PersonRejection::Forgotten);
}

#[test]
fn a_role_is_one_that_the_system_has() {
    let changed = RolesChanged { person: id(), roles: roles(&["operator"]) };
    given(&persons(), [registered()]).when(change(&["operator"])).then([changed.into()]);
    let unknown = PersonRejection::UnknownRole { role: "king".into() };
    given(&persons(), [registered()]).when(change(&["king"])).then_rejected(unknown);
    given(&persons(), [registered()]).when(change(&["member"])).then_rejected(PersonRejection::SameRoles);
    given(&persons(), []).when(change(&["member"])).then_rejected(PersonRejection::NotRegistered);
}

#[test]
fn who_is_locked_does_not_come_in_until_unlocked() {
    given(&persons(), [registered()]).when(lock()).then([locked()]);
    given(&persons(), [registered(), locked()]).when(lock()).then_rejected(PersonRejection::Locked);
    given(&persons(), [registered(), locked()]).when(log_in()).then_rejected(PersonRejection::Locked);
    let unlocked = Unlocked { person: id() };
    given(&persons(), [registered(), locked()]).when(unlock()).then([unlocked.clone().into()]);
    given(&persons(), [registered()]).when(unlock()).then_rejected(PersonRejection::NotLocked);
    given(&persons(), [registered(), locked(), unlocked.into()])
        .when(log_in())
        .then([LoggedIn { person: id() }.into()]);
}

#[test]
fn who_is_forgotten_stays_forgotten() {
    given(&persons(), [registered(), locked()]).when(forget()).then([forgotten()]);
    for command in [lock(), unlock(), log_in(), change(&["member"]), forget()] {
        given(&persons(), [registered(), forgotten()]).when(command).then_rejected(PersonRejection::Forgotten);
    }
    given(&persons(), []).when(forget()).then_rejected(PersonRejection::NotRegistered);
}
