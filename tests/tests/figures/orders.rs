//! What an order costs all processes together: processor time, the disk, the stores, memory; at a pace and at saturation.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, thread, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, header};
use rusqlite::{Connection, OpenFlags};
use serde_json::json;
use system_tests::harness::{Mall, orders::order_of, people::CUSTOMER, system::System, wait};

use crate::{
    callers::{Ask, Callers},
    machine::{kept, processor, pss_mb, written_by},
    table::{Row, percentile},
};

/// At a pace: so many orders, twenty a second, of one caller.
const PACED: (u64, Duration) = (400, Duration::from_millis(50));
/// At saturation: so many orders of so many callers, so that there are five thousand and more in the end.
const ORDERS: u64 = 5_000;
const CALLERS: usize = 64;
/// Before anything is counted: connections, tables and caches are there.
const WARM: (u64, Duration) = (40, Duration::from_millis(50));
/// The goods there are, so that no order waits for another's stock alone.
const GOODS: [&str; 5] = ["TV", "MASK", "NOTEBOOK", "TABLE", "CLOCK"];
/// More of each than is ordered.
const PIECES: u32 = 1_000_000;
/// How often it is looked whether all have ended: it costs the same two cores something.
const LOOK: Duration = Duration::from_millis(200);
/// Longer than a backlog of everything takes on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(300);

#[test]
#[ignore = "measures: run it alone, with `make bench`"]
fn the_price_of_an_order() {
    // The figures before were of the six contexts; the frame of the pages and what the pages ask came later.
    let six = Costs::of("six contexts", System::of_the_mall().without("shell").without("bff-web"));
    let whole = Costs::of("whole mall", System::of_the_mall());
    print_costs(&six, &whole);
    print_answers(&six, &whole);
}

/// What was measured of one system.
struct Costs {
    paced: Spent,
    saturated: Spent,
    /// How long `POST /orders` took at the pace, milliseconds.
    answers: Vec<f64>,
    /// Completed in a second at saturation.
    rate: f64,
    /// Kept for an order, and by which files, bytes.
    kept: f64,
    memory_mb: f64,
    /// Orders there are in the end, and those of them that were not completed.
    orders: (u64, u64),
}

/// What an order took.
struct Spent {
    /// Of each service, milliseconds of processor time.
    processor_ms: BTreeMap<String, f64>,
    written_kb: f64,
    /// Of each service, what its store counted: reads, Commits, transactions.
    stores: BTreeMap<String, [f64; 3]>,
}

/// What the kernel and the stores have counted so far.
struct Counted {
    processor: BTreeMap<String, Duration>,
    written: u64,
    stores: BTreeMap<String, [f64; 3]>,
}

impl Costs {
    fn of(name: &str, system: System) -> Self {
        let (mall, callers) = (Mall::start(system), Callers::new());
        for sku in GOODS {
            let receipt = json!({ "quantity": PIECES });
            let _ = mall.post(&format!("/stock/{sku}/receipts"), &format!("receive {sku}"), &receipt).expect(201);
            mall.until_sold(sku);
        }
        let gateway: SocketAddr = mall.gateway().trim_start_matches("http://").parse().expect("an address");
        let data = mall.system().data();
        callers.at_a_pace(gateway, WARM, &order("warm", &mall.token(CUSTOMER))).all_well();
        until_ended(&mall, WARM.0);

        let (before, files) = (Counted::now(&mall), kept(&data));
        let paced = callers.at_a_pace(gateway, PACED, &order("paced", &mall.token(CUSTOMER))).all_well();
        assert_eq!(until_ended(&mall, WARM.0 + PACED.0), 0, "at this pace every order is completed");
        let paced_spent = Counted::now(&mall).since(&before, PACED.0);

        let (before, began) = (Counted::now(&mall), wait::now());
        let ask = order("saturated", &mall.token(CUSTOMER));
        callers.at_once(gateway, CALLERS, ORDERS, &ask).all_well();
        println!("{name}: {ORDERS} orders of {CALLERS} callers were taken in {:.1?}", began.elapsed());
        let orders = WARM.0 + PACED.0 + ORDERS;
        let failed = until_ended(&mall, orders);
        let took = began.elapsed();
        // Whatever a failed order took is a part of the price of the others.
        let saturated = Counted::now(&mall).since(&before, (ORDERS - failed).max(1));
        until_audited(&mall, orders);
        let costs = Self {
            paced: paced_spent,
            saturated,
            answers: paced.ms,
            rate: (ORDERS - failed) as f64 / took.as_secs_f64(),
            kept: (kept(&data) - files) as f64 / (PACED.0 + ORDERS) as f64,
            memory_mb: processes(&mall).iter().map(|(_, pid)| pss_mb(*pid)).sum(),
            orders: (orders, failed),
        };
        costs.tell(name);
        costs
    }

