//! Configuration from a real repository, taken by real processes while they run.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::fixture::{Fixture, get, now, send, signal, text};

const HOUSE: &str = "
[config]
repository = 'settings'
[gateway]
listen = '127.0.0.1:0'
config = { wait_ms = 0 }
[identity]
config = { environment = 'dev' }
ENV
[[service]]
name = 'door'
command = 'FAKE'
routes = ['/doors']
public = ['* /doors']
";

/// A repository of settings.
struct Settings(PathBuf);

impl Settings {
    fn new(folder: PathBuf) -> Self {
        fs::create_dir_all(folder.join("config/dev")).unwrap();
        let this = Self(folder);
        this.git(&["init", "--quiet", "--initial-branch=main"]);
        this
    }

    fn git(&self, args: &[&str]) -> String {
        let who = ["-c", "user.name=Ann", "-c", "user.email=ann@house.example", "-c", "commit.gpgsign=false"];
        let output = Command::new("git").args(who).args(args).current_dir(&self.0).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", text(&output.stderr));
        text(&output.stdout).trim().to_owned()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join("config/dev").join(name)
    }

    /// Everything that lies there, as a commit; its name as everybody is told it.
    fn commit(&self) -> String {
        self.git(&["add", "--all", "."]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", "settings"]);
        self.git(&["rev-parse", "HEAD"])[..12].to_owned()
    }

    /// A commit of these files and no others.
    fn say(&self, files: &[(&str, &str)]) -> String {
        for old in fs::read_dir(self.0.join("config/dev")).unwrap() {
            fs::remove_file(old.unwrap().path()).unwrap();
        }
        for (name, text) in files {
            fs::write(self.file(name), text).unwrap();
        }
        self.commit()
    }
}

fn house(env: &str, files: &[(&str, &str)]) -> (Fixture, Settings, String) {
    let mut fixture = Fixture::new(&HOUSE.replace("ENV", env));
    let settings = Settings::new(fixture.path("settings"));
    let revision = settings.say(files);
    fixture.up();
    (fixture, settings, revision)
}

fn shown(fixture: &Fixture) -> Value {
    let output = fixture.bongsu(&["config", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Waits until gateway and identity decide under a revision, which is the newest.
fn until_taken(fixture: &Fixture, revision: &str) {
    until_counts(fixture, revision, "current", 2);
}

/// Waits until so many decide under a revision, and nobody under another one.
fn until_counts(fixture: &Fixture, revision: &str, state: &str, many: usize) {
    fixture.until(&format!("{revision} is taken: {}", shown(fixture)), |fixture| {
        let shown = shown(fixture);
        let all = shown["instances"].as_array().unwrap();
        let taken = all.len() == many && all.iter().all(|row| row["acknowledged"] == true);
        (shown["revision"] == revision && shown["state"] == state && taken).then_some(())
    });
}

/// Waits until a commit is refused, and says why.
fn until_refused(fixture: &Fixture, revision: &str) -> String {
    fixture.until(&format!("{revision} is refused"), |fixture| {
        let refused = shown(fixture)["refused"].clone();
        (refused["revision"] == revision).then(|| refused["reason"].as_str().unwrap().to_owned())
    })
}

fn rates(requests: u32) -> String {
    format!(
        "[service]\nrates = [{{ name = 'few', per = 'address', path = '/doors', requests = {requests}, seconds = 3600 }}]\n"
    )
}

fn pids(fixture: &Fixture) -> Vec<u32> {
    ["gateway", "identity-1", "door-1"].map(|slot| fixture.pid(slot)).to_vec()
}

#[test]
fn a_commit_changes_what_a_running_gateway_does_and_a_working_tree_does_not() {
    let (fixture, settings, first) = house("", &[("gateway.toml", &rates(1_000))]);
    until_taken(&fixture, &first);
    let (before, url) = (pids(&fixture), format!("{}/doors", fixture.url("gateway")));
    let answer = get(&url).unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains(&format!("x-bongsu-revision: {first}")), "{}", answer.head);
    assert!(answer.head.contains("\"few\";q=1000"), "{}", answer.head);
    fs::write(settings.file("gateway.toml"), rates(1)).unwrap();
    let second = settings.say(&[("gateway.toml", &rates(2)), ("README.md", "what this is")]);
    let committed = now();
    fixture.until("the second is served by", |_| get(&url)?.head.contains(&second).then_some(()));
    // A look at the branch, a look at the folder, and what a busy machine takes: the goal is a second.
    assert!(committed.elapsed() < Duration::from_secs(3), "{:?}", committed.elapsed());
    while get(&url).unwrap().status == 200 {}
    let refused = get(&url).unwrap();
    assert_eq!(refused.status, 429);
    assert!(refused.head.contains("\"few\";q=2") && refused.head.contains(&second), "{}", refused.head);
    until_taken(&fixture, &second);
    assert_eq!(pids(&fixture), before, "nobody was started again");
    assert!(text(&fixture.bongsu(&["ps"]).stdout).contains(&second));
    let logs = text(&fixture.bongsu(&["logs", "gateway", "--json"]).stdout);
    assert!(
        logs.contains(&format!("\\\"revision\\\":\\\"{second}\\\""))
            || logs.contains(&format!("\"revision\":\"{second}\""))
    );
    let keys = text(&fixture.bongsu(&["config", "settings", "gateway"]).stdout);
    assert!(keys.lines().any(|line| line.starts_with("service.wait_ms") && line.ends_with("live")), "{keys}");
    assert!(keys.lines().any(|line| line.starts_with("limits.concurrency") && line.ends_with("restart")), "{keys}");
}

/// A file, what is in it, and why it is refused.
const WRONG: [(&str, &str, &str); 13] = [
    ("gateway.toml", "[service]\nwait = 5\n", "gateway.toml: unknown key service.wait"),
    ("gateway.toml", "[service]\nwait_ms = 60001\n", "a whole number from 0 to 60000, not 60001"),
    ("gateway.toml", "[service]\nwait_ms = '5'\n", "a whole number from 0 to 60000"),
    ("gateway.toml", "[service]\nrates = [{ name = 'x', per = 'planet' }]\n", "service.rates[0].per must be one of"),
    ("gateway.toml", "[service\n", "config/dev/gateway.toml: line 1 is not TOML"),
    ("gateway.toml", "name = 'mine'\n", "unknown key name"),
    ("identity.toml", "[service]\nsmtp_password = 'hunter2'\n", "service.smtp_password is a secret"),
    ("identity.toml", "[service]\nissuer = 'https://ann:hunter2@id.example'\n", "service.issuer is a secret"),
    ("window.toml", "", "window.toml: no service has this name"),
    ("door.toml", "", "door.toml: door has never registered"),
    ("shared.toml", "[service]\nno_such = 1\n", "shared.toml: unknown key service.no_such"),
    ("gateway.yaml", "a: 1", "settings are in shared.toml and SERVICE.toml"),
    ("identity.toml", "[limits]\nrequest_timeout_ms = 9000\n", "'bongsu config apply' takes this commit"),
];

#[test]
fn what_cannot_be_meant_is_refused_whole_and_everybody_goes_on() {
    let (fixture, settings, good) = house("", &[("gateway.toml", &rates(1_000))]);
    until_taken(&fixture, &good);
    let wait = "[service]\nwait_ms = 5\n";
    for (name, content, why) in WRONG {
        // Right for the gateway, beside what is wrong.
        let files =
            if name == "gateway.toml" { vec![(name, content)] } else { vec![("gateway.toml", wait), (name, content)] };
        let bad = settings.say(&files);
        let said = until_refused(&fixture, &bad);
        assert!(said.contains(why) && !said.contains("hunter2") && !said.contains('\n'), "{said}");
    }
    no_files(&fixture, &settings);
    let shown = shown(&fixture);
    assert_eq!((&shown["revision"], &shown["state"]), (&good.clone().into(), &"stale".into()));
    let answer = get(&format!("{}/doors", fixture.url("gateway"))).unwrap();
    assert!(answer.head.contains(&good) && answer.head.contains("q=1000"), "{}", answer.head);
    let info = get(&format!("{}/info", fixture.url("identity-1"))).unwrap().json();
    assert_eq!(info["revision"], good.as_str());
    assert!(info["stale"].as_str().unwrap().contains("was refused"), "{info}");
    fs::create_dir_all(settings.0.join("config/dev")).unwrap();
    let next = settings.say(&[("gateway.toml", wait)]);
    until_taken(&fixture, &next);
}

/// What is no file of settings at all.
fn no_files(fixture: &Fixture, settings: &Settings) {
    settings.say(&[]);
    fs::write(settings.file("gateway.toml"), [0xff, 0xfe, 0, 1, 2]).unwrap();
    assert!(until_refused(fixture, &settings.commit()).contains("config/dev/gateway.toml is not UTF-8"));
    fs::write(settings.file("gateway.toml"), vec![b'#'; 10 << 20]).unwrap();
    assert!(until_refused(fixture, &settings.commit()).contains("has 10485760 bytes, and at most 262144 are read"));
    fs::remove_file(settings.file("gateway.toml")).unwrap();
    symlink("/etc/passwd", settings.file("gateway.toml")).unwrap();
    assert!(until_refused(fixture, &settings.commit()).contains("gateway.toml is no ordinary file"));
    fs::remove_dir_all(settings.0.join("config")).unwrap();
    assert!(until_refused(fixture, &settings.commit()).contains("there is no folder config/dev"));
}

#[test]
fn a_branch_may_be_pushed_back_or_be_gone_and_the_last_good_commit_outlives_the_repository() {
    let (mut fixture, settings, first) = house("", &[("gateway.toml", &rates(10))]);
    until_taken(&fixture, &first);
    let second = settings.say(&[("gateway.toml", &rates(20))]);
    until_taken(&fixture, &second);
    settings.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    until_taken(&fixture, &first);
    settings.git(&["branch", "--quiet", "-m", "main", "other"]);
    let stale = |fixture: &Fixture, why: &str| {
        fixture.until(why, |fixture| {
            let shown = shown(fixture);
            let says_it = shown["reason"].as_str().is_some_and(|reason| reason.contains(why));
            (shown["state"] == "stale" && shown["revision"] == first.as_str() && says_it).then_some(())
        });
    };
    stale(&fixture, "there is no branch main");
    settings.git(&["branch", "--quiet", "-m", "other", "main"]);
    until_taken(&fixture, &first);
    fs::rename(&settings.0, fixture.path("elsewhere")).unwrap();
    stale(&fixture, "there is no Git repository");
    let asked = || get(&format!("{}/doors", fixture.url("gateway"))).unwrap();
    assert!(asked().head.contains(&first));
    signal(fixture.supervisor(), Signal::SIGTERM);
    fixture.wait();
    fixture.up();
    stale(&fixture, "there is no Git repository");
    let answer = get(&format!("{}/doors", fixture.url("gateway"))).unwrap();
    assert!(answer.head.contains(&first) && answer.head.contains("q=10;"), "{}", answer.head);
    let logs = text(&fixture.bongsu(&["logs", "gateway"]).stdout);
    assert!(logs.contains("the configuration is not the newest"), "{logs}");
    fs::rename(fixture.path("elsewhere"), &settings.0).unwrap();
    until_taken(&fixture, &first);
}

#[test]
fn what_needs_a_restart_is_taken_when_somebody_says_so() {
    let (fixture, settings, first) = house("", &[("shared.toml", "")]);
    until_taken(&fixture, &first);
    let before = pids(&fixture);
    let second = settings.say(&[("identity.toml", "[limits]\nrequest_timeout_ms = 9000\n")]);
    let why = until_refused(&fixture, &second);
    assert_eq!(
        why,
        "limits.request_timeout_ms of identity is taken at start alone: 'bongsu config apply' takes this commit and starts who \
         needs it again"
    );
    let applied = fixture.bongsu(&["config", "apply"]);
    assert!(applied.status.success(), "{}", text(&applied.stderr));
    until_taken(&fixture, &second);
    let after = pids(&fixture);
    assert!(after[0] == before[0] && after[1] != before[1] && after[2] == before[2], "{before:?} {after:?}");
    let bad = settings.say(&[("identity.toml", "[limits]\nrequest_timeout_ms = 0\n")]);
    until_refused(&fixture, &bad);
    let refused = fixture.bongsu(&["config", "apply"]);
    assert!(!refused.status.success() && text(&refused.stderr).contains("limits.request_timeout_ms"), "{refused:?}");
}

#[test]
fn what_a_process_finds_it_cannot_mean_is_taken_back_from_all() {
    let (fixture, settings, good) = house("", &[("gateway.toml", &rates(10))]);
    until_taken(&fixture, &good);
    let twice = "rates = [{ name = 'a', per = 'path', requests = 1, seconds = 1 }, { name = 'a', per = 'path', requests = 1, seconds = 1 }]";
    let bad = settings.say(&[("gateway.toml", &format!("[service]\n{twice}\n"))]);
    let why = until_refused(&fixture, &bad);
    assert!(why.starts_with("gateway-1 does not take it: ") && why.contains("is there twice"), "{why}");
    fixture.until("everybody is back", |fixture| {
        let shown = shown(fixture);
        let all = shown["instances"].as_array()?.iter().all(|row| row["acknowledged"] == true);
        (all && shown["revision"] == good.as_str()).then_some(())
    });
    let next = settings.say(&[("gateway.toml", &rates(11))]);
    until_taken(&fixture, &next);
}

#[test]
fn several_gateways_are_started_again_and_who_was_started_again_for_what_is_taken_back_is_once_more() {
    let (fixture, settings, first) = house("", &[("shared.toml", "")]);
    assert!(fixture.bongsu(&["scale", "gateway=2"]).status.success());
    until_counts(&fixture, &first, "current", 3);
    let streams = "[service]\nstreams_per_caller = 8\n";
    let second = settings.say(&[("gateway.toml", streams)]);
    assert!(until_refused(&fixture, &second).contains("bongsu config apply"));
    for _ in 0..2 {
        let applied = fixture.bongsu(&["config", "apply"]);
        assert!(applied.status.success(), "the second time there is nothing to do: {}", text(&applied.stderr));
        until_counts(&fixture, &second, "current", 3);
    }
    let twice = "rates = [{ name = 'a', per = 'path', requests = 1, seconds = 1 }, { name = 'a', per = 'path', requests = 1, seconds = 1 }]";
    let third = settings.say(&[
        ("gateway.toml", &format!("{streams}{twice}\n")),
        ("identity.toml", "[limits]\nrequest_timeout_ms = 9000\n"),
    ]);
    assert!(until_refused(&fixture, &third).contains("bongsu config apply"));
    let before = fixture.pid("identity-1");
    fixture.bongsu(&["config", "apply"]);
    fixture.until("it is taken back", |fixture| {
        let refused = shown(fixture)["refused"].clone();
        refused["reason"].as_str()?.contains("is there twice").then_some(())
    });
    until_counts(&fixture, &second, "stale", 3);
    let info = fixture.until("it is back", |fixture| {
        let url = fixture.instance("identity-1")["url"].as_str()?.to_owned();
        Some(get(&format!("{url}/info"))?.json())
    });
    assert_eq!(info["revision"], second.as_str());
    assert_ne!(fixture.pid("identity-1"), before);
}

#[test]
fn what_is_applied_and_does_not_run_is_taken_back_and_the_next_instance_is_not_touched() {
    let (fixture, settings, first) = house("", &[("shared.toml", "")]);
    assert!(fixture.bongsu(&["scale", "gateway=2"]).status.success());
    until_counts(&fixture, &first, "current", 3);
    // Nothing registered says that there is no such file.
    let bad = settings.say(&[(
        "gateway.toml",
        "[service.tls]\nlisten = '127.0.0.1:0'\ncertificate = '/no/such.pem'\nkey = '/no/such.key'\n",
    )]);
    until_refused(&fixture, &bad);
    let second = fixture.pid("gateway-2");
    let applied = fixture.bongsu(&["config", "apply"]);
    assert!(!applied.status.success(), "{applied:?}");
    assert!(text(&applied.stderr).contains("gateway-1 does not come back with it: "), "{}", text(&applied.stderr));
    until_counts(&fixture, &first, "stale", 3);
    assert_eq!(fixture.pid("gateway-2"), second);
}

#[test]
fn who_does_not_take_it_gets_no_requests_until_he_does() {
    let frozen = tempfile::tempdir().unwrap();
    let write = |revision: &str| fs::write(frozen.path().join("revision"), revision).unwrap();
    write("frozen");
    let env = format!("env = {{ BONGSU_CONFIGURATION = '{}' }}", frozen.path().display());
    let (fixture, settings, first) = house(&env, &[("gateway.toml", &rates(10))]);
    let asked = |fixture: &Fixture| {
        get(&format!("{}/identity/.well-known/openid-configuration", fixture.url("gateway"))).unwrap().status
    };
    write(&first);
    until_taken(&fixture, &first);
    fixture.until("it gets requests", |fixture| (asked(fixture) == 200).then_some(()));
    let second = settings.say(&[("gateway.toml", &rates(11))]);
    fixture.until("it is out", |fixture| (fixture.instance("identity-1")["behind"] == true).then_some(()));
    assert_eq!(fixture.instance("identity-1")["state"], "ready");
    fixture.until("it gets none", |fixture| (asked(fixture) == 503).then_some(()));
    let said = text(&fixture.bongsu(&["config"]).stdout);
    assert!(said.contains("no, and gets no requests"), "{said}");
    assert!(text(&fixture.bongsu(&["ps"]).stdout).contains("does not take the configuration that counts"));
    write(&second);
    until_taken(&fixture, &second);
    fixture.until("it gets requests again", |fixture| (asked(fixture) == 200).then_some(()));
}

#[test]
fn an_instance_is_there_when_it_is_ready_and_gone_on_stop_and_on_crash() {
    let (fixture, _settings, first) = house("", &[("shared.toml", "")]);
    until_taken(&fixture, &first);
    let table = |fixture: &Fixture, after: u64| fixture.routes(after);
    let now = table(&fixture, 0);
    assert_eq!(now["upstreams"]["door"].as_array().unwrap().len(), 1);
    signal(fixture.pid("door-1"), Signal::SIGKILL);
    let next = table(&fixture, now["revision"].as_u64().unwrap());
    assert_eq!(next["upstreams"]["door"].as_array().unwrap().len(), 0, "{next}");
    fixture.until("it is back", |fixture| (!table(fixture, 0)["upstreams"]["door"][0].is_null()).then_some(()));
    assert!(fixture.bongsu(&["stop", "identity"]).status.success());
    assert_eq!(table(&fixture, 0)["upstreams"]["identity"].as_array().unwrap().len(), 0);
    let left = shown(&fixture);
    assert!(left["instances"].as_array().unwrap().iter().all(|row| row["instance"] == "gateway-1"), "{left}");
}

#[test]
fn without_a_repository_there_is_nothing_to_show_and_a_wrong_one_is_said() {
    let mut fixture = Fixture::of_services("");
    fixture.up();
    let said = fixture.bongsu(&["config"]);
    assert!(!said.status.success() && text(&said.stderr).contains("see [config]"), "{said:?}");
    let wrong = Fixture::new("[config]\nrepository = 'https://git.example/settings'\n");
    let said = wrong.bongsu(&["up"]);
    assert!(!said.status.success() && text(&said.stderr).contains("a path or a file:// URL"), "{said:?}");
    let mut none = Fixture::new(&HOUSE.replace("ENV", "").replace("'settings'", "'file:///no/such/repository'"));
    none.up();
    let shown = shown(&none);
    assert_eq!((&shown["revision"], &shown["state"]), (&Value::Null, &"stale".into()), "{shown}");
    let url = format!("{}/doors", none.url("gateway"));
    assert_eq!(send(&url, "GET", "", "").unwrap().status, 200, "everybody has his own settings");
    assert!(Path::new(&none.data()).join("configuration").is_dir());
}
