//! The tests that every context stands under, driven by its map, in one line: [`standing!`](crate::standing!).
//!
//! They look at files beside the context. `golden/` (of a context of two crates `domain/golden/`) holds bodies of everything
//! it stores: `NAME.vN.json` and, where a field may be absent, `NAME.vN.bare.json`. `contracts/` holds the schema of every
//! fact it tells, samples, and the description of its API. `BLESS=1` drafts what is missing, from the types alone; a draft
//! that a type refuses is written by hand. `golden.lock` remembers what was written once: a sample in it changes only with
//! `BLESS=replace:NAME.vN`, which reviewers see. Where `CI` is set nothing is written.

mod draft;
mod files;
mod heard;
mod stored;
mod told;

use std::sync::Arc;

use axum::Router;
use bongsu_host::HyperClient;
use bongsu_runtime::{
    Handle,
    ports::env::{Env, HttpClient},
};
use serde::{Serialize, de::DeserializeOwned};

pub use self::{heard::heard, stored::stored, told::told};
use crate::{Bench, conventions, settings};

/// Every check of a context by its crate's name: its golden samples, its contracts both ways, its API's description and
/// conventions, the ranges of its settings. The crate has `service(&Settings)`, `Settings`, `api::api` and `api::routes`.
///
/// A context that asks others is given an outside, `fn outside(env: &Arc<dyn Env>) -> Arc<dyn HttpClient>`, that answers for
/// them: `standing!(house, there, outside)`.
///
/// A route that shows a single thing needs one that is there: a function says it and gives the addresses,
/// `async fn there(bench: &Bench) -> Vec<(&'static str, String)>`, with pairs like `("/doors/{id}", "/doors/front")`.
///
/// ```ignore
/// bongsu_testing::standing!(house);
/// bongsu_testing::standing!(house, there);
/// ```
#[macro_export]
macro_rules! standing {
    ($context:ident) => {
        $crate::standing!($context, $crate::standing::nothing_is_there);
    };
    ($context:ident, $there:path) => {
        $crate::standing!($context, $there, $crate::standing::the_network);
    };
    ($context:ident, $there:path, $outside:path) => {
        fn standing_service() -> ($crate::standing::Service, &'static ::std::path::Path) {
            let settings = ::std::default::Default::default();
            ($context::service(&settings), ::std::path::Path::new(env!("CARGO_MANIFEST_DIR")))
        }

        #[test]
        fn what_was_stored_once_is_read_for_ever() {
            let (service, folder) = standing_service();
            $crate::standing::stored(folder, &service);
        }

        #[test]
        fn what_is_told_is_as_the_contracts_say() {
            let (service, folder) = standing_service();
            $crate::standing::told(folder, &service);
        }

        #[test]
        fn what_is_heard_parses_every_sample_of_the_others() {
            let (service, folder) = standing_service();
            $crate::standing::heard(folder, &service);
        }

        #[test]
        fn the_api_is_described_as_it_is_served() {
            let (_, folder) = standing_service();
            $crate::given::contract::described(&folder.join("contracts"), &$context::api::api().description());
        }

        #[test]
        fn every_number_that_can_be_set_has_a_range() {
            $crate::standing::ranges::<$context::Settings>();
        }

        #[test]
        fn every_route_keeps_the_http_conventions() {
            let (service, _) = standing_service();
            $crate::standing::conventions(service, $context::api::routes, $outside, $there);
        }
    };
}

#[doc(hidden)]
pub use bongsu_runtime::Service;

/// For a context of which no route shows a single thing.
pub async fn nothing_is_there(_: &Bench) -> Vec<(&'static str, String)> {
    Vec::new()
}

/// For a context that meets the outside over the network, if it meets it at all.
#[doc(hidden)]
pub fn the_network(_: &Arc<dyn Env>) -> Arc<dyn HttpClient> {
    Arc::new(HyperClient::new())
}

/// Sees every setting of a context refuse what it cannot mean, and every number what no setting can.
///
/// # Panics
/// As [`settings::have_ranges`].
pub fn ranges<S: Default + Serialize + DeserializeOwned>() {
    let settings::Looked { settings, numbers } = settings::have_ranges::<S>();
    println!("{settings} settings take only what they can mean; {numbers} of them are numbers and have a range");
}

/// Asks every route of a context that runs alone for what it must refuse, and for what it must answer.
///
/// # Panics
/// As [`conventions::hold`].
pub fn conventions(
    service: Service,
    routes: impl FnOnce(Handle) -> Router,
    outside: impl FnOnce(&Arc<dyn Env>) -> Arc<dyn HttpClient>,
    there: impl AsyncFnOnce(&Bench) -> Vec<(&'static str, String)>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("the machine has a clock");
    runtime.block_on(async {
        let bench = Bench::facing(service, routes, outside);
        let there = there(&bench).await;
        let there: Vec<(&str, &str)> = there.iter().map(|(route, address)| (*route, address.as_str())).collect();
        let asked = conventions::hold(bench.app.clone(), "ann", &there).await;
        println!("{asked} requests answered by the conventions");
    });
}