    /// Which process takes how much of an order.
    fn tell(&self, name: &str) {
        for (when, spent) in [("at 20/s", &self.paced), ("at saturation", &self.saturated)] {
            let mut processor: Vec<_> = spent.processor_ms.iter().collect();
            processor.sort_by(|a, b| b.1.total_cmp(a.1));
            let processor: Vec<_> = processor.iter().map(|(name, ms)| format!("{name} {ms:.2}")).collect();
            println!("{name}, {when}: processor time of an order, ms: {}", processor.join(", "));
            let stores = spent.stores.iter().map(|(name, [reads, commits, groups])| {
                format!("{name} {reads:.0} reads, {commits:.1} Commits in {groups:.1}")
            });
            println!("{name}, {when}: stores: {}", stores.collect::<Vec<_>>().join("; "));
        }
    }
}

impl Spent {
    fn processor(&self) -> f64 {
        self.processor_ms.values().sum()
    }

    fn stores(&self) -> [f64; 3] {
        self.stores.values().fold([0.0; 3], |sum, one| [sum[0] + one[0], sum[1] + one[1], sum[2] + one[2]])
    }
}

impl Counted {
    fn now(mall: &Mall) -> Self {
        let processes = processes(mall);
        let pids: Vec<u32> = processes.iter().map(|(_, pid)| *pid).collect();
        let stores = system_tests::mall::CONTEXTS.into_iter().chain(["identity"]);
        let count = |name: &str| {
            let process = mall.ps().into_iter().find(|process| process.name == name && process.pid.is_some())?;
            let figure = |what: &str| mall.figure(&process, &format!("bongsu_store_{what}_total"));
            Some((name.to_owned(), [figure("reads")?, figure("commits")?, figure("groups")?]))
        };
        Self {
            stores: stores.filter_map(count).collect(),
            written: written_by(&pids),
            processor: processes.into_iter().map(|(name, pid)| (name, processor(pid))).collect(),
        }
    }

    fn since(&self, before: &Self, orders: u64) -> Spent {
        let each = |value: f64| value / orders as f64;
        let spent = |(name, now): (&String, &Duration)| {
            let ms = (*now - before.processor.get(name).copied().unwrap_or_default()).as_secs_f64() * 1e3;
            (name.clone(), each(ms))
        };
        let counted = |(name, now): (&String, &[f64; 3])| {
            let before = before.stores.get(name).copied().unwrap_or_default();
            (name.clone(), [0, 1, 2].map(|at| each(now[at] - before[at])))
        };
        Spent {
            processor_ms: self.processor.iter().map(spent).collect(),
            written_kb: each((self.written - before.written) as f64 / 1_024.0),
            stores: self.stores.iter().map(counted).collect(),
        }
    }
}

/// Every process of it, the supervisor too.
fn processes(mall: &Mall) -> Vec<(String, u32)> {
    let all = mall.ps().into_iter().filter_map(|process| Some((process.name, process.pid?)));
    all.chain([("supervisor".to_owned(), mall.supervisor())]).collect()
}

