//! `watchbell console`: chat in the terminal with a running server. Lines that begin with `/` are commands, numbers
//! press buttons. Never shows text of the server before it was made harmless, and never runs a command itself.

use std::{
    io::{self, IsTerminal as _},
    pin::pin,
    process::ExitCode,
    sync::Arc,
};

use tokio::sync::mpsc;

use super::{
    Common, clean,
    client::{
        Client, Failure, Reply,
        live::{Happened, Live, Said},
    },
    on_runtime,
    run::{DONE, NOT_THERE, REFUSED, Reach, say},
};
use crate::text::card::Card;

mod ask;
pub mod buttons;
pub mod course;
pub mod follow;
pub mod line;
pub mod paint;
mod typing;
mod watch;

use ask::{Asking, Next};
use buttons::Buttons;
use follow::{Heard, follow};
use line::{Editor, Typed};
use paint::Paint;

/// Messages of the time before we came that are shown.
const EARLIER: usize = 3;

/// What `watchbell console` is given.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ConsoleArgs {
    /// Where the server is, and who calls.
    #[command(flatten)]
    pub reach: Reach,
    /// The channel in which you write.
    #[arg(long, value_name = "CHANNEL")]
    pub channel: Option<String>,
    /// Show messages only, and not every event.
    #[arg(long)]
    pub quiet: bool,
}

/// Chats until the person leaves. Exits 0; without a terminal 1 when a command was refused; 2 when the server is not
/// there.
#[must_use]
pub fn run(common: &Common, args: ConsoleArgs) -> ExitCode {
    let client = match args.reach.client(common) {
        Ok(client) => client,
        Err(why) => {
            say(&format!("watchbell: {why}"));
            return ExitCode::from(REFUSED);
        }
    };
    let shows: Shows = if args.quiet { Arc::new(|_| false) } else { Arc::new(|_| true) };
    let console = Console {
        client,
        channel: args.channel,
        paint: Paint::of_stdout(),
        shows,
        own_words: Arc::new(|_| None),
    };
    on_runtime(open(console))
}

async fn open(console: Console) -> ExitCode {
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return ExitCode::from(console.read(io::stdout()).await);
    }
    let live = match console.client.live(None).await {
        Ok(live) => live,
        Err(failure) => {
            say(&format!("watchbell: {failure}"));
            return ExitCode::from(if failure.is_absence() { NOT_THERE } else { REFUSED });
        }
    };
    let place = console.client.place().url.clone();
    let hint = "/help lists the commands, watch follows an incident, exit leaves.";
    println!("{}", console.paint.dim(&format!("You are at {place}")));
    println!("{}", console.paint.dim(hint));
    let (_nobody, others) = mpsc::channel(1);
    match console.talk(live, others).await {
        Ok(()) => ExitCode::from(DONE),
        Err(error) => {
            say(&format!("watchbell: the terminal cannot be used: {error}"));
            ExitCode::from(REFUSED)
        }
    }
}

/// Which events are shown.
pub type Shows = Arc<dyn Fn(&Happened) -> bool + Send + Sync>;
/// Words that mean something here and not on the server; the answer is printed.
pub type OwnWords = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// One chat.
pub struct Console {
    /// The server.
    pub client: Client,
    /// The channel in which commands are written.
    pub channel: Option<String>,
    /// How it looks.
    pub paint: Paint,
    /// Which events are shown.
    pub shows: Shows,
    /// Words of its own.
    pub own_words: OwnWords,
}

/// What a line means.
#[derive(Debug, PartialEq, Eq)]
enum Meant {
    Nothing,
    Leave,
    Command(String),
    /// The command of a button.
    Press(String),
    /// Nothing can be done with it; what to do instead.
    Hint(String),
}

/// What a line means, with the buttons of what was shown.
fn meaning(line: &str, buttons: &Buttons) -> Meant {
    let line = line.trim();
    if line.is_empty() {
        return Meant::Nothing;
    }
    if matches!(line, "exit" | "quit" | "/exit" | "/quit") {
        return Meant::Leave;
    }
    if line.starts_with('/') {
        return Meant::Command(line.to_owned());
    }
    if line.bytes().all(|byte| byte.is_ascii_digit()) {
        return match line.parse().ok().and_then(|number| buttons.press(number)) {
            // A server can put anything on a button; only commands are sent back.
            Some(command) if command.starts_with('/') => Meant::Press(command.to_owned()),
            Some(_) => Meant::Hint("This button cannot be pressed in a terminal.".to_owned()),
            None if buttons.is_empty() => Meant::Hint("There is no button yet.".to_owned()),
            None => Meant::Hint(format!("No card shows a button [{line}].")),
        };
    }
    let hint = "Commands begin with /: try /help. To write into an incident: /incident note INC-1 …";
    Meant::Hint(hint.to_owned())
}

