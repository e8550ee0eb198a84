//! Runs the product context.
#![forbid(unsafe_code)]

use std::{process::ExitCode, sync::Arc};

use axum::Extension;
use product::{Settings, api, seed::seed, service};

fn main() -> ExitCode {
    bongsu::main("product", service, |handle, settings: &Settings| {
        let routes = api::routes(handle.clone());
        if !settings.seed {
            return routes;
        }
        // The task ends when its handle is dropped, so the routes keep it.
        let seeding = handle.env().spawn("seed", Box::pin(seed(handle.clone(), settings.clone())));
        routes.layer(Extension(Arc::new(seeding)))
    })
}
