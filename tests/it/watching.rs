//! `watch` in the console with the real process: an incident is followed while others work on it. Never waits longer than
//! it takes.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
};

use crate::peer::{
    SOON,
    load::{self, INTEGRATION},
    watchbell::{Watchbell, here},
};

fn config() -> String {
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
page = "all"
"#,
        load::person("ana", "Ana Ruiz", 9)
    )
}

#[test]
fn an_incident_is_watched_while_it_changes_and_a_line_ends_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let watchbell = Watchbell::here(folder.path(), &config());
    let opened = watchbell.command("ana", "/incident open P3 the disk fills up");
    assert_eq!(opened["ok"], true, "{opened}");
    let server = format!("http://127.0.0.1:{}", watchbell.port);
    let mut console = Command::new(here())
        .args(["console", "--as", "ana", "--server", &server])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut input = console.stdin.take().expect("its input");
    let output = BufReader::new(console.stdout.take().expect("its output"));
    let (tell, told) = mpsc::channel();
    let reading = thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    let wait = |part: &str| {
        let mut seen = Vec::new();
        while let Ok(line) = told.recv_timeout(SOON) {
            let found = line.contains(part);
            seen.push(line);
            if found {
                return seen.join("\n");
            }
        }
        panic!("nothing says `{part}`: {seen:?}")
    };
    input.write_all(b"watch\n").expect("written");
    let first = wait("watching INC-1");
    assert!(first.contains("the disk fills up") && first.contains("P3"), "{first}");
    let noted = watchbell.command("ana", "/incident note INC-1 looking at the volume");
    assert_eq!(noted["ok"], true, "{noted}");
    wait("looking at the volume");
    let updated = watchbell.command("ana", "/incident status INC-1 identified");
    assert_eq!(updated["ok"], true, "{updated}");
    wait("Status: identified");
    input.write_all(b"q\nwatch INC-99\nq\n/incident list\n").expect("written");
    drop(input);
    wait("INC-1");
    let ended = console.wait().expect("it ends");
    assert_eq!(ended.code(), Some(1), "there is no INC-99, and the rest was done");
    reading.join().expect("it reads");
}
