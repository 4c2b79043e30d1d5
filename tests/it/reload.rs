//! A changed configuration with the real process: SIGHUP and `/watchbell reload`, while alerts pour in, twice at once,
//! with mistakes, with other tokens. Never a restart.

mod beside;

use std::{fs, net::TcpListener, path::Path, process::Command, thread, time::Duration};

use serde_json::{Value, json};

use crate::peer::{
    SOON,
    http::{self, Answer},
    load::{self, INTEGRATION, Load},
    process::until,
    server::Server,
    watchbell::Watchbell,
};

/// Everything but `[server]`: two people, a policy that pages the first of them.
fn config(ana: &Server, more: &str) -> String {
    format!(
        r#"
{}
[policy.all]
steps = [{{ page = ["person:ana"], wait = "1h" }}]

{INTEGRATION}
[[route]]
name = "load"
match = ['service="load"']
group_by = ["alertname"]
group_wait = "0s"
page = "all"
{more}"#,
        load::person("ana", "Ana Ruiz", ana.port)
    )
}

/// The same that looks after the house.
fn admin(config: &str) -> String {
    config.replace("[\"responder\", \"operator\"]", "[\"admin\"]")
}

fn phone() -> Server {
    Server::start(|_| (200, String::new()))
}

/// A folder with its Watchbell, and how its files are changed.
struct House {
    folder: tempfile::TempDir,
    watchbell: Watchbell,
}

impl House {
    fn open(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let watchbell = Watchbell::here(folder.path(), config);
        Self { folder, watchbell }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes everything but `[server]`, as the process will read it next.
    fn says(&self, config: &str) {
        let port = self.watchbell.port;
        let server =
            format!("[server]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"http://127.0.0.1:{port}\"\n\n");
        fs::write(self.path().join("config/watchbell.toml"), server + config).expect("its configuration");
    }

    fn hangs_up(&self) {
        let id = self.watchbell.process.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &id]).status().expect("kill").success());
    }

    /// How often a configuration came into force, as the journal has it.
    fn loaded(&self) -> usize {
        let journal = self.watchbell.journal();
        String::from_utf8_lossy(&journal).matches("\"configuration_loaded\"").count()
    }

    fn command_as(&self, token: &str, text: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("Content-Type", "application/json"), ("Authorization", bearer.as_str())];
        let body = json!({"text": text}).to_string();
        http::ask(self.watchbell.port, "POST", "/api/v1/commands", &headers, &body).expect("an answer")
    }
}

fn text(reply: &Value) -> String {
    reply["text"].as_str().unwrap_or_else(|| panic!("no text: {reply}")).to_owned()
}

#[test]
fn sighup_brings_another_address_into_force_and_a_running_page_goes_there() {
    let (first, second) = (Server::start(|_| (503, String::new())), phone());
    let house = House::open(&config(&first, ""));
    assert!(load::send(house.watchbell.port, &load::webhook(1)).expect("an answer").ok());
    assert!(
        first.wait(SOON, super::peer::server::Request::is_page).is_some(),
        "ana is paged at the old address"
    );
    let before = house.loaded();
    house.says(&config(&second, ""));
    house.hangs_up();
    let paged = second.wait(SOON, super::peer::server::Request::is_page);
    assert!(paged.is_some(), "the same page is tried at the new one: {}", house.watchbell.process.tail());
    assert_eq!(house.loaded(), before + 1);
}

