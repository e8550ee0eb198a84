//! What others notice of thousands of connections that take their time: heads that trickle, bodies that trickle, and readers
//! who do not read.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time,
};

use crate::{
    callers::{Callers, Heard, always},
    machine::pss_mb,
    street::{PATH, Street},
    table::{Row, percentile},
};

/// Connections that take their time, a third of each kind.
const SLOW: usize = 2_000;
/// What is sent of a head or a body, and how often: a tenth of the time that a head may take.
const DROP: &[u8] = b"a";
const EVERY: Duration = Duration::from_millis(500);
/// Others ask two hundred times a second, so that a hundredth of them is forty.
const OTHERS: (u64, Duration) = (4_000, Duration::from_millis(5));
/// What a reader's socket holds is not what is measured.
const BUFFER: u32 = 4_096;
/// So long all of them are there before others are looked at: longer than a head may take, shorter than a request.
const SETTLE: Duration = Duration::from_secs(6);

#[derive(Clone, Copy)]
enum Kind {
    Head,
    Body,
    Reader,
}

#[test]
#[ignore = "measures: run it alone, with `make bench`"]
fn slow_connections() {
    let (street, callers) = (Street::open(), Callers::new());
    let (ask, gateway) = (always(PATH, &street.token()), street.gateway_process());
    callers.at_a_pace(street.gateway, (OTHERS.0 / 4, OTHERS.1), &ask).all_well();
    let without = callers.at_a_pace(street.gateway, OTHERS, &ask).all_well();
    let mut slow = callers.wait_for(begin(street.gateway, &street.token()));
    callers.wait_for(async { time::sleep(SETTLE).await });
    let with = callers.at_a_pace(street.gateway, OTHERS, &ask);
    let weighs = pss_mb(gateway);
    callers.wait_for(slow.shutdown());
    print(&without, &with, weighs);
}

fn print(without: &Heard, with: &Heard, weighs: f64) {
    let [before, during] =
        [&without.ms, &with.ms].map(|ms| if ms.is_empty() { f64::NAN } else { percentile(ms, 0.99) });
    Row {
        what: "others' p99 beside 2 000 slow connections",
        gate: "≤ 2 × without",
        measured: format!("{during:.2} ms"),
        beside: format!("without {before:.2} ms: {:.2} ×; gateway {weighs:.0} MB", during / before),
    }
    .print();
    let refused: u64 = with.refused.values().sum();
    with.refused.iter().take(3).for_each(|(why, count)| println!("{count} times: {why:.300}"));
    Row {
        what: "others' errors meanwhile",
        gate: "0",
        measured: refused.to_string(),
        beside: format!("of {}, one caller", OTHERS.0),
    }
    .print();
}

/// Each opens its connection again when it was closed.
async fn begin(at: SocketAddr, token: &str) -> JoinSet<()> {
    let mut all = JoinSet::new();
    for number in 0..SLOW {
        let kind = [Kind::Head, Kind::Body, Kind::Reader][number % 3];
        let begins = kind.begins(token);
        all.spawn(async move {
            loop {
                // Whatever ends it: the next one comes.
                let _ = trickle(at, kind, begins.as_bytes()).await;
                time::sleep(EVERY).await;
            }
        });
    }
    all
}

impl Kind {
    fn begins(self, token: &str) -> String {
        let somebody = format!("host: localhost\r\nauthorization: Bearer {token}\r\n");
        match self {
            Self::Head => "GET /constant/1 HTTP/1.1\r\nhost: localhost\r\nx-slow: ".to_owned(),
            Self::Body => format!("POST /constant/1 HTTP/1.1\r\n{somebody}content-length: 100000\r\n\r\n"),
            Self::Reader => format!("GET /constant/large HTTP/1.1\r\n{somebody}\r\n"),
        }
    }
}

/// Until the other side closes it.
async fn trickle(at: SocketAddr, kind: Kind, begins: &[u8]) -> std::io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(BUFFER)?;
    let mut stream: TcpStream = socket.connect(at).await?;
    stream.write_all(begins).await?;
    let mut due = time::interval(EVERY);
    loop {
        due.tick().await;
        match kind {
            Kind::Head | Kind::Body => stream.write_all(DROP).await?,
            // It is closed by whoever waits for it, after a minute.
            Kind::Reader => {}
        }
    }
}
