//! What mail promises, against a mail server written by hand, which may say, close or keep silent at every step. The
//! real one is met in `tests/it/mail.rs`. Never sends beyond this machine.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::{super::contract::dispatch, *};
use crate::{
    config::{Encryption, SecretUrl},
    domain::id::{ContactName, PersonId},
    links::{Links, SigningKey},
    notify::AddressBook,
};

const PASSWORD: &str = "s3cret-password";

/// What the server does at a step.
#[derive(Clone, Copy)]
enum Does {
    Says(&'static str),
    /// One line of 100 MB without an end, as fast as it is taken.
    Raves,
    Closes,
    Hangs,
}

/// What a server that raves would say at most.
const RAVES: usize = 100 << 20;
/// What is on its way when it is cut off: the system's own buffers.
const ON_ITS_WAY: usize = 24 << 20;

/// The steps of a conversation, by how they begin.
const STEPS: [&str; 6] = ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "."];

/// What the server heard.
#[derive(Clone, Default)]
struct Heard {
    lines: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
    /// Bytes of raving that were taken off the server.
    raved: Arc<AtomicUsize>,
}

impl Heard {
    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// The heads of the mails, a line each.
    fn headers(&self, name: &str) -> Vec<String> {
        let start = format!("{name}: ");
        self.lines().iter().filter_map(|line| line.strip_prefix(&start)).map(ToOwned::to_owned).collect()
    }
}

/// A server that is well-behaved except at one step.
async fn server(step: &'static str, does: Does) -> (u16, Heard) {
    listening(step, does, None).await
}

/// The same, which speaks TLS from the start when it has a certificate.
async fn listening(step: &'static str, does: Does, tls: Option<TlsAcceptor>) -> (u16, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Heard::default();
    let all = heard.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            *all.connections.lock().unwrap() += 1;
            let (tls, heard) = (tls.clone(), all.clone());
            tokio::spawn(async move {
                match tls {
                    None => converse(stream, heard, step, does).await,
                    Some(tls) => {
                        let Ok(stream) = tls.accept(stream).await else { return };
                        converse(stream, heard, step, does).await;
                    }
                }
            });
        }
    });
    (port, heard)
}

async fn converse(stream: impl AsyncRead + AsyncWrite, heard: Heard, step: &'static str, does: Does) {
    let (read, mut write) = tokio::io::split(stream);
    let mut lines = BufReader::new(read).lines();
    let mut said = "greeting".to_owned();
    loop {
        let usual = match said.split([' ', ':']).next().unwrap_or_default() {
            "greeting" => "220 here",
            "EHLO" => "250-here\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME",
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            "." => "250 2.0.0 Ok: queued as 4F3A for <ana@example.com>",
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        let mut in_data = said == "DATA";
        if said.starts_with(step) {
            match does {
                Does::Says(words) => {
                    drop(write.write_all(format!("{words}\r\n").as_bytes()).await);
                    in_data &= words.starts_with("354");
                }
                Does::Raves => {
                    for _ in 0..RAVES / 4096 {
                        if write.write_all(&[b'r'; 4096]).await.is_err() {
                            return;
                        }
                        heard.raved.fetch_add(4096, Ordering::Relaxed);
                    }
                    return;
                }
                Does::Closes => return,
                Does::Hangs => std::future::pending().await,
            }
        } else if write.write_all(format!("{usual}\r\n").as_bytes()).await.is_err() {
            return;
        }
        said = loop {
            let Ok(Some(line)) = lines.next_line().await else { return };
            heard.lines.lock().unwrap().push(line.clone());
            if !in_data || line == "." {
                break line;
            }
        };
    }
}

struct Book(Arc<Mail>);

impl AddressBook for Book {
    fn address(&self, _: &PersonId, _: &ContactName) -> Option<Address> {
        Some(Address::Mail("ana@example.com".into()))
    }
    fn mail(&self) -> Option<Arc<Mail>> {
        Some(Arc::clone(&self.0))
    }
}

fn post(port: u16, encryption: Encryption, login: bool) -> Post {
    post_that_trusts(port, encryption, login, Vec::new())
}

fn post_that_trusts(port: u16, encryption: Encryption, login: bool, trusted: Vec<Vec<u8>>) -> Post {
    let user = if login { "s3cret-user@" } else { "" };
    let smtp: Url = format!("smtp://{user}127.0.0.1:{port}").parse().unwrap();
    let mail = Mail {
        smtp: SecretUrl::new(smtp),
        encryption,
        password: login.then(|| PASSWORD.into()),
        from: "Watchbell <bell@example.com>".to_owned(),
        trusted,
    };
    Post::new(Parts {
        book: Arc::new(Book(Arc::new(mail))),
        links: Links::new("https://bell.example.com".parse().unwrap(), SigningKey::new("a key of this test")),
        limits: Limits { connect: Duration::from_millis(250), total: Duration::from_millis(400) },
    })
}

fn page() -> Dispatch {
    let mut page = dispatch(DeliveryKind::Page, Channel::Mail, "mail");
    page.delivery.key = "abc123.PG-3.5".to_owned();
    page
}

/// One attempt; whatever is said of it holds no address, no user and no password.
async fn attempt(post: &Post, page: &Dispatch) -> Outcome {
    let begun = Instant::now();
    let outcome = post.deliver(page).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "obeys its own timeout");
    let said = format!("{outcome:?}");
    for secret in ["ana@", "example.com", "s3cret", PASSWORD] {
        assert!(!said.contains(secret), "leaks {secret}: {said}");
    }
    outcome
}

