//! A mail server that misbehaves at one step of the conversation, written by hand: it keeps silent, closes, or raves.
//! Never knows more of the protocol than it takes to get that far.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use super::{config, phone};
use crate::peer::{SOON, load, server, watchbell::Watchbell};

/// What the server does at its step.
#[derive(Debug, Clone, Copy)]
enum Does {
    Says(&'static str),
    /// One line without an end, as fast as it is taken.
    Raves,
    Closes,
    Hangs,
}

/// A server that is well-behaved except at one step: `greeting`, `EHLO`, `DATA` or `.`, the end of the mail.
fn rogue(step: &'static str, does: Does) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // A connection that breaks is the client's affair.
            thread::spawn(move || drop(converse(&stream, step, does)));
        }
    });
    port
}

fn converse(mut stream: &TcpStream, step: &str, does: Does) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?);
    let (mut said, mut in_mail) = ("greeting".to_owned(), false);
    loop {
        if said.starts_with(step) {
            match does {
                Does::Says(words) => stream.write_all(words.as_bytes())?,
                Does::Raves => loop {
                    stream.write_all(&[b'r'; 4096])?;
                },
                Does::Closes => return Ok(()),
                // Takes what comes, and never answers: until the other side has had enough.
                Does::Hangs => return lines.read_to_end(&mut Vec::new()).map(drop),
            }
        } else {
            let usual = match said.split([' ', ':']).next().unwrap_or_default() {
                "greeting" => "220 here",
                "DATA" => "354 go on",
                "QUIT" => "221 bye",
                _ => "250 fine",
            };
            in_mail = said == "DATA";
            stream.write_all(format!("{usual}\r\n").as_bytes())?;
        }
        loop {
            said.clear();
            if lines.read_line(&mut said)? == 0 {
                return Ok(());
            }
            said.truncate(said.trim_end().len());
            if !in_mail || said == "." {
                in_mail = false;
                break;
            }
        }
    }
}

/// The whole process beside such a server: the hook is not due for an hour, and rings because the mail failed. How
/// long that took, and what the journal says of the failure.
fn fails_over(step: &'static str, does: Does) -> (Duration, String) {
    let (folder, phone) = (tempfile::tempdir().expect("a folder"), phone());
    let mail = format!("smtp = \"smtp://127.0.0.1:{}?tls=none\"", rogue(step, does));
    // Nobody is asked again meanwhile: the next contact alone can ring.
    let config = config(&mail, phone.port).replace("wait = \"1s\"", "wait = \"2h\"");
    let watchbell = Watchbell::here(folder.path(), &config);
    let answer = load::send(watchbell.port, &load::webhook(1)).expect("an answer");
    assert_eq!(answer.status, 202, "{answer:?}");
    let sent = Instant::now();
    let page = phone.wait(SOON, server::Request::is_page);
    let page = page.unwrap_or_else(|| panic!("{step}, {does:?}: nobody rang:\n{}", watchbell.process.tail()));
    // What failed is noted before the next contact is asked.
    (page.at - sent, String::from_utf8_lossy(&watchbell.journal()).into_owned())
}

#[test]
fn a_mail_server_that_closes_or_raves_brings_the_next_contact_at_once() {
    for (step, does) in [
        ("greeting", Does::Closes),
        ("greeting", Does::Says("HTTP/1.1 200 OK\r\n\r\n")),
        ("greeting", Does::Raves),
        ("EHLO", Does::Says("250-\u{0}\u{1b}[31m\r\n999 what\r\n")),
        ("DATA", Does::Closes),
        ("DATA", Does::Says("no idea what you mean\r\n")),
        (".", Does::Closes),
        (".", Does::Says("\u{fffd}\u{fffd}\r\n")),
    ] {
        let (took, journal) = fails_over(step, does);
        println!("{step}, {does:?}: the next contact rang after {took:?}");
        assert!(took < Duration::from_secs(5), "{step}, {does:?}: the next contact waited {took:?}");
        assert!(journal.contains("\"attempt_failed\""), "{step}, {does:?}: {journal}");
        assert!(!journal.contains("\\u001b"), "what it raves is not repeated: {journal}");
    }
}

#[test]
fn a_mail_server_that_hangs_holds_the_next_contact_no_longer_than_one_attempt_may_take() {
    let steps = ["greeting", "EHLO", "DATA", "."].map(|step| {
        thread::spawn(move || {
            let (took, journal) = fails_over(step, Does::Hangs);
            println!("{step}: the next contact rang after {took:?}");
            assert!(took < Duration::from_secs(15), "{step}: the next contact waited {took:?}");
            assert!(journal.contains("\"attempt_failed\""), "{step}: {journal}");
        })
    });
    for step in steps {
        step.join().expect("the next contact rings");
    }
}
