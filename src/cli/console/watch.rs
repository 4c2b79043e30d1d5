//! `watch INC-7` in the console: the card of an incident and its timeline, kept true while things happen. Never presses
//! a button, and never leaves a terminal in another mode than it found.

use std::{
    io::{self, IsTerminal as _, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crossterm::{
    cursor::MoveTo,
    event::{self, Event, KeyCode, KeyEvent, KeyModifiers},
    execute, queue,
    terminal::{
        Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
    },
};
use jiff::Timestamp;
use serde::Deserialize;
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::{Instant, sleep_until},
};

use super::{follow::Heard, line::fold, paint::Paint, terminated};
use crate::{
    cli::{
        clean,
        client::{Client, Failure},
    },
    text::card::{Card, Tone},
};

/// After the first thing that happens it is looked again so much later: a storm is one look.
const PAUSE: Duration = Duration::from_millis(250);
/// How old what is shown becomes while nothing happens: `5m ago` stays true.
const FRESH: Duration = Duration::from_secs(30);
/// Entries of the timeline that are shown at first, where lines are appended.
const FIRST: usize = 10;
/// Entries that are kept for the screen.
const KEPT: usize = 500;
/// Lines of the timeline that a tall card leaves.
const LEAST: usize = 5;
/// Messages that are kept for afterwards.
const MEANWHILE: usize = 50;
/// How soon a thread that reads keys sees that nobody waits for them.
const KEYS: Duration = Duration::from_millis(100);

/// What is to be watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// The newest incident that is open, or else the newest.
    Newest,
    /// This one.
    One(String),
    /// It cannot be read.
    Wrong,
}

/// What a line wants to watch; none: it is about something else.
pub(super) fn asked(line: &str) -> Option<Asked> {
    let mut words = line.split_whitespace();
    if words.next() != Some("watch") {
        return None;
    }
    Some(match (words.next(), words.next()) {
        (None, _) => Asked::Newest,
        (Some(id), None) => {
            let id = id.to_ascii_uppercase();
            let number = id.strip_prefix("INC-").unwrap_or_default();
            let is_one = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            if is_one { Asked::One(id) } else { Asked::Wrong }
        }
        _ => Asked::Wrong,
    })
}

/// How it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// The whole screen, drawn anew.
    Screen,
    /// Lines that are appended: a terminal that cannot do more, or none.
    Lines,
}

/// An entry of a timeline.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Entry {
    seq: u64,
    at: Timestamp,
    #[serde(default)]
    by: String,
    text: String,
}

#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

/// What is known of the incident that is watched.
struct Watched {
    client: Client,
    id: String,
    card: Card,
    entries: Vec<Entry>,
    /// The last entry that was read.
    last: u64,
}

impl Watched {
    async fn begin(client: &Client, asked: &Asked) -> Result<Self, String> {
        let id = match asked {
            Asked::One(id) => id.clone(),
            Asked::Wrong => {
                return Err("Write watch INC-7, or watch alone for the newest incident.".to_owned());
            }
            Asked::Newest => newest(client).await.map_err(|failure| failure.to_string())?,
        };
        let mut watched =
            Self { client: client.clone(), id, card: Card::default(), entries: Vec::new(), last: 0 };
        watched.refresh().await?;
        Ok(watched)
    }

    /// Looks again; gives how many entries are new.
    async fn refresh(&mut self) -> Result<usize, String> {
        let said = |failure: Failure| failure.to_string();
        let show = format!("/incident show {}", self.id);
        let mut reply = self.client.command(&show, None).await.map_err(said)?;
        if !reply.ok || reply.cards.is_empty() {
            return Err(clean::lines(&reply.text));
        }
        self.card = reply.cards.swap_remove(0);
        // Nobody presses them here.
        self.card.buttons.clear();
        let path = format!("incidents/{}/timeline", self.id);
        let mut new = 0;
        loop {
            let after = self.last.to_string();
            let query = [("limit", "1000"), ("cursor", after.as_str())];
            let page: Page<Entry> = self.client.list(&path, &query).await.map_err(said)?;
            new += page.items.len();
            let end = page.items.last().map(|entry| entry.seq);
            let next = page.next.as_ref().and_then(|next| next.parse().ok());
            let goes_on = next.is_some_and(|next| next > self.last);
            self.last = next.max(end).unwrap_or(0).max(self.last);
            self.entries.extend(page.items);
            let old = self.entries.len().saturating_sub(KEPT);
            self.entries.drain(..old);
            if !goes_on {
                return Ok(new.min(self.entries.len()));
            }
        }
    }

    fn lines(&self, paint: &Paint, last: usize) -> Vec<String> {
        let from = self.entries.len().saturating_sub(last);
        let line = |entry: &Entry| paint.event(entry.at, None, &entry.by, &entry.text);
        self.entries.iter().skip(from).map(line).collect()
    }
}

