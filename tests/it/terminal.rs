//! The console in a real terminal, which `script` makes: what somebody types over several lines, searches, completes and
//! watches, with the real process. Never waits longer than it takes, and never for time to pass.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

use crate::peer::{
    SOON,
    load::{self, INTEGRATION},
    process::until,
    watchbell::{Watchbell, here},
};

const CTRL_C: &str = "\u{3}";
const CTRL_R: &str = "\u{12}";
/// A program asks where the cursor is, and a terminal says so.
const WHERE: &[u8] = b"\x1b[6n";

const LOGIN: &str = "---
command: /shop login
summary: Shows a pin to the shop.
role: responder
arguments:
  - name: pin
    secret: true
examples: [/shop login pin-of-ana]
---

# Login

## Look

```run
#| reads: true
echoes {{ pin }}
```
";

fn config() -> String {
    format!(
        r#"
{}
[policy.all]
steps = [{{ page = ["person:ana"], wait = "1h" }}]

{INTEGRATION}
[runbook]
programs = ["echoes"]
"#,
        load::person("ana", "Ana Ruiz", 9)
    )
}

/// A terminal with a console in it.
struct Terminal {
    child: Child,
    keys: Arc<Mutex<ChildStdin>>,
    shown: mpsc::Receiver<Vec<u8>>,
    /// Everything that was written, as it came.
    all: Vec<u8>,
    /// How far it was looked at, without what commands a terminal.
    seen: usize,
    /// The device.
    device: String,
    /// The console's process.
    process: String,
}

