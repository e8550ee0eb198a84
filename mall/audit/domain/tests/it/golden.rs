//! What was stored once can be read for ever.

use std::path::Path;

use audit_domain::{
    events::InspectionEvent,
    inspection::{InspectionCommand, InspectionRejection},
};
use bongsu_given::contract::golden;

use crate::inspecting::*;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/golden"))
}

#[test]
fn events_of_inspections_are_read_for_ever() {
    golden::<InspectionEvent>(folder(), &[taken_up(), found(kept(), 6_500), agreed()]);
}

#[test]
fn commands_and_rejections_are_read_for_ever() {
    golden::<InspectionCommand>(folder(), &[take_up(), report(kept(), 6_500), settle()]);
    golden(folder(), &[InspectionRejection::AlreadyTakenUp]);
}
