//! Mail with a real mail server: what arrives is read by another program than ours, links are followed as scanners
//! follow them, and a server that refuses costs nothing but its own attempt. Never sends beyond this machine.

mod rogue;
mod server;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use crate::peer::{
    SOON, http,
    load::{self, INTEGRATION},
    process::until,
    server::Server,
    watchbell::{Watchbell, here},
};

use self::server::{LOGIN, MailServer};

/// Ana has mail first and a hook long after; her policy asks again every second.
fn config(mail: &str, phone: u16) -> String {
    let steps = "{ page = [\"person:ana\"], wait = \"1s\" }, ".repeat(60);
    format!(
        r##"
[mail]
from = "Watchbell <bell@example.com>"
{mail}

[severity.P1]
name = "High"
means = "A major function is impaired"
labels = ['severity="critical"']
urgency = "urgent"

[person.ana]
name = "Ana Ruiz"
roles = ["responder"]
contacts = {{ mail = "mailto:ana@example.com", hook = "http://127.0.0.1:{phone}/ana" }}
urgent = ["now: mail", "1h: hook"]

[policy.all]
steps = [{steps}]

{INTEGRATION}
[[route]]
name = "load"
match = ['severity="critical"']
group_by = ["alertname"]
group_wait = "0s"
page = "all"
channel = "#load"

[unrouted]
channel = "#alerts"
"##
    )
}

fn secure(folder: &Path, port: u16, password: &str, trusted: bool) -> String {
    fs::create_dir_all(folder.join("config")).expect("a folder");
    fs::write(folder.join("config/password"), password).expect("a file");
    let ca = if trusted { "ca = { file = \"../ca.pem\" }" } else { "" };
    format!("smtp = \"smtp://{}@localhost:{port}\"\npassword = {{ file = \"password\" }}\n{ca}", LOGIN.0)
}

/// What `watchbell doctor` finds with the configuration of this folder.
pub fn doctor(folder: &Path) -> Output {
    let mut command = Command::new(here());
    command.arg("doctor").arg("--config").arg(folder.join("config")).current_dir(folder);
    command.output().expect("the binary runs")
}

fn phone() -> Server {
    Server::start(|_| (200, String::new()))
}

/// What people read of the group.
fn timeline(watchbell: &Watchbell) -> String {
    let pages = watchbell.json("/api/v1/groups").to_string();
    format!("{pages}\n{}", watchbell.command("", "/alert show A-1"))
}

/// No password in anything that is written down.
fn assert_kept_secret(watchbell: &Watchbell, folder: &Path, more: &str) {
    let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
    let journal = String::from_utf8_lossy(&watchbell.journal()).into_owned();
    for secret in [LOGIN.1, "a-wrong-password", "ana@example.com"] {
        for text in [log.as_str(), journal.as_str(), more] {
            assert!(!text.contains(secret), "{secret} is written down");
        }
    }
}

#[test]
#[ignore = "needs a mail server: scripts/mailserver"]
fn a_page_arrives_by_mail_scanners_do_no_harm_and_the_button_takes_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = MailServer::secure(folder.path(), &[]);
    let phone = phone();
    let mail = secure(folder.path(), server.port, LOGIN.1, true);
    let watchbell = Watchbell::here(folder.path(), &config(&mail, phone.port));
    assert_eq!(load::send(watchbell.port, &load::webhook(1)).expect("an answer").status, 202);

    let mails = server.wait(1);
    let mail = &mails[0];
    assert_eq!(
        (mail.0["from"].as_str(), mail.0["to"][0].as_str()),
        (Some("bell@example.com"), Some("ana@example.com"))
    );
    assert_eq!((&mail.0["tls"], &mail.0["login"]), (&true.into(), &true.into()), "encrypted, and logged in");
    assert_eq!(mail.0["defects"], serde_json::json!([]), "another program reads it without complaint");
    assert!(mail.header("Subject").starts_with("P1: Load000001 (G-1)"), "{}", mail.header("Subject"));
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert_eq!(mail.header("X-Priority"), "1");
    assert!(mail.header("References").contains(".G-1@example.com"), "{}", mail.header("References"));
    assert!(mail.header("Message-ID").ends_with("@example.com>"));
    for kind in ["text/plain", "text/html"] {
        assert!(mail.body(kind).contains("Load000001 is down"), "{kind}: {}", mail.body(kind));
    }
    let links = mail.links();
    let acknowledge =
        links.iter().find(|link| link.contains("/a/")).expect("a link that acknowledges").clone();
    assert!(mail.body("text/plain").contains(&acknowledge), "both parts have the same link");

    // A scanner follows every link of ours, twice and in every harmless way.
    let ours = format!("http://127.0.0.1:{}", watchbell.port);
    let taken = || String::from_utf8_lossy(&watchbell.journal()).contains("group_acknowledged");
    for link in links.iter().filter_map(|link| link.strip_prefix(&ours)) {
        for method in ["HEAD", "GET", "GET", "OPTIONS"] {
            let answer = http::ask(watchbell.port, method, link, &[("User-Agent", "scanner")], "");
            assert!(answer.expect("an answer").status < 500, "{method} {link}");
        }
    }
    assert!(!taken(), "a scanner acknowledged");

    let path = acknowledge.strip_prefix(&ours).expect("our own link");
    assert!(http::ask(watchbell.port, "POST", path, &[], "").expect("an answer").ok());
    assert!(taken());
    let before = server.mails().len();
    // Another alert is paged for, and again a second later: nothing more comes for the first one meanwhile.
    load::send(watchbell.port, &load::webhook(2)).expect("an answer");
    let mails = server.wait(before + 3);
    let of = |name: &str| mails.iter().filter(|mail| mail.header("Subject").contains(name)).count();
    // One may have been leaving while it was taken.
    assert!(of("Load000001") <= before + 1, "mails go on after the acknowledgement");
    assert!(of("Load000002") >= 2);
    let mut ids: Vec<&str> = mails.iter().map(|mail| mail.header("Message-ID")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), mails.len(), "every message has its own id");
    assert_kept_secret(&watchbell, folder.path(), &timeline(&watchbell));
    assert!(phone.heard().is_empty(), "the next contact was not needed");
}

