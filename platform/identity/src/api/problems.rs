//! Why nothing changed, as operators are told.

use bongsu_host::problem::Problem;
use http::StatusCode;

use crate::person::PersonRejection;

pub(super) fn problem(rejection: PersonRejection) -> Problem {
    match rejection {
        PersonRejection::NotRegistered => Problem::not_found("There is no such person."),
        PersonRejection::AlreadyRegistered => conflict("already-registered", "This person is registered"),
        PersonRejection::Forgotten => conflict("person-forgotten", "This person is forgotten"),
        PersonRejection::Locked => conflict("person-locked", "This person is locked"),
        PersonRejection::NotLocked => conflict("person-not-locked", "This person is not locked"),
        PersonRejection::SameRoles => conflict("same-roles", "This person has these roles"),
        PersonRejection::UnknownRole { role } => {
            let unknown = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown-role", "There is no such role");
            unknown.error("/roles", format!("The system has no role {role:?}."))
        }
    }
}

fn conflict(code: &str, title: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, title)
}