async fn against(step: &'static str, does: Does) -> (Outcome, Heard) {
    let (port, heard) = server(step, does).await;
    (attempt(&post(port, Encryption::Never, false), &page()).await, heard)
}

#[tokio::test]
async fn what_the_server_takes_is_a_receipt_and_the_line_is_kept_for_the_next() {
    let (port, heard) = server("nothing", Does::Closes).await;
    let post = post(port, Encryption::Never, true);
    for _ in 0..2 {
        let outcome = attempt(&post, &page()).await;
        let expected = "taken by the mail server: 250 2.0.0 Ok: queued as 4F3A for …";
        assert_eq!(outcome, Outcome::Receipt(expected.to_owned()));
    }
    assert_eq!(*heard.connections.lock().unwrap(), 1);
    assert_eq!(heard.headers("Message-ID"), ["<abc123.PG-3.5@example.com>"; 2], "the same at every attempt");
    assert_eq!(
        heard.headers("References"),
        ["<abc123.G-17@example.com>"; 2],
        "those of one group stand together"
    );
    assert_eq!(heard.headers("In-Reply-To"), ["<abc123.G-17@example.com>"; 2]);
    assert_eq!(heard.headers("Auto-Submitted"), ["auto-generated"; 2]);
    assert_eq!(heard.headers("X-Priority"), ["1"; 2]);
    assert_eq!(heard.headers("To"), ["ana@example.com"; 2]);
    assert_eq!(heard.headers("From"), ["Watchbell <bell@example.com>"; 2]);
}

#[tokio::test]
async fn a_label_begins_no_header_and_no_element() {
    let (port, heard) = server("nothing", Does::Closes).await;
    let mut page = page();
    page.facts.title = format!("Disk\r\nBcc: eve@example.com\r\n\r\n<script>x</script>{}", "x".repeat(500));
    page.facts.summary = "<img src=https://evil.example.com/x> & \"more\"\r\n.\r\nQUIT".to_owned();
    let outcome = attempt(&post(port, Encryption::Never, false), &page).await;
    assert!(matches!(outcome, Outcome::Receipt(_)), "{outcome:?}");
    let lines = heard.lines();
    assert!(lines.iter().all(|line| !line.starts_with("Bcc:") && line.len() < 1000), "{lines:?}");
    let text = lines.join("\n").replace("=\n", "");
    let (_, text) = text.split_once("text/html").unwrap();
    assert!(!text.contains("<script>") && !text.contains("<img"), "{text}");
    assert!(text.contains("&lt;img"), "{text}");
    assert_eq!(lines.iter().filter(|line| *line == ".").count(), 1, "{lines:?}");
    let subject: usize = lines.iter().filter(|line| line.starts_with("Subject:")).map(String::len).sum();
    assert!((10..=200).contains(&subject), "{lines:?}");
}