async fn newest(client: &Client) -> Result<String, Failure> {
    for query in [&[("limit", "1"), ("status", "open")][..], &[("limit", "1")]] {
        let mut page: Page<Named> = client.list("incidents", query).await?;
        if let Some(found) = page.items.pop() {
            return Ok(found.id);
        }
    }
    let words = "there is no incident yet\nopen one with /incident open".to_owned();
    Err(Failure::Problem { status: 404, words })
}

/// The whole screen: the card, as much of the end of the timeline as fits, and how to leave. Of a card that is too tall
/// the end is left out, so that the timeline is always seen.
fn whole(card: &str, timeline: &[String], foot: &str, (columns, rows): (usize, usize)) -> String {
    let folded = |text: &str| fold(text, columns).lines().map(str::to_owned).collect::<Vec<_>>();
    let (card, foot) = (folded(card), folded(foot));
    let timeline: Vec<String> = timeline.iter().flat_map(|line| folded(line)).collect();
    // The foot and two empty lines.
    let room = rows.saturating_sub(2 + foot.len());
    let of_timeline = timeline.len().min(room.saturating_sub(card.len()).max(LEAST.min(room)));
    let of_card = card.len().min(room - of_timeline);
    let mut lines: Vec<&str> = card.iter().take(of_card).map(String::as_str).collect();
    lines.push("");
    lines.extend(timeline.iter().skip(timeline.len() - of_timeline).map(String::as_str));
    lines.push("");
    lines.extend(foot.iter().map(String::as_str));
    lines.join("\n")
}

/// Where the response stands, in one line: what a card says of it.
fn standing(card: &Card) -> String {
    let wanted = ["Severity", "Status", "Commander"];
    let fields = card.fields.iter().filter(|field| wanted.contains(&field.name.as_str()));
    fields.map(|field| format!("{}: {}", field.name, field.value)).collect::<Vec<_>>().join("; ")
}

/// Shows what is watched.
struct Shown<'a, W> {
    paint: &'a Paint,
    look: Look,
    /// Whether an end of a line has to go back to its begin.
    raw: bool,
    /// What is said beside it, until it is looked at again: that the server is gone.
    note: String,
    out: W,
}

impl<W: Write> Shown<'_, W> {
    fn print(&mut self, text: &str) -> io::Result<()> {
        let ends = if self.raw { "\r\n" } else { "\n" };
        for line in text.lines() {
            write!(self.out, "{line}{ends}")?;
        }
        self.out.flush()
    }

    fn screen(&mut self, watched: &Watched) -> io::Result<()> {
        let size = terminal_size::terminal_size();
        let size = size.map_or((80, 24), |(columns, rows)| (usize::from(columns.0), usize::from(rows.0)));
        let foot = self.paint.dim(&format!("watching {}; q or Ctrl-C ends.", watched.id));
        let foot = match self.note.as_str() {
            "" => foot,
            note => format!("{foot} {}", self.paint.toned(Tone::Warning, note)),
        };
        let card = self.paint.card(&watched.card, 0, None);
        let text = whole(&card, &watched.lines(self.paint, KEPT), &foot, size);
        queue!(self.out, Clear(ClearType::All), MoveTo(0, 0))?;
        write!(self.out, "{}", text.replace('\n', "\r\n"))?;
        self.out.flush()
    }

    fn begin(&mut self, watched: &Watched) -> io::Result<()> {
        if self.look == Look::Screen {
            return self.screen(watched);
        }
        let card = self.paint.card(&watched.card, 0, None);
        let mut lines = vec![card, String::new()];
        lines.extend(watched.lines(self.paint, FIRST));
        lines.push(self.paint.dim(&format!("watching {}; q or Ctrl-C ends", watched.id)));
        self.print(&lines.join("\n"))
    }

    fn again(&mut self, watched: &Watched, new: usize, before: &str) -> io::Result<()> {
        self.note.clear();
        if self.look == Look::Screen {
            return self.screen(watched);
        }
        let mut lines = watched.lines(self.paint, new);
        let now = standing(&watched.card);
        if now != before {
            lines.push(self.paint.bold(&clean::line(&now)));
        }
        self.print(&lines.join("\n"))
    }

    fn note(&mut self, watched: &Watched, note: &str) -> io::Result<()> {
        let note = clean::line(note);
        if self.look == Look::Lines {
            return self.print(&note);
        }
        self.note = note;
        self.screen(watched)
    }

    /// The terminal has another size: what it made of what stood there is not to be read.
    fn resized(&mut self, watched: &Watched) -> io::Result<()> {
        if self.look == Look::Screen { self.screen(watched) } else { Ok(()) }
    }

    /// Shows it until `ended`; gives what the bot said meanwhile.
    async fn follow(
        &mut self,
        watched: &mut Watched,
        heard: &mut mpsc::Receiver<Heard>,
        (mut ended, resized): (impl Future<Output = ()> + Unpin, &Notify),
    ) -> io::Result<Vec<Heard>> {
        let mut meanwhile = Vec::new();
        let mut due = Instant::now() + FRESH;
        self.begin(watched)?;
        loop {
            let soon = due.min(Instant::now() + PAUSE);
            tokio::select! {
                () = &mut ended => return Ok(meanwhile),
                () = resized.notified() => self.resized(watched)?,
                one = heard.recv() => match one {
                    None => return Ok(meanwhile),
                    Some(Heard::Happened(_)) => due = soon,
                    Some(Heard::Lost { why, .. }) => {
                        self.note(watched, &format!("The server is gone ({why}). Trying again…"))?;
                    }
                    Some(Heard::Back(_)) => {
                        self.note(watched, "The server is back.")?;
                        due = soon;
                    }
                    Some(Heard::Ended(why)) => {
                        self.note(watched, &format!("Nothing more is heard from the server: {why}"))?;
                    }
                    Some(said) => {
                        due = soon;
                        if meanwhile.len() < MEANWHILE {
                            meanwhile.push(said);
                        }
                    }
                },
                () = sleep_until(due) => {
                    let before = standing(&watched.card);
                    // A server that does not answer keeps nobody.
                    let looked = tokio::select! {
                        () = &mut ended => return Ok(meanwhile),
                        looked = watched.refresh() => looked,
                    };
                    due = Instant::now() + FRESH;
                    match looked {
                        Ok(new) => self.again(watched, new, &before)?,
                        Err(why) => self.note(watched, &why)?,
                    }
                }
            }
        }
    }
}

