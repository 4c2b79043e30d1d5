//! The line that a person writes: history, completion through the server, and what is printed above it meanwhile.
//! Lives in a thread of its own, because reading keys blocks; never holds up what is printed.

use std::{
    borrow::Cow,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc as blocking,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use nu_ansi_term::{Color as AnsiColor, Style};
use reedline::{
    ColumnarMenu, Completer, DefaultHinter, Emacs, ExternalPrinter, FileBackedHistory, Highlighter, KeyCode,
    KeyModifiers, MenuBuilder, Prompt, PromptEditMode, PromptHistorySearch, PromptHistorySearchStatus,
    Reedline, ReedlineEvent, ReedlineMenu, Signal, Span, StyledText, Suggestion, default_emacs_keybindings,
};
use tokio::{runtime::Handle, sync::mpsc, time::timeout};
use unicode_width::UnicodeWidthChar as _;

use super::typing::{Discreet, GoesOn, IsSecret, joined};
use crate::cli::{clean, client::Client};

/// Lines that the history keeps.
const HISTORY: usize = 1_000;
/// Texts that wait to be printed above the line.
const PRINTED: usize = 1_024;
/// How long a completion may take: whoever types does not wait longer.
const PATIENCE: Duration = Duration::from_secs(2);
const MENU: &str = "completion";
/// Stands between the name and the line.
const SIGN: &str = "> ";
/// Does nothing: the style is the usual one at the end of a text anyhow.
const NOTHING: &str = "\u{1b}[m";
/// Bytes that reedline's output holds back.
const BUFFER: usize = 8 * 1024;

/// What a person did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// They wrote a line.
    Line(String),
    /// Ctrl-C where nothing was written.
    Interrupt,
    /// Ctrl-C, and what was written is dropped.
    Dropped,
    /// Ctrl-D, or the terminal is gone.
    End,
}

/// A thread that reads lines.
pub struct Editor {
    typed: mpsc::Receiver<Typed>,
    go_on: Option<blocking::SyncSender<()>>,
    printer: ExternalPrinter<String>,
    thread: Option<JoinHandle<()>>,
    reading: bool,
}