#[tokio::test]
async fn not_now_is_tried_again_and_never_is_not() {
    for step in ["MAIL", "RCPT", "DATA", "."] {
        let (outcome, _) =
            against(step, Does::Says("451 4.7.1 <ana@example.com>: greylisted, come back")).await;
        let why = "the mail server cannot take it now (451 4.7.1 … greylisted, come back)".to_owned();
        assert_eq!(outcome, Outcome::TryAgain { after: None, why }, "{step}");
        let (outcome, _) = against(step, Does::Says("550 5.1.1 ana@example.com is unknown here")).await;
        let why = "the mail server refuses it (550 5.1.1 … is unknown here)".to_owned();
        assert_eq!(outcome, Outcome::Refused { why }, "{step}");
    }
    // Who is not let in has not heard of this mail: it is tried again, whatever the code.
    for step in ["greeting", "EHLO"] {
        for says in ["421 too many connections", "554 5.3.2 not in service", "550 not you"] {
            let (outcome, _) = against(step, Does::Says(says)).await;
            assert!(matches!(outcome, Outcome::TryAgain { after: None, .. }), "{step} {says}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_server_that_hangs_closes_or_raves_is_left_in_time_at_every_step() {
    for step in STEPS {
        for does in [
            Does::Hangs,
            Does::Closes,
            Does::Says("\u{0}\u{1} garbage"),
            Does::Says("HTTP/1.1 400 Bad Request"),
            Does::Says("999 s3cret"),
            Does::Says(""),
        ] {
            let (outcome, _) = against(step, does).await;
            let Outcome::TryAgain { after: None, why } = outcome else { panic!("{step}: {outcome:?}") };
            if let Does::Hangs = does {
                assert_eq!(why, "no answer from the mail server within 400ms", "{step}");
            }
        }
    }
}

#[tokio::test]
async fn without_the_tls_that_is_required_nothing_is_said() {
    let (port, heard) = server("nothing", Does::Closes).await;
    let outcome = attempt(&post(port, Encryption::Required, true), &page()).await;
    let why = "the mail server offers no STARTTLS, and without it nothing is sent".to_owned();
    assert_eq!(outcome, Outcome::TryAgain { after: None, why });
    let lines = heard.lines();
    assert!(lines.iter().all(|line| line.starts_with("EHLO") || line == "QUIT"), "{lines:?}");

    // One that offers it, and then speaks no TLS.
    for encryption in [Encryption::Required, Encryption::Opportunistic] {
        let (port, heard) = server("EHLO", Does::Says("250-here\r\n250-AUTH PLAIN\r\n250 STARTTLS")).await;
        let outcome = attempt(&post(port, encryption, true), &page()).await;
        assert!(matches!(outcome, Outcome::TryAgain { .. }), "{outcome:?}");
        assert!(heard.lines().iter().all(|line| !line.starts_with("AUTH") && !line.starts_with("MAIL")));
    }
    let (port, _) = server("nothing", Does::Closes).await;
    let outcome = attempt(&post(port, Encryption::FromTheStart, true), &page()).await;
    assert!(matches!(outcome, Outcome::TryAgain { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_login_that_is_refused_is_said_without_the_password() {
    for (answer, says) in [
        (
            "535 5.7.8 s3cret-user: s3cret-password is wrong",
            "the mail server refuses the login (535): user or password are wrong",
        ),
        ("454 4.7.0 s3cret-password cannot be looked up", "the mail server cannot take it now (454)"),
    ] {
        let (port, heard) = server("AUTH", Does::Says(answer)).await;
        // At the ordinary pace of attempts.
        let expected = Outcome::TryAgain { after: None, why: says.to_owned() };
        assert_eq!(attempt(&post(port, Encryption::Never, true), &page()).await, expected);
        assert_eq!(heard.lines().iter().filter(|line| line.starts_with("AUTH")).count(), 1, "tried once");
        assert!(heard.lines().iter().all(|line| !line.starts_with("MAIL")), "nothing is sent");
    }
    let (port, _) = server("EHLO", Does::Says("250 here")).await;
    let outcome = attempt(&post(port, Encryption::Never, true), &page()).await;
    assert!(matches!(&outcome, Outcome::TryAgain { why, .. } if why.contains("no login")), "{outcome:?}");
}

#[tokio::test]
async fn a_line_that_was_closed_meanwhile_costs_nothing() {
    // The server closes after each mail.
    let (port, heard) = server("NOOP", Does::Closes).await;
    let post = post(port, Encryption::Never, false);
    for _ in 0..3 {
        let outcome = attempt(&post, &page()).await;
        assert!(matches!(outcome, Outcome::Receipt(_)), "{outcome:?}");
    }
    assert_eq!(*heard.connections.lock().unwrap(), 3);
}

/// A server's certificate, and the authority that signed it.
fn certified() -> (TlsAcceptor, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let openssl = |line: &str| {
        let mut command = std::process::Command::new("openssl");
        let out = command.args(line.split(' ')).current_dir(folder.path()).output().expect("openssl");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 -days 30 -subj /CN=Authority {key} -keyout ca.key -out ca.pem"));
    openssl(&format!("req -subj /CN=here {key} -keyout key.pem -out asked.pem"));
    std::fs::write(folder.path().join("names"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    let signs = "x509 -req -in asked.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 30";
    openssl(&format!("{signs} -extfile names -out cert.pem"));
    let read = |name: &str| CertificateDer::from_pem_file(folder.path().join(name)).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.path().join("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![read("cert.pem")], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), read("ca.pem").to_vec())
}

#[tokio::test]
async fn with_tls_from_the_start_a_mail_goes_only_to_whom_the_authority_knows() {
    let (tls, authority) = certified();
    let (port, heard) = listening("nothing", Does::Closes, Some(tls)).await;
    let trusting = post_that_trusts(port, Encryption::FromTheStart, true, vec![authority.clone()]);
    let outcome = attempt(&trusting, &page()).await;
    assert!(matches!(outcome, Outcome::Receipt(_)), "{outcome:?}");
    assert_eq!(heard.headers("To"), ["ana@example.com"]);
    let mail = trusting.parts.book.mail().unwrap();
    let found = examine(&mail, trusting.parts.limits).await;
    assert_eq!(found.good, Ok(mail::ready(true, true)), "the doctor says that nobody can read along");
    let lines = heard.lines().len();
    let outcome = attempt(&post(port, Encryption::FromTheStart, true), &page()).await;
    let Outcome::TryAgain { why, .. } = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("nobody known has signed it"), "{why}");
    assert_eq!(heard.lines().len(), lines, "and nothing was said");
}

#[tokio::test]
async fn a_line_without_an_end_is_cut_off_at_every_step_encrypted_or_not() {
    let (tls, authority) = certified();
    for (encryption, tls) in [(Encryption::Never, None), (Encryption::FromTheStart, Some(tls))] {
        for step in STEPS {
            let (port, heard) = listening(step, Does::Raves, tls.clone()).await;
            let post = post_that_trusts(port, encryption, false, vec![authority.clone()]);
            let outcome = attempt(&post, &page()).await;
            assert!(matches!(outcome, Outcome::TryAgain { .. }), "{step}, {encryption:?}: {outcome:?}");
            let raved = heard.raved.load(Ordering::Relaxed);
            assert!(raved < ON_ITS_WAY, "{step}, {encryption:?}: {raved} bytes were taken");
        }
    }
    // One that raves before any TLS: not a byte of it is kept.
    let (port, _) = listening("greeting", Does::Raves, None).await;
    let outcome = attempt(&post(port, Encryption::FromTheStart, false), &page()).await;
    assert!(matches!(outcome, Outcome::TryAgain { .. }), "{outcome:?}");
}