#[test]
fn another_mail_server_is_asked_by_the_next_attempt() {
    let listen = || {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("it is asked again and again");
        listener
    };
    let (first, second, ana) = (listen(), listen(), phone());
    let port = |listener: &TcpListener| listener.local_addr().expect("its address").port();
    let by_mail = |server: &TcpListener| {
        let mail =
            format!("[mail]\nfrom = \"bell@example.com\"\nsmtp = \"smtp://127.0.0.1:{}\"\n", port(server));
        let person = "[person.ben]\nname = \"Ben\"\nroles = [\"responder\"]\n\
                      contacts = { mail = \"mailto:ben@example.com\" }\nurgent = [\"now: mail\"]\n\
                      routine = [\"now: mail\"]\n";
        let steps = "{ page = [\"person:ben\"], wait = \"1s\" }, ".repeat(60);
        let config = config(&ana, &format!("{mail}{person}"));
        config.replace("{ page = [\"person:ana\"], wait = \"1h\" }", &steps)
    };
    let house = House::open(&by_mail(&first));
    assert!(load::send(house.watchbell.port, &load::webhook(1)).expect("an answer").ok());
    // Whoever hangs up at once is asked again.
    assert!(until(SOON, || first.accept().ok()).is_some(), "{}", house.watchbell.process.tail());
    let status = || text(&house.watchbell.command("", "/status"));
    let is_said =
        |status: &String| status.contains("Mail server  ") && status.contains("took nothing since ");
    assert!(until(SOON, || Some(status()).filter(is_said)).is_some(), "{}", status());
    let ready = house.watchbell.json("/readyz");
    assert!(ready["troubles"][0].as_str().is_some_and(|said| said.starts_with("Mail server: ")), "{ready}");
    house.says(&by_mail(&second));
    let reply = house.watchbell.command("", "/watchbell reload");
    assert_eq!(reply["ok"], true, "{reply}");
    assert!(!text(&reply).contains("[mail]"), "no start is needed: {reply}");
    assert!(until(SOON, || second.accept().ok()).is_some(), "{}", house.watchbell.process.tail());
}