/// What the next line can mean something to.
#[derive(Default)]
struct Table {
    buttons: Buttons,
    /// A form that is being filled in.
    asking: Option<Asking>,
}

impl Console {
    /// Reads commands line by line and prints the answers; gives the exit code.
    async fn read(self, mut out: impl io::Write) -> u8 {
        let mut lines = lines_of_stdin();
        let (mut table, mut code) = (Table::default(), DONE);
        // The line that ended a look, when it says more than that.
        let mut next = None;
        loop {
            let read = match next.take() {
                Some(read) => Some(read),
                None => lines.recv().await,
            };
            let line = match read {
                Some(Ok(line)) => line,
                None => return code,
                Some(Err(error)) => {
                    say(&format!("watchbell: the input cannot be read: {error}"));
                    return REFUSED;
                }
            };
            if let Some(asked) = watch::asked(&line).filter(|_| table.asking.is_none()) {
                let (of_watching, ended_by) = self.watch_lines(&asked, &mut lines, &mut out).await;
                code = code.max(of_watching);
                match ended_by {
                    Some(Ok(line)) if line.trim() == "q" => {}
                    Some(read) => next = Some(read),
                    None => return code,
                }
                continue;
            }
            let asked = match self.fill(&line, &mut table).await {
                Some(answer) => Ok(answer),
                None => Err(meaning(&line, &table.buttons)),
            };
            let (shown, of_command) = match asked {
                Ok(answer) => answer,
                Err(Meant::Nothing) => continue,
                Err(Meant::Leave) => return code,
                Err(Meant::Command(_)) if line.trim_start().starts_with("//") => continue,
                Err(Meant::Command(command)) => self.answer(&command, &mut table).await,
                Err(Meant::Press(command)) => self.press(&command, &mut table).await,
                Err(Meant::Hint(hint)) => {
                    say(&format!("watchbell: `{}`: {hint}", clean::line(&line)));
                    code = code.max(REFUSED);
                    continue;
                }
            };
            code = code.max(of_command);
            if writeln!(out, "{shown}").and_then(|()| out.flush()).is_err() {
                return code.max(REFUSED);
            }
            if of_command == NOT_THERE {
                return code;
            }
        }
    }

    /// Watches an incident until the next line; gives the exit code and that line.
    async fn watch_lines(
        &self,
        asked: &watch::Asked,
        lines: &mut mpsc::Receiver<io::Result<String>>,
        out: &mut impl io::Write,
    ) -> (u8, Option<io::Result<String>>) {
        let live = match self.client.live(None).await {
            Ok(live) => live,
            Err(failure) => {
                say(&format!("watchbell: {failure}"));
                let code = if failure.is_absence() { NOT_THERE } else { REFUSED };
                return (code, lines.recv().await);
            }
        };
        let (hear, mut heard) = mpsc::channel(256);
        let following = tokio::spawn(follow(self.client.clone(), live, hear));
        let mut ended_by = None;
        let ended = async { ended_by = Some(lines.recv().await) };
        let with = (&self.client, &self.paint);
        let done = watch::in_lines(with, asked, &mut heard, Box::pin(ended), out).await;
        following.abort();
        if let Err(why) = &done {
            say(&format!("watchbell: {}", clean::lines(why)));
        }
        let ended_by = match ended_by {
            Some(line) => line,
            None => lines.recv().await,
        };
        (if done.is_ok() { DONE } else { REFUSED }, ended_by)
    }

    /// Watches an incident in the terminal, and then prints what the bot said meanwhile.
    async fn watch(&self, asked: &watch::Asked, heard: &mut mpsc::Receiver<Heard>, table: &mut Table) {
        match watch::in_terminal((&self.client, &self.paint), asked, heard).await {
            Ok(meanwhile) => {
                for text in meanwhile.into_iter().flat_map(|one| self.hear(one, &mut table.buttons)) {
                    println!("{text}");
                }
            }
            Err(why) => {
                println!("{}", self.paint.toned(crate::text::card::Tone::Critical, &clean::lines(&why)));
            }
        }
    }