/// The hook is not due for an hour: it rings because mail failed. What the journal says of the failure.
fn fails_over(folder: &Path, mail: &str) -> (Watchbell, String) {
    let phone = phone();
    let watchbell = Watchbell::here(folder, &config(mail, phone.port));
    load::send(watchbell.port, &load::webhook(1)).expect("an answer");
    assert!(
        phone.wait(SOON, super::peer::server::Request::is_page).is_some(),
        "the next contact is not tried at once"
    );
    let journal = String::from_utf8_lossy(&watchbell.journal()).into_owned();
    (watchbell, journal)
}

#[test]
#[ignore = "needs a mail server: scripts/mailserver"]
fn a_wrong_password_is_said_and_the_next_contact_is_tried_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = MailServer::secure(folder.path(), &[]);
    let mail = secure(folder.path(), server.port, "a-wrong-password", true);
    let (watchbell, journal) = fails_over(folder.path(), &mail);
    assert!(journal.contains("the mail server refuses the login (535)"), "{journal}");
    assert!(server.mails().is_empty());
    let found = doctor(folder.path());
    let said = String::from_utf8_lossy(&found.stdout).into_owned();
    assert_eq!(found.status.code(), Some(1), "{said}");
    assert!(
        said.contains("✗ Mail, mail server localhost: the mail server refuses the login (535)"),
        "{said}"
    );
    assert!(said.contains("→ Look at the user in [mail] smtp"), "{said}");
    assert_kept_secret(&watchbell, folder.path(), &said);
}

#[test]
#[ignore = "needs a mail server: scripts/mailserver"]
fn a_certificate_that_nobody_knows_fails_and_nothing_is_sent_in_clear() {
    for smtp in ["", "?tls=opportunistic"] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = MailServer::secure(folder.path(), &[]);
        let mail = secure(folder.path(), server.port, LOGIN.1, false);
        let mail = mail.replacen(&format!("{}\"", server.port), &format!("{}{smtp}\"", server.port), 1);
        let (_watchbell, journal) = fails_over(folder.path(), &mail);
        assert!(journal.contains("is not good: nobody known has signed it"), "{smtp}: {journal}");
        assert!(server.mails().is_empty());
    }
}

#[test]
#[ignore = "needs a mail server: scripts/mailserver"]
fn whoever_greylists_gets_the_same_message_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = MailServer::secure(folder.path(), &["--greylist", "1"]);
    let mail = secure(folder.path(), server.port, LOGIN.1, true);
    let (_watchbell, journal) = fails_over(folder.path(), &mail);
    assert!(journal.contains("cannot take it now (451 4.7.1 … greylisted, come back)"), "{journal}");
    let first = server.wait(1)[0].header("Message-ID").to_owned();
    let again = until(Duration::from_secs(30), || {
        let mails = server.mails();
        let mut same = mails.into_iter().filter(|mail| mail.header("Message-ID") == first);
        same.next_back()
            .filter(|mail| mail.0["answer"].as_str().is_some_and(|answer| answer.starts_with("250")))
    });
    assert!(again.is_some(), "it is not sent again under the same id");
}

#[test]
#[ignore = "needs a mail server: scripts/mailserver"]
fn the_doctor_looks_at_the_mail_server_and_sends_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = MailServer::secure(folder.path(), &[]);
    let mail = secure(folder.path(), server.port, LOGIN.1, true);
    let phone = Server::start(|_| (200, String::new()));
    let _watchbell = Watchbell::here(folder.path(), &config(&mail, phone.port));
    let found = doctor(folder.path());
    let said = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(found.status.success(), "{said}");
    let line = "✓ Mail, mail server localhost: it answers, TLS, the login is good; no mail was sent";
    assert!(said.contains(line), "{said}");
    assert!(server.mails().is_empty());
}