impl Terminal {
    /// Opens a console in a terminal of 100 columns and 30 rows. Its history is kept below `state`.
    fn open(watchbell: &Watchbell, state: &Path, environment: &[(&str, &str)]) -> Self {
        let console = format!(
            "tty; echo process $$; stty cols 100 rows 30; exec '{}' console --as ana --server http://127.0.0.1:{}",
            here().display(),
            watchbell.port
        );
        let mut command = Command::new("script");
        command.args(["--quiet", "--flush", "--command", &console, "/dev/null"]);
        command.env_remove("NO_COLOR").env("TERM", "xterm").env("SHELL", "/bin/sh");
        command.env("XDG_STATE_HOME", state).envs(environment.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("`script` makes a terminal");
        let keys = Arc::new(Mutex::new(child.stdin.take().expect("its keys")));
        let mut screen = child.stdout.take().expect("its screen");
        let (tell, shown) = mpsc::channel();
        let answers = Arc::clone(&keys);
        thread::spawn(move || {
            let (mut room, mut end) = ([0; 4096], Vec::new());
            while let Ok(read @ 1..) = screen.read(&mut room) {
                end.extend_from_slice(&room[..read]);
                let asked = end.windows(WHERE.len()).filter(|part| *part == WHERE).count();
                // What was answered is not answered again; the begin of a question may still be there.
                let kept = end.len().min(WHERE.len() - 1);
                end.drain(..end.len() - kept);
                for _ in 0..asked {
                    let mut keys = answers.lock().unwrap_or_else(PoisonError::into_inner);
                    drop(keys.write_all(b"\x1b[1;1R").and_then(|()| keys.flush()));
                }
                if tell.send(room[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        let mut terminal = Self {
            child,
            keys,
            shown,
            all: Vec::new(),
            seen: 0,
            device: String::new(),
            process: String::new(),
        };
        let first = terminal.shows("watch follows an incident");
        let device = first.lines().find(|line| line.starts_with("/dev/")).expect("its device");
        device.trim().clone_into(&mut terminal.device);
        let process = first.lines().find_map(|line| line.trim().strip_prefix("process "));
        process.expect("its number").clone_into(&mut terminal.process);
        terminal.shows("ana>");
        terminal
    }

    /// Whether the console has ended; nobody may have taken note of it yet.
    fn has_ended(&self) -> bool {
        let state = fs::read_to_string(format!("/proc/{}/stat", self.process));
        state.is_ok_and(|state| state.contains(") Z ")) || !Path::new("/proc").join(&self.process).exists()
    }

    fn types(&self, keys: &str) {
        let mut writer = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        writer.write_all(keys.as_bytes()).and_then(|()| writer.flush()).expect("it takes keys");
    }

    /// Waits until this is shown after what was waited for before; gives what stands up to it, without colours.
    fn shows(&mut self, part: &str) -> String {
        loop {
            let text = plain(&self.all).split_off(self.seen);
            if let Some(at) = text.find(part) {
                let shown = text[..at + part.len()].to_owned();
                self.seen += shown.len();
                return shown;
            }
            match self.shown.recv_timeout(SOON) {
                Ok(more) => self.all.extend(more),
                Err(why) => panic!("nothing shows `{part}` ({why}) in: {text}"),
            }
        }
    }

    /// Waits until this is shown and the next line may be written: before that, keys mean something else.
    fn answers(&mut self, part: &str) {
        self.shows(part);
        self.shows("ana>");
    }

    /// Waits until the whole screen, as it was drawn last, is such.
    fn draws(&mut self, is: impl Fn(&str) -> bool) -> String {
        loop {
            while let Ok(more) = self.shown.try_recv() {
                self.all.extend(more);
            }
            let from = self.all.windows(4).rposition(|part| part == b"\x1b[2J").map_or(0, |at| at + 4);
            let screen = plain(&self.all[from..]);
            if is(&screen) {
                self.seen = plain(&self.all).len();
                return screen;
            }
            match self.shown.recv_timeout(SOON) {
                Ok(more) => self.all.extend(more),
                Err(why) => panic!("the screen stays ({why}): {screen}"),
            }
        }
    }

    /// Somebody makes the window larger or smaller.
    fn becomes(&self, columns: u16, rows: u16) {
        let size = ["cols".to_owned(), columns.to_string(), "rows".to_owned(), rows.to_string()];
        let status = Command::new("stty").args(["-F", &self.device]).args(size).status().expect("stty");
        assert!(status.success(), "the terminal has another size");
    }

    /// Leaves, and waits for the end.
    fn leaves(mut self) -> String {
        self.types("exit\r");
        let ended = until(SOON, || self.child.try_wait().expect("it can be asked"));
        assert!(ended.is_some_and(|status| status.success()), "{}", plain(&self.all));
        while let Ok(more) = self.shown.recv() {
            self.all.extend(more);
        }
        String::from_utf8_lossy(&self.all).into_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What stands there without what commands a terminal.
fn plain(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&strip_ansi_escapes::strip(bytes)).into_owned()
}

struct House {
    folder: tempfile::TempDir,
    watchbell: Watchbell,
}

fn house() -> House {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("commands/shop")).expect("a folder");
    fs::write(folder.path().join("commands/shop/login.md"), LOGIN).expect("a runbook");
    let watchbell = Watchbell::here(folder.path(), &config());
    let opened = watchbell.command("ana", "/incident open P3 the disk fills up");
    assert_eq!(opened["ok"], true, "{opened}");
    House { folder, watchbell }
}

#[test]
fn a_command_of_two_lines_is_typed_found_again_and_its_secrets_are_forgotten() {
    let House { folder, watchbell } = house();
    let state = folder.path().join("state");
    let mut terminal = Terminal::open(&watchbell, &state, &[]);
    // A line goes on behind a backslash, and while a quote is open.
    terminal.types("/incident note INC-1 the volume \\\r");
    terminal.shows("the volume");
    terminal.types("is full\r");
    terminal.answers("Noted on INC-1: the volume is full");
    terminal.types("/incident note INC-1 \"it was\r");
    terminal.shows("it was");
    terminal.types("the backup\"\r");
    terminal.answers("Noted on INC-1: it was the backup");
    // What is dropped is not done, and does not leave.
    terminal.types("/incident resolve INC-1");
    terminal.shows("/incident resolve INC-1");
    terminal.types(CTRL_C);
    terminal.shows("ana>");
    terminal.types(CTRL_R);
    terminal.shows("ana (history: )");
    terminal.types("nobody wrote this");
    terminal.shows("ana (not in history: nobody wrote this)");
    terminal.types(CTRL_C);
    terminal.answers("again leaves");
    terminal.types(CTRL_R);
    terminal.shows("(history: )");
    terminal.types("volume");
    terminal.shows("(history: volume) /incident note INC-1");
    terminal.types("\r");
    terminal.shows("ana> /incident note INC-1 the volume");
    terminal.types("\r");
    terminal.answers("Noted on INC-1: the volume is full");
    terminal.types("/shop login pin-of-ana-1234\r");
    terminal.answers("R-1");
    terminal.types("/incident li\t");
    terminal.shows("Lists the open incidents");
    terminal.types(CTRL_C);
    terminal.shows("ana>");
    let all = terminal.leaves();
    assert!(all.contains("\u{1b}[1m"), "there are colours");
    let history = state.join("watchbell/history");
    let kept = fs::read_to_string(&history).expect("the history");
    assert!(kept.contains("the volume") && kept.contains("it was"), "{kept}");
    assert!(!kept.contains("pin-of-ana") && !kept.contains("resolve"), "{kept}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&history).expect("it").permissions());
    assert_eq!(mode & 0o777, 0o600, "nobody else reads it");
    let incident = watchbell.json("/api/v1/incidents/INC-1");
    assert_ne!(incident["status"], "resolved", "{incident}");
}

#[test]
fn an_incident_is_watched_through_another_size_and_a_restart_and_left() {
    let House { folder, mut watchbell } = house();
    let mut terminal = Terminal::open(&watchbell, folder.path(), &[]);
    terminal.types("watch\r");
    let screen = terminal.draws(|screen| screen.contains("q or Ctrl-C ends."));
    assert!(screen.contains("INC-1 P3 the disk fills up"), "{screen}");
    watchbell.command("ana", "/incident note INC-1 looking at the volume");
    terminal.draws(|screen| screen.contains("ana: looking at the volume"));
    terminal.becomes(30, 10);
    let narrow = |screen: &str| {
        let lines: Vec<&str> = screen.lines().map(str::trim_end).collect();
        lines.len() <= 10 && lines.iter().all(|line| line.chars().count() <= 30)
    };
    let screen = terminal.draws(|screen| narrow(screen) && screen.trim_end().ends_with("ends."));
    assert!(screen.contains("volume"), "the end of the timeline is there: {screen}");
    terminal.becomes(100, 30);
    terminal.draws(|screen| screen.contains("INC-1 P3 the disk fills up"));
    watchbell.process.kill();
    let screen = terminal.draws(|screen| screen.contains("The server is gone"));
    assert!(screen.contains("looking at the volume"), "what was known stays: {screen}");
    // Its note stays, whatever the size.
    terminal.becomes(90, 20);
    terminal.draws(|screen| screen.contains("The server is gone") && screen.contains("the disk fills up"));
    watchbell.start_again();
    watchbell.command("ana", "/incident note INC-1 it was the log");
    terminal.draws(|screen| screen.contains("ana: it was the log") && !screen.contains("is gone"));
    terminal.types("q");
    terminal.shows("ana>");
    terminal.types("/incident list\r");
    terminal.answers("1 open incident");
    let all = terminal.leaves();
    let (entered, left) = (all.matches("\u{1b}[?1049h").count(), all.matches("\u{1b}[?1049l").count());
    assert_eq!((entered, left), (1, 1), "the screen is as it was");
}

#[test]
fn a_window_that_is_closed_takes_the_console_with_it() {
    let House { folder, watchbell } = house();
    for watches in [true, false] {
        let mut terminal = Terminal::open(&watchbell, folder.path(), &[]);
        if watches {
            terminal.types("watch INC-1\r");
            terminal.draws(|screen| screen.contains("Ctrl-C ends."));
        }
        assert!(!terminal.has_ended());
        drop(terminal.child.kill());
        drop(terminal.child.wait());
        let ended = until(SOON, || terminal.has_ended().then_some(()));
        assert!(ended.is_some(), "it goes on for ever without a terminal; watching: {watches}");
    }
}

#[test]
fn whoever_wants_no_colours_has_none() {
    let House { folder, watchbell } = house();
    let mut terminal = Terminal::open(&watchbell, folder.path(), &[("NO_COLOR", "1")]);
    terminal.types("/incident show INC-1\r");
    terminal.answers("INC-1 P3 the disk fills up");
    terminal.types("watch INC-1\r");
    terminal.draws(|screen| screen.contains("Ctrl-C ends."));
    terminal.types("q");
    terminal.shows("ana>");
    let all = terminal.leaves();
    let coloured: Vec<&str> = all
        .split("\u{1b}[")
        .skip(1)
        .filter_map(|rest| rest.split_once('m').map(|(codes, _)| codes))
        .filter(|codes| codes.chars().all(|code| code.is_ascii_digit() || code == ';'))
        .filter(|codes| !matches!(*codes, "" | "0"))
        .collect();
    assert_eq!(coloured, [""; 0], "{all}");
}