    /// Chats in a terminal, from an open stream on, until the person leaves. `others` is printed above the line as well.
    ///
    /// # Errors
    /// When the terminal cannot be used.
    pub async fn talk(self, live: Live, mut others: mpsc::Receiver<String>) -> io::Result<()> {
        let name = format!("{} ", self.client.person().unwrap_or("watchbell"));
        let mut editor = Editor::start(self.client.clone(), clean::line(&name), self.paint.colours())?;
        let (hear, mut heard) = mpsc::channel(256);
        let following = tokio::spawn(follow(self.client.clone(), live, hear));
        let mut table = Table::default();
        let mut interrupted = false;
        let mut ended = pin!(terminated());
        loop {
            tokio::select! {
                typed = editor.typed() => {
                    let again = std::mem::replace(&mut interrupted, typed == Typed::Interrupt);
                    match typed {
                        Typed::End => break,
                        Typed::Interrupt if again => break,
                        Typed::Interrupt | Typed::Dropped if table.asking.take().is_some() => {
                            println!("{}", self.paint.dim("Nothing was done."));
                        }
                        Typed::Dropped => {}
                        Typed::Interrupt => println!("{}", self.paint.dim("exit, Ctrl-D or Ctrl-C again leaves.")),
                        Typed::Line(line) => {
                            let asked = watch::asked(&line).filter(|_| table.asking.is_none());
                            match asked {
                                Some(asked) => self.watch(&asked, &mut heard, &mut table).await,
                                None if self.line(&line, &mut table).await => break,
                                None => {}
                            }
                        }
                    }
                    editor.go_on();
                }
                Some(heard) = heard.recv() => {
                    for text in self.hear(heard, &mut table.buttons) {
                        editor.print(text).await;
                    }
                }
                Some(text) = others.recv() => editor.print(text).await,
                () = &mut ended => break,
            }
        }
        following.abort();
        Ok(())
    }

    /// Does what a line says; true: the person leaves.
    async fn line(&self, line: &str, table: &mut Table) -> bool {
        if let Some((shown, _)) = self.fill(line, table).await {
            println!("{shown}");
            return false;
        }
        if let Some(answer) = (self.own_words)(line.trim()) {
            println!("{answer}");
            return false;
        }
        let (shown, _) = match meaning(line, &table.buttons) {
            Meant::Nothing => return false,
            Meant::Leave => return true,
            Meant::Hint(hint) => {
                println!("{}", self.paint.dim(&hint));
                return false;
            }
            Meant::Press(command) => {
                let written = crate::text::control::written(&command);
                println!("{}", self.paint.dim(&format!("→ {}", clean::line(&written))));
                self.press(&command, table).await
            }
            Meant::Command(command) => self.answer(&command, table).await,
        };
        println!("{shown}");
        false
    }

    /// A line for the form that is being filled in, and what is shown then; none: there is no form.
    async fn fill(&self, line: &str, table: &mut Table) -> Option<(String, u8)> {
        let asking = table.asking.as_mut()?;
        Some(match asking.take(line) {
            Next::Question(question) => (self.paint.bold(&clean::line(&question)), DONE),
            Next::Dropped => {
                table.asking = None;
                (self.paint.dim("Nothing was done."), DONE)
            }
            Next::Send(command, values) => {
                table.asking = None;
                let channel = self.channel.as_deref();
                let reply = self.client.submit(&command, &values, channel).await;
                self.shown(reply, table)
            }
        })
    }

    /// A button was pressed: what it lacks is asked for.
    async fn press(&self, command: &str, table: &mut Table) -> (String, u8) {
        let mut reply = self.client.command(command, self.channel.as_deref()).await;
        let form = reply.as_mut().ok().and_then(|reply| reply.form.take());
        match form.and_then(Asking::begin) {
            Some((asking, begun)) => {
                table.asking = Some(asking);
                (self.paint.bold(&clean::lines(&begun)), DONE)
            }
            None => self.shown(reply, table),
        }
    }

    /// The answer to a command as it is shown, and what `watchbell run` would exit with.
    async fn answer(&self, command: &str, table: &mut Table) -> (String, u8) {
        let reply = self.client.command(command, self.channel.as_deref()).await;
        self.shown(reply, table)
    }