impl Editor {
    /// Starts reading. `name` stands before the line.
    ///
    /// # Errors
    /// When this machine starts no thread.
    pub fn start(client: Client, name: String, colours: bool) -> std::io::Result<Self> {
        let (enter, typed) = mpsc::channel(1);
        let (go_on, wait) = blocking::sync_channel(1);
        let printer = ExternalPrinter::new(PRINTED);
        let runtime = Handle::current();
        let above = printer.clone();
        let thread = thread::Builder::new().name("line".to_owned()).spawn(move || {
            let shown = Shown::default();
            let mut line = reader(Complete { client, runtime }, above, colours, shown.clone());
            let prompt = Sign { name };
            loop {
                let read = match line.read_line(&prompt) {
                    Ok(Signal::Success(text)) => Typed::Line(joined(&text).into_owned()),
                    Ok(Signal::CtrlC) if shown.0.swap(false, Ordering::Relaxed) => Typed::Dropped,
                    Ok(Signal::CtrlC) => Typed::Interrupt,
                    Ok(Signal::CtrlD) | Err(_) => Typed::End,
                };
                // History that cannot be kept is no reason to stop.
                drop(line.sync_history());
                if enter.blocking_send(read).is_err() || wait.recv().is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { typed, go_on: Some(go_on), printer, thread: Some(thread), reading: true })
    }

    /// What is typed next. Whoever has it calls [`Editor::go_on`] when the answer is printed.
    pub async fn typed(&mut self) -> Typed {
        let typed = self.typed.recv().await.unwrap_or(Typed::End);
        self.reading = false;
        typed
    }

    /// The next line may be read.
    pub fn go_on(&mut self) {
        if let Some(go_on) = &self.go_on {
            self.reading = go_on.try_send(()).is_ok();
        }
    }

    /// Prints above the line, at once or when the line is shown again.
    pub async fn print(&self, text: String) {
        let width = terminal_size::terminal_size().map_or(80, |(columns, _)| usize::from(columns.0));
        let mut text = fold(&text, width);
        // reedline takes the screen for cleared when lines were printed above but are still in its buffer: what does
        // nothing, and does not fit into that buffer, sends them off.
        text.push_str(&NOTHING.repeat(BUFFER / NOTHING.len() + 1));
        // Full only while an answer takes very long: then it waits here.
        while let Err(full) = self.printer.sender().try_send(text) {
            text = full.into_inner();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        self.go_on = None;
        if self.reading {
            // Nobody wakes a thread that waits for keys; the process ends anyhow, and leaves the terminal as it was.
            drop(crossterm::terminal::disable_raw_mode());
        } else if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Knows whether the line that is shown holds anything; it looks as it was written.
#[derive(Clone, Default)]
struct Shown(Arc<AtomicBool>);

impl Highlighter for Shown {
    fn highlight(&self, line: &str, _: usize) -> StyledText {
        self.0.store(!line.is_empty(), Ordering::Relaxed);
        let mut text = StyledText::new();
        text.push((Style::new(), line.to_owned()));
        text
    }
}

fn reader(complete: Complete, above: ExternalPrinter<String>, colours: bool, shown: Shown) -> Reedline {
    let mut keys = default_emacs_keybindings();
    let tab = ReedlineEvent::UntilFound(vec![ReedlineEvent::Menu(MENU.to_owned()), ReedlineEvent::MenuNext]);
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, tab);
    keys.add_binding(KeyModifiers::SHIFT, KeyCode::BackTab, ReedlineEvent::MenuPrevious);
    let mut menu = ColumnarMenu::default().with_name(MENU).with_columns(2).with_marker(SIGN);
    let mut hinter = DefaultHinter::default();
    if colours {
        hinter = hinter.with_style(Style::new().fg(AnsiColor::DarkGray));
    } else {
        menu = menu
            .with_text_style(Style::new())
            .with_match_text_style(Style::new())
            .with_selected_text_style(Style::new().reverse())
            .with_selected_match_text_style(Style::new().reverse())
            .with_description_text_style(Style::new());
        hinter = hinter.with_style(Style::new()).with_min_chars(usize::MAX);
    }
    let (client, runtime) = (complete.client.clone(), complete.runtime.clone());
    let line = Reedline::create()
        .with_validator(Box::new(GoesOn))
        .with_highlighter(Box::new(shown))
        .with_ansi_colors(colours)
        .with_edit_mode(Box::new(Emacs::new(keys)))
        .with_completer(Box::new(complete))
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(menu)))
        .with_quick_completions(true)
        .with_partial_completions(true)
        .with_hinter(Box::new(hinter))
        .with_external_printer(above);
    let history = state_file().and_then(|file| {
        // Where it cannot be made, the history is that of this time alone.
        for_us_alone(&file).ok()?;
        FileBackedHistory::with_file(HISTORY, file).ok()
    });
    match history.or_else(|| FileBackedHistory::new(HISTORY).ok()) {
        Some(kept) => line.with_history(Box::new(Discreet { kept, is_secret: ask(client, runtime) })),
        None => line,
    }
}

/// Asks the server whether a line holds a secret; without an answer it may.
fn ask(client: Client, runtime: Handle) -> IsSecret {
    Box::new(move |line| {
        if !line.trim_start().starts_with('/') {
            return false;
        }
        let answer = runtime.block_on(async { timeout(PATIENCE, client.is_secret(line)).await });
        !matches!(answer, Ok(Ok(false)))
    })
}

/// Breaks lines that are wider than the terminal, between words where there are any: reedline counts lines, and one that
/// the terminal breaks itself would be overwritten. Colours take no room.
pub(super) fn fold(text: &str, width: usize) -> String {
    let mut folded = String::with_capacity(text.len());
    for (index, line) in text.lines().enumerate() {
        if index > 0 {
            folded.push('\n');
        }
        let (mut taken, mut escape) = (0, false);
        // Where the last blank of this line is, and the columns up to and with it.
        let mut blank: Option<(usize, usize)> = None;
        for char in line.chars() {
            if escape || char == '\u{1b}' {
                escape = char == '\u{1b}' || !char.is_ascii_alphabetic();
                folded.push(char);
                continue;
            }
            let wide = char.width().unwrap_or_default();
            if taken + wide > width {
                match blank.take() {
                    Some((at, before)) => {
                        folded.replace_range(at..=at, "\n");
                        taken -= before;
                    }
                    None => {
                        folded.push('\n');
                        taken = 0;
                    }
                }
            }
            taken += wide;
            if char == ' ' {
                blank = Some((folded.len(), taken));
            }
            folded.push(char);
        }
    }
    folded
}

/// Where the history is kept: the user's state folder.
fn state_file() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = named("XDG_STATE_HOME")
        .or_else(|| named("HOME").map(|home| home.join(".local/state")))
        .or_else(|| named("LOCALAPPDATA"))?;
    Some(state.join("watchbell").join("history"))
}

/// Makes the file of the history, which nobody else reads: what is typed at night names people and machines.
fn for_us_alone(file: &Path) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        let file = options.mode(0o600).open(file)?;
        file.set_permissions(fs::Permissions::from_mode(0o600))
    }
    #[cfg(not(unix))]
    options.open(file).map(drop)
}

/// Asks the server what may stand at the cursor.
struct Complete {
    client: Client,
    runtime: Handle,
}

impl Completer for Complete {
    fn complete(&mut self, line: &str, pos: usize) -> Vec<Suggestion> {
        if !line.starts_with('/') {
            return Vec::new();
        }
        let answer =
            self.runtime.block_on(async { timeout(PATIENCE, self.client.complete(line, pos)).await });
        let Ok(Ok(completions)) = answer else { return Vec::new() };
        completions
            .into_iter()
            // A stretch that is none of this line would break the line.
            .filter(|found| found.start <= found.end && line.get(found.start..found.end).is_some())
            .map(|found| Suggestion {
                value: clean::line(&found.text),
                description: Some(clean::line(&found.about)).filter(|about| !about.is_empty()),
                span: Span::new(found.start, found.end),
                append_whitespace: true,
                ..Suggestion::default()
            })
            .collect()
    }
}

/// What stands before the line.
struct Sign {
    name: String,
}

impl Prompt for Sign {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.name)
    }
    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }
    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed(SIGN)
    }
    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed("  ")
    }
    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        let found = match search.status {
            PromptHistorySearchStatus::Passing => "history",
            PromptHistorySearchStatus::Failing => "not in history",
        };
        Cow::Owned(format!(" ({found}: {}) ", search.term))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for (text, expected) in [
            ("short", "short"),
            ("two words here", "two words\nhere"),
            ("abcdefghijklm", "abcdefghij\nklm"),
            ("\u{1b}[31mtwo\u{1b}[0m words here", "\u{1b}[31mtwo\u{1b}[0m words\nhere"),
            ("名前名前名前", "名前名前名\n前"),
            ("a\n\nb", "a\n\nb"),
            ("0123456789", "0123456789"),
            ("0123456789 a", "0123456789\n a"),
        ] {
            assert_eq!(fold(text, 10), expected, "{text:?}");
        }
    }
}