#[test]
fn a_wrong_configuration_changes_nothing_and_every_mistake_is_said_with_its_place() {
    let ana = phone();
    let right = config(&ana, "");
    let house = House::open(&right);
    let before = house.loaded();
    house.says(&format!("{right}\n[team.ops]\nmembers = [\"bne\"]\n[[route]]\nmacth = []\n"));
    let reply = house.watchbell.command("", "/watchbell reload");
    assert_eq!(reply["ok"], false, "{reply}");
    let said = text(&reply);
    for part in ["Nothing was changed: 2 mistakes", "watchbell.toml:", "`bne`", "macth", "stays in force"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // The same by SIGHUP: what is wrong is in the log.
    house.hangs_up();
    let twice = |log: &String| log.matches("there is no person `bne`").count() == 2;
    let log = until(SOON, || Some(house.watchbell.process.tail()).filter(twice));
    assert!(log.is_some(), "{}", house.watchbell.process.tail());
    assert_eq!(house.loaded(), before);
    assert!(load::send(house.watchbell.port, &load::webhook(1)).expect("an answer").ok());
    assert!(ana.wait(SOON, super::peer::server::Request::is_page).is_some(), "pages go on");
    house.says(&right);
    assert_eq!(house.watchbell.command("", "/watchbell reload")["ok"], true);
}

#[test]
fn what_changed_is_said_and_what_only_a_start_takes_over_is_kept() {
    let ana = phone();
    let right = config(&ana, "");
    let house = House::open(&right);
    let more = load::person("dev", "Dev", ana.port);
    house.says(&format!("{right}\n{more}"));
    let file = house.path().join("config/watchbell.toml");
    let moved =
        fs::read_to_string(&file).expect("it").replace("[server]\n", "[server]\ndata_dir = \"elsewhere\"\n");
    fs::write(&file, moved).expect("written");
    let reply = house.watchbell.command("", "/watchbell reload");
    assert_eq!(reply["ok"], true, "{reply}");
    let said = text(&reply);
    assert!(said.contains("Person: 1 added (dev)"), "{said}");
    assert!(said.contains("until the next start: [server] data_dir"), "{said}");
    assert_eq!(house.watchbell.command("dev", "/me")["ok"], true, "dev is somebody now");
    // A platform is connected at a start: nothing of this comes into force.
    house.says(&format!("{right}\n[slack]\nbot_token = \"xoxb-1\"\napp_token = \"xapp-1\"\n"));
    let reply = house.watchbell.command("", "/watchbell reload");
    assert_eq!(reply["ok"], false, "{reply}");
    assert!(text(&reply).contains("[slack] is new"), "{reply}");
    assert_eq!(house.watchbell.command("dev", "/me")["ok"], true, "dev is there as before");
    assert!(!reply.to_string().contains("xoxb-1"), "{reply}");
}

#[test]
fn a_platform_is_not_left_half_by_a_reload() {
    let ana = phone();
    let right = config(&ana, "");
    let slack =
        "[slack]\nbot_token = \"xoxb-1\"\napp_token = \"xapp-1\"\napi_url = \"http://127.0.0.1:9/api/\"\n";
    let house = House::open(&format!("{right}\n{slack}"));
    let before = house.loaded();
    house.says(&right);
    let reply = house.watchbell.command("", "/watchbell reload");
    assert_eq!(reply["ok"], false, "{reply}");
    let said = text(&reply);
    assert!(said.contains("[slack] is gone") && said.contains("Restart Watchbell"), "{said}");
    assert_eq!(house.loaded(), before, "nothing came into force");
}

#[test]
fn tokens_that_went_are_refused_at_once_and_new_ones_are_good_at_once() {
    let ana = phone();
    let tokens = |first: &str, second: &str| {
        format!("\n[api]\ntokens = [{{ person = \"ana\", token = \"{first}\" }}, {second}]\n")
    };
    let viewer =
        "{ person = \"ana\", token = \"token-of-a-screen-0001\", name = \"screen\", role = \"viewer\" }";
    let ci = "{ person = \"ana\", token = \"token-of-the-robot-0001\", name = \"robot\" }";
    let old = "{ person = \"ana\", token = \"token-of-the-past-00001\", until = 2020-01-01 }";
    let with = |first: &str, second: &str| admin(&config(&ana, &tokens(first, second)));
    let first = "token-of-ana-number-one";
    let second = "token-of-ana-number-two";
    let house = House::open(&with(first, &format!("{viewer}, {ci}, {old}")));
    assert_eq!(house.command_as(first, "/me").status, 200);
    let over = house.command_as("token-of-the-past-00001", "/me");
    assert_eq!(over.status, 401, "{}", over.body);
    assert!(over.body.contains("good no more"), "{}", over.body);

    // A token for less than its person.
    let screen = "token-of-a-screen-0001";
    assert_eq!(house.command_as(screen, "/status").json()["ok"], true);
    let no = house.command_as(screen, "/incident open P1 database is down").json();
    assert_eq!(no["ok"], false, "{no}");
    assert!(text(&no).contains("this token is for viewer only"), "{no}");
    assert_eq!(house.command_as(screen, "/watchbell reload").json()["ok"], false);
    // Nor does it speak for runs, although the rules would look at ana alone.
    for what in ["approve", "refuse", "stop"] {
        let no = text(&house.command_as(screen, &format!("/runbook {what} R-1")).json());
        assert!(no.contains(&format!("/runbook {what} needs the role operator")), "{no}");
    }

    // What was done is by its person, and the audit says by which token.
    let opened = house.command_as("token-of-the-robot-0001", "/incident open P1 database is down").json();
    assert_eq!(opened["ok"], true, "{opened}");
    let audit = text(&house.command_as(first, "/audit --what incident").json());
    assert!(audit.contains("ana (robot)") && audit.contains("database is down"), "{audit}");

    house.says(
        &with(second, &format!("{viewer}, {ci}")).replace("a-token-of-the-test", "another-token-of-it"),
    );
    assert_eq!(house.command_as(first, "/watchbell reload").json()["ok"], true);
    assert_eq!(house.command_as(first, "/me").status, 401);
    assert_eq!(house.command_as(second, "/me").status, 200);
    // So is the token of a source.
    assert_eq!(load::send(house.watchbell.port, &load::webhook(1)).expect("an answer").status, 401);
    let bearer = [("Content-Type", "application/json"), ("Authorization", "Bearer another-token-of-it")];
    let taken = http::ask(house.watchbell.port, "POST", "/hooks/load", &bearer, &load::webhook(1));
    assert_eq!(taken.expect("an answer").status, 202);
    let audit = text(&house.command_as(second, "/audit --what config").json());
    assert!(audit.contains("Integration: 1 changed (load)"), "{audit}");
    let log = house.watchbell.process.tail();
    for secret in [first, second, screen, "another-token-of-it", "token-of-the-robot-0001"] {
        assert!(!log.contains(secret) && !audit.contains(secret), "a secret is shown: {log}\n{audit}");
        let journal = String::from_utf8_lossy(&house.watchbell.journal()).into_owned();
        assert!(!journal.contains(secret), "a secret is in the journal");
    }
}

#[test]
fn while_alerts_pour_in_nothing_is_lost_whatever_is_read_anew() {
    let ana = phone();
    let right = config(&ana, "");
    let mut house = House::open(&right);
    let load = Load::start(house.watchbell.port);
    load.more(400);
    let mut times = 0;
    while (load.accepted().len() < 400 || times < 3) && times < 200 {
        let more = if times % 2 == 0 { load::person("dev", "Dev", ana.port) } else { String::new() };
        house.says(&format!("{right}\n{more}"));
        assert_eq!(house.watchbell.command("", "/watchbell reload")["ok"], true);
        times += 1;
    }
    let answered = load.stop();
    assert_eq!(answered.len(), 400, "within {times} reloads");
    let alerts = house.watchbell.items("/api/v1/alerts?status=firing");
    let known: std::collections::BTreeSet<u32> =
        alerts.iter().filter_map(|alert| load::number(alert["labels"]["alertname"].as_str()?)).collect();
    let lost: Vec<u32> = answered.iter().filter(|number| !known.contains(number)).copied().collect();
    assert!(lost.is_empty(), "{lost:?} of {}", answered.len());
    let verified = house.watchbell.other(&["journal", "verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    house.watchbell.start_again();
    assert_eq!(house.watchbell.items("/api/v1/alerts?status=firing").len(), known.len());
}

#[test]
fn two_at_once_are_done_one_after_the_other() {
    let ana = phone();
    let right = config(&ana, "");
    let house = House::open(&right);
    let before = house.loaded();
    house.says(&format!("{right}\n{}", load::person("dev", "Dev", ana.port)));
    let port = house.watchbell.port;
    let ask = move || {
        let body = json!({"text": "/watchbell reload"}).to_string();
        http::ask_within(
            Duration::from_mins(1),
            port,
            "POST",
            "/api/v1/commands",
            &[("Content-Type", "application/json")],
            &body,
        )
        .expect("an answer")
        .json()
    };
    let both: Vec<_> = (0..2).map(|_| thread::spawn(ask)).collect();
    let both: Vec<Value> = both.into_iter().map(|one| one.join().expect("an answer")).collect();
    assert!(both.iter().all(|reply| reply["ok"] == true), "{both:?}");
    let first = both.iter().filter(|reply| text(reply).contains("1 added (dev)")).count();
    assert_eq!(first, 1, "the second one finds it done: {both:?}");
    assert_eq!(house.loaded(), before + 2);
}

#[test]
fn the_doctor_sees_from_inside_what_is_wrong_and_what_mends_it() {
    let ana = phone();
    let right = config(&ana, "");
    let house = House::open(&right);
    let said = text(&house.watchbell.command("", "/watchbell doctor --all"));
    for part in ["✓ engine", "✓ journal", "✓ views", &format!("✓ 127.0.0.1 port {}", ana.port)] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // Nobody listens there any more, and the files are others.
    let gone = phone();
    let port = gone.port;
    house.says(&config(&gone, ""));
    assert_eq!(house.watchbell.command("", "/watchbell reload")["ok"], true);
    drop(gone);
    house.says(&right);
    let said = text(&house.watchbell.command("", "/watchbell doctor"));
    assert!(said.contains(&format!("✗ 127.0.0.1 port {port}")) && said.contains("hook of ana"), "{said}");
    assert!(said.contains("/watchbell reload takes them over"), "{said}");
}

#[test]
fn the_audit_over_http_goes_page_by_page_and_only_to_those_who_look_after_the_house() {
    let ana = phone();
    let more = "\n[api]\ntokens = [{ person = \"ana\", token = \"token-of-ana-number-one\" }, \
                { person = \"ben\", token = \"token-of-ben-number-one\" }]\n";
    let people = load::person("ben", "Ben", ana.port);
    let house = House::open(&format!("{}\n{people}", admin(&config(&ana, more))));
    for number in 1..=5 {
        let opened =
            house.command_as("token-of-ben-number-one", &format!("/incident open P3 number {number}"));
        assert_eq!(opened.json()["ok"], true, "{}", opened.body);
    }
    let get = |token: &str, path: &str| {
        let bearer = format!("Bearer {token}");
        http::ask(house.watchbell.port, "GET", path, &[("Authorization", &bearer)], "").expect("an answer")
    };
    let refused = get("token-of-ben-number-one", "/api/v1/audit");
    assert_eq!(refused.status, 403, "{}", refused.body);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/audit?what=incident&by=ben&limit=2{cursor}");
        let page = get("token-of-ana-number-one", &path);
        assert_eq!(page.status, 200, "{}", page.body);
        let page = page.json();
        seen.extend(page["items"].as_array().expect("items").iter().map(|act| act["text"].to_string()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 5, "{seen:?}");
    assert!(seen[0].contains("number 5") && seen[4].contains("number 1"), "the newest first: {seen:?}");
    assert_eq!(get("token-of-ana-number-one", "/api/v1/audit?what=incdent").status, 400);
}