/// Watches without a terminal: lines are appended until `ended`.
///
/// # Errors
/// What cannot be watched, in words.
pub(super) async fn in_lines(
    (client, paint): (&Client, &Paint),
    asked: &Asked,
    heard: &mut mpsc::Receiver<Heard>,
    ended: impl Future<Output = ()> + Unpin,
    out: impl Write,
) -> Result<(), String> {
    let mut watched = Watched::begin(client, asked).await?;
    let mut shown = Shown { paint, look: Look::Lines, raw: false, note: String::new(), out };
    let done = shown.follow(&mut watched, heard, (ended, &Notify::new())).await;
    done.map(drop).map_err(|error| error.to_string())
}

/// Watches in a terminal until q or Ctrl-C; gives what the bot said meanwhile.
///
/// # Errors
/// What cannot be watched, in words.
pub(super) async fn in_terminal(
    (client, paint): (&Client, &Paint),
    asked: &Asked,
    heard: &mut mpsc::Receiver<Heard>,
) -> Result<Vec<Heard>, String> {
    let mut watched = Watched::begin(client, asked).await?;
    let term = std::env::var("TERM").unwrap_or_default();
    let look = if term.is_empty() || term == "dumb" || !io::stdout().is_terminal() {
        Look::Lines
    } else {
        Look::Screen
    };
    let words = |error: io::Error| format!("the terminal cannot be used: {error}");
    let _mode = Mode::enter(look).map_err(words)?;
    let keys = Keys::read();
    let mut shown = Shown { paint, look, raw: true, note: String::new(), out: io::stdout() };
    let (mut pressed, stop) = (keys.pressed, keys.stop);
    let ended = async {
        tokio::select! {
            // A thread that cannot read keys any more ends it, too.
            _ = &mut pressed => {}
            () = terminated() => {}
        }
    };
    let done = shown.follow(&mut watched, heard, (Box::pin(ended), &keys.resized)).await;
    stop.store(true, Ordering::Relaxed);
    let reading = keys.thread;
    // What is typed next is the editor's again.
    drop(tokio::task::spawn_blocking(move || reading.map(thread::JoinHandle::join)).await);
    done.map_err(words)
}

/// The mode of a terminal; it is as it was when this is dropped.
struct Mode(Look);

impl Mode {
    fn enter(look: Look) -> io::Result<Self> {
        enable_raw_mode()?;
        let mode = Self(look);
        if look == Look::Screen {
            execute!(io::stdout(), EnterAlternateScreen)?;
        }
        Ok(mode)
    }
}

impl Drop for Mode {
    fn drop(&mut self) {
        if self.0 == Look::Screen {
            drop(execute!(io::stdout(), LeaveAlternateScreen));
        }
        drop(disable_raw_mode());
    }
}