    fn shown(&self, reply: Result<Reply, Failure>, table: &mut Table) -> (String, u8) {
        match reply {
            Ok(reply) => {
                table.buttons.shown(&reply.cards);
                let shown = if reply.cards.is_empty() {
                    clean::lines(&reply.text)
                } else {
                    self.paint.cards(&reply.cards)
                };
                (shown, if reply.ok { DONE } else { REFUSED })
            }
            Err(failure) => {
                let code = if failure.is_absence() { NOT_THERE } else { REFUSED };
                (self.paint.toned(crate::text::card::Tone::Critical, &failure.to_string()), code)
            }
        }
    }

    /// What is printed of something that was heard.
    fn hear(&self, heard: Heard, buttons: &mut Buttons) -> Vec<String> {
        match heard {
            Heard::Happened(event) if event.text.is_empty() || !(self.shows)(&event) => Vec::new(),
            Heard::Happened(event) => {
                vec![self.paint.event(event.at, event.subject.as_deref(), &event.by, &event.text)]
            }
            Heard::Said(said) => vec![self.said(&said, buttons)],
            Heard::Earlier(mut said) => {
                let shown = said.split_off(said.len().saturating_sub(EARLIER));
                let mut texts = Vec::new();
                if !said.is_empty() {
                    let left_out = format!("{} earlier messages are not shown.", said.len());
                    texts.push(self.paint.dim(&left_out));
                }
                texts.extend(shown.iter().map(|said| self.said(said, buttons)));
                texts
            }
            Heard::Lost { why, .. } => {
                let text = format!("The server is gone ({}). Trying again…", clean::line(&why));
                vec![self.paint.toned(crate::text::card::Tone::Warning, &text)]
            }
            Heard::Back(false) => {
                let text = "The server is back; what happened meanwhile follows.";
                vec![self.paint.toned(crate::text::card::Tone::Good, text)]
            }
            Heard::Back(true) => {
                let text = "A server is back, with another journal: what happened there before is not shown.";
                vec![self.paint.toned(crate::text::card::Tone::Warning, text)]
            }
            Heard::Ended(why) => {
                let text = format!("Nothing more is heard from the server: {}", clean::lines(&why));
                vec![self.paint.toned(crate::text::card::Tone::Critical, &text)]
            }
        }
    }

    fn said(&self, said: &Said, buttons: &mut Buttons) -> String {
        let card: &Card = &said.card;
        buttons.shown(std::slice::from_ref(card));
        // An empty line, so that cards do not run together.
        format!("{}\n ", self.paint.card(card, 0, Some(&said.to)))
    }
}

/// The lines of the standard input, read in a thread that nobody waits for.
fn lines_of_stdin() -> mpsc::Receiver<io::Result<String>> {
    let (enter, lines) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in io::stdin().lines() {
            let failed = line.is_err();
            if enter.blocking_send(line).is_err() || failed {
                return;
            }
        }
    });
    lines
}

/// Until somebody asks this process to end, or closes its terminal.
pub(super) async fn terminated() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = (signal(SignalKind::terminate()), signal(SignalKind::hangup()));
        if let (Ok(mut terminate), Ok(mut hangup)) = signals {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
            return;
        }
    }
    std::future::pending::<()>().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::card::Button;

    #[test]
    fn a_line_is_a_command_a_number_or_a_hint() {
        let mut buttons = Buttons::default();
        assert!(matches!(meaning("1", &buttons), Meant::Hint(hint) if hint.contains("no button yet")));
        let button = |command: &str| Button::new("x".to_owned(), command.to_owned());
        buttons.shown(&[Card { buttons: vec![button("/ack G-1"), button("rm -rf")], ..Card::default() }]);
        for (line, expected) in [
            ("", Meant::Nothing),
            ("  ", Meant::Nothing),
            ("exit", Meant::Leave),
            ("quit ", Meant::Leave),
            ("/quit", Meant::Leave),
            (" /ack G-1 ", Meant::Command("/ack G-1".to_owned())),
            ("1", Meant::Press("/ack G-1".to_owned())),
            ("2", Meant::Hint("This button cannot be pressed in a terminal.".to_owned())),
            (
                "99999999999999999999999",
                Meant::Hint("No card shows a button [99999999999999999999999].".to_owned()),
            ),
        ] {
            assert_eq!(meaning(line, &buttons), expected, "{line:?}");
        }
        assert!(matches!(meaning("hello", &buttons), Meant::Hint(hint) if hint.contains("/help")));
    }
}