/// Orders of one piece, of one good after the other.
fn order(name: &'static str, token: &str) -> Ask {
    let bearer = format!("Bearer {token}");
    let bodies = GOODS.map(|sku| Bytes::from(order_of(&[(sku, 1)]).to_string()));
    Arc::new(move |number| {
        let request = Request::post("/orders").header(header::AUTHORIZATION, &bearer);
        let request = request.header("idempotency-key", format!("{name} {number}"));
        let body = Full::new(bodies[number as usize % bodies.len()].clone());
        request.header(header::CONTENT_TYPE, "application/json").body(body).expect("a request")
    })
}

/// Waits until so many orders have ended; how many of them otherwise than completed. The store is read beside its service, which
/// has nothing to do for that.
fn until_ended(mall: &Mall, orders: u64) -> u64 {
    let file = mall.system().data().join("ordering.db");
    let store = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("its store can be read");
    let count = |names: &str| {
        let query = format!("SELECT count(*) FROM event WHERE name IN ({names})");
        store.query_row(&query, [], |row| row.get::<_, i64>(0)).unwrap_or(0) as u64
    };
    let deadline = wait::now() + PATIENCE;
    loop {
        let (completed, failed) = (count("'order.completed'"), count("'order.rejected', 'order.cancelled'"));
        if completed + failed >= orders {
            return failed;
        }
        assert!(wait::now() < deadline, "{completed} of {orders} orders are completed after {PATIENCE:?}");
        thread::park_timeout(LOOK);
    }
}

/// Waits until the audit has heard of all orders and disagrees about none.
fn until_audited(mall: &Mall, orders: u64) {
    let quiet = json!({ "orders": orders, "disagreeing": 0 });
    wait::until("the audit is quiet", PATIENCE, || match mall.get("/audit/summary").json() {
        said if said == quiet => Ok(()),
        said => Err(said.to_string()),
    });
}

fn print_costs(six: &Costs, whole: &Costs) {
    let row = |what: &str, gate: &str, unit: &str, of: &dyn Fn(&Costs) -> f64| {
        let measured = format!("{:.1}{unit}", of(six));
        Row { what, gate, measured, beside: format!("whole mall {:.1}{unit}", of(whole)) }.print();
    };
    row("processor time of all processes per completed order, at 20/s", "≤ 20 ms", " ms", &|it| it.paced.processor());
    row("the same at saturation (64 callers)", "≤ 3.4 ms", " ms", &|it| it.saturated.processor());
    row("store reads per order, at 20/s", "≤ 80", "", &|it| it.paced.stores()[0]);
    row("Commits per order, at 20/s", "≤ 50", "", &|it| it.paced.stores()[1]);
    row("transactions (fsyncs) of all stores per order, at 20/s", "", "", &|it| it.paced.stores()[2]);
    row("written to disk per order, at 20/s", "≤ 500 KB", " KB", &|it| it.paced.written_kb);
    row("the same at saturation", "≤ 150 KB", " KB", &|it| it.saturated.written_kb);
    row("kept on disk per order, all stores and broker", "≤ 20 KB", " KB", &|it| it.kept / 1_024.0);
    row("memory of all processes after 5 000 orders", "≤ 150 MB", " MB", &|it| it.memory_mb);
}

fn print_answers(six: &Costs, whole: &Costs) {
    let ended = |it: &Costs| format!("{} of {} orders not completed, audit quiet", it.orders.1, it.orders.0);
    Row {
        what: "completed orders/s sustained, nothing refused, audit quiet at the end",
        gate: "≥ 500",
        measured: format!("{:.0}", six.rate),
        beside: format!("{}; whole mall {:.0}, {}", ended(six), whole.rate, ended(whole)),
    }
    .print();
    let [p50, p99] = [0.5, 0.99].map(|share| percentile(&six.answers, share));
    Row {
        what: "POST /orders through the gateway, one caller at 20/s, p50",
        gate: "≤ 1.5 ms",
        measured: format!("{p50:.2} ms"),
        beside: format!("p99 {p99:.2} ms; whole mall {:.2} ms", percentile(&whole.answers, 0.5)),
    }
    .print();
}