/// A thread that waits for the key that ends it, and hears when the terminal has another size.
struct Keys {
    pressed: oneshot::Receiver<()>,
    resized: Arc<Notify>,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Keys {
    fn read() -> Self {
        let (press, pressed) = oneshot::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let resized = Arc::new(Notify::new());
        let changed = Arc::clone(&resized);
        let reading = move || {
            'keys: while !stopped.load(Ordering::Relaxed) && !is_gone(KEYS) {
                loop {
                    match next_event() {
                        Ok(Some(Event::Key(key))) if ends(key) => break 'keys,
                        Ok(Some(Event::Resize(..))) => changed.notify_one(),
                        Ok(Some(_)) => {}
                        Ok(None) => break,
                        Err(_) => break 'keys,
                    }
                }
            }
            let _ = press.send(());
        };
        let thread = thread::Builder::new().name("keys".to_owned()).spawn(reading).ok();
        Self { pressed, resized, stop, thread }
    }
}

/// What is there to be read, if anything is.
fn next_event() -> io::Result<Option<Event>> {
    if event::poll(Duration::ZERO)? { event::read().map(Some) } else { Ok(None) }
}

/// Waits for keys, and tells whether there is no terminal any more: whoever reads keys from one that was closed reads for
/// ever.
#[cfg(unix)]
fn is_gone(patience: Duration) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let keys = io::stdin();
    let mut keys = [PollFd::new(&keys, PollFlags::IN)];
    let patience = Timespec::try_from(patience).ok();
    // Interrupted when the terminal has another size: that is there to be read.
    let _ = poll(&mut keys, patience.as_ref());
    let [keys] = &keys;
    keys.revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)
}

/// Waits a little; nothing is known of terminals that are closed here.
#[cfg(not(unix))]
fn is_gone(patience: Duration) -> bool {
    drop(event::poll(patience));
    false
}

fn ends(key: KeyEvent) -> bool {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c' | 'd') => control,
        KeyCode::Char('q') | KeyCode::Esc => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::card::Field;

    #[test]
    fn a_line_says_what_is_watched() {
        for (line, expected) in [
            ("watch", Some(Asked::Newest)),
            (" watch  inc-7 ", Some(Asked::One("INC-7".to_owned()))),
            ("watch INC-", Some(Asked::Wrong)),
            ("watch G-1", Some(Asked::Wrong)),
            ("watch INC-1 INC-2", Some(Asked::Wrong)),
            ("/watch", None),
            ("watchbell", None),
            ("", None),
        ] {
            assert_eq!(asked(line), expected, "{line:?}");
        }
    }

    #[test]
    fn the_screen_holds_the_card_the_end_of_the_timeline_and_how_to_leave() {
        let timeline: Vec<String> = (1..=9).map(|number| format!("entry {number}")).collect();
        let text = whole("title\nfield", &timeline, "q ends", (20, 10));
        assert_eq!(text, "title\nfield\n\nentry 5\nentry 6\nentry 7\nentry 8\nentry 9\n\nq ends");
        // A tall card leaves room for the timeline, and nothing is ever taller than the screen.
        let tall = (1..=40).map(|number| format!("line {number}")).collect::<Vec<_>>().join("\n");
        let text = whole(&tall, &timeline, "q ends", (20, 12));
        assert!(text.starts_with("line 1\nline 2\nline 3\nline 4\n\nentry 5\n"), "{text}");
        for rows in 0..30 {
            let text = whole(&tall, &timeline, "q ends", (20, rows));
            assert!(text.lines().count() <= rows.max(3), "{rows}: {text}");
            assert!(text.ends_with("q ends"), "{rows}: {text}");
        }
        // How to leave is broken in a narrow terminal, and still the last that stands there.
        let text = whole(&tall, &timeline, "how one leaves", (5, 8));
        assert!(text.lines().count() <= 8 && text.ends_with("how\none\nleave\ns"), "{text}");
        // What the terminal would break itself is broken before it is counted.
        let text = whole("title", &["a line that is long".to_owned()], "q", (10, 10));
        assert_eq!(text, "title\n\na line\nthat is\nlong\n\nq");
    }

    #[test]
    fn where_it_stands_is_one_line_and_the_passing_of_time_is_none_of_it() {
        let field = |name: &str, value: &str| Field { name: name.to_owned(), value: value.to_owned() };
        let fields =
            vec![field("Severity", "P1"), field("Opened", "5 min ago"), field("Status", "identified")];
        let card = Card { fields, ..Card::default() };
        assert_eq!(standing(&card), "Severity: P1; Status: identified");
    }

    #[test]
    fn q_and_control_c_end_it_and_nothing_else_does() {
        let key = |code, modifiers| ends(KeyEvent::new(code, modifiers));
        assert!(key(KeyCode::Char('q'), KeyModifiers::NONE));
        assert!(key(KeyCode::Char('c'), KeyModifiers::CONTROL));
        assert!(!key(KeyCode::Char('c'), KeyModifiers::NONE));
        assert!(!key(KeyCode::Enter, KeyModifiers::NONE));
    }
}
