//! The program itself: what it keeps and what it says, down to its finest log, searched for what a person told.

use std::{
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use http::Method;

use crate::{
    browser::{Browser, PASSWORD},
    provider::{Http, Response},
};

const EMAIL: &str = "canary.p4z@house.example";
const NAME: &str = "Canary Wvxk";

/// A running program, killed when dropped.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(folder: &Path, port: u16) -> Program {
    let log = File::create(folder.join("log")).expect("a file");
    let settings = [
        ("BONGSU_LISTEN", format!("127.0.0.1:{port}")),
        ("BONGSU_SERVICE_ISSUER", format!("http://127.0.0.1:{port}/identity")),
        ("BONGSU_LOG", "trace".to_owned()),
    ];
    let mut command = Command::new(env!("CARGO_BIN_EXE_identity"));
    command.env_clear().envs(settings).current_dir(folder).stdin(Stdio::null());
    let both = log.try_clone().expect("a second handle");
    Program(command.stdout(log).stderr(both).spawn().expect("it starts"))
}

async fn ask(http: &Http, method: Method, url: &str, who: Option<&str>) -> Response {
    let headers = ["x-bongsu-principal", "x-bongsu-roles"].map(|name| who.map(|who| (name.to_owned(), who.to_owned())));
    let headers: Vec<_> = headers.into_iter().flatten().collect();
    http.send(method, url, &headers, String::new()).await
}

async fn until_ready(http: &Http, at: &str) {
    let ready = async {
        while tokio::net::TcpStream::connect(at).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        while ask(http, Method::GET, &format!("http://{at}/health/ready"), None).await.status != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ready).await.expect("ready in time");
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    all.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).filter(|path| path.is_file()).collect()
}

fn found(folder: &Path, text: &str) -> Vec<PathBuf> {
    let holds = |path: &PathBuf| fs::read(path).expect("a file").windows(text.len()).any(|it| it == text.as_bytes());
    files(folder).into_iter().filter(holds).collect()
}

#[tokio::test]
async fn nothing_that_is_kept_or_said_names_who_is_forgotten() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let _program = start(folder.path(), port);
    let http = Http::new();
    let host = format!("127.0.0.1:{port}");
    until_ready(&http, &host).await;
    let mut browser = Browser::new();
    let fields = [("email", EMAIL), ("name", NAME), ("password", PASSWORD)];
    let signed_up = browser.fill(&format!("http://{host}/identity/sign-up"), &fields).await;
    assert_eq!(signed_up.status, 303, "{signed_up:?}");
    let wrong = [("email", EMAIL), ("password", "another password")];
    assert_eq!(Browser::new().fill(&format!("http://{host}/identity/login"), &wrong).await.status, 401);
    for told in [EMAIL, NAME] {
        let where_it_is = found(folder.path(), told);
        assert!(!where_it_is.is_empty(), "{told} is in no file: this test sees nothing");
        assert!(where_it_is.iter().all(|path| path.to_string_lossy().contains("identity.db")), "{where_it_is:?}");
    }
    assert_eq!(found(folder.path(), PASSWORD), Vec::<PathBuf>::new(), "a password is neither kept nor said");

    let events = ask(&http, Method::GET, &format!("http://{host}/bongsu/events"), None).await.json();
    let stream = events["events"][0]["stream"].as_str().expect("a stream");
    let person = stream.strip_prefix("person/").expect("a person's");
    let forgotten = format!("http://{host}/identity/persons/{person}");
    assert_eq!(ask(&http, Method::DELETE, &forgotten, Some("operator")).await.status, 200);
    for told in [EMAIL, NAME] {
        assert_eq!(found(folder.path(), told), Vec::<PathBuf>::new(), "{told}");
    }
    assert!(!found(folder.path(), person).is_empty(), "what happened stays, under a name that is nobody's");
}
