//! Starts a program of the list, or a script of the folder, directly with its arguments: there is no shell, so a value can
//! never become code. Never leaves anything of it running, and never keeps more of its output than it may.

use std::{
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use jiff::SignedDuration;
use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal},
};
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::{Child, Command},
    sync::watch,
    time::Instant,
};

use super::{Fault, Found, OUTPUT, secrets::Secrets};
use crate::text::plain::{aligned, plain};

/// Where programs are looked for; the server's own environment does not count.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Between asking a program to end and ending it.
const GRACE: Duration = Duration::from_secs(2);
/// How long what it left in its pipes is read after its end.
const DRAIN: Duration = Duration::from_millis(500);
/// In its environment, so that everything that it started is found again, also what left its process group.
const MARK: &str = "WATCHBELL_STEP";
/// How often it is looked for what a program left behind, at most: each of them may have started another meanwhile.
const LOOKS: usize = 20;
/// So often in a row nothing must be found: a process that becomes another one shows no environment for a moment.
const NOTHING: usize = 2;
/// How long one that was killed may take to be gone.
const GONE: Duration = Duration::from_millis(500);

/// What may be started.
#[derive(Debug, Clone, Default)]
pub struct Allowed {
    /// Programs by name.
    pub programs: Vec<String>,
    /// Executables in it may be started by name.
    pub scripts: Option<PathBuf>,
}

impl Allowed {
    /// The file behind a name.
    ///
    /// # Errors
    /// It is none that may be started, or it is not there.
    pub fn find(&self, name: &str) -> Result<PathBuf, Fault> {
        let shown = plain(name, 60);
        if name.is_empty() || name.contains('/') || name == "." || name == ".." {
            return Err(Fault::NotAllowed(format!(
                "`{shown}`: programs are started by name, without a path"
            )));
        }
        if self.programs.iter().any(|program| program == name) {
            let found =
                PATH.split(':').map(|folder| Path::new(folder).join(name)).find(|path| is_executable(path));
            return found
                .ok_or_else(|| Fault::Unknown(format!("{shown} is not installed where Watchbell runs")));
        }
        let script = self.scripts.as_ref().map(|folder| (folder, folder.join(name)));
        let Some((folder, script)) = script.filter(|(_, script)| script.exists()) else {
            return Err(Fault::NotAllowed(format!(
                "{shown} may not be started: it is neither in `programs` of [runbook] nor in the folder of `scripts`"
            )));
        };
        // A link that leads out of the folder is somebody else's program.
        let inside = script.canonicalize().ok().zip(folder.canonicalize().ok());
        let Some((script, _)) = inside.filter(|(script, folder)| script.starts_with(folder)) else {
            return Err(Fault::NotAllowed(format!("{shown} leads out of the folder of `scripts`")));
        };
        if is_executable(&script) {
            Ok(script)
        } else {
            Err(Fault::NotAllowed(format!("{shown} is not executable: chmod +x it")))
        }
    }
}

fn is_executable(path: &Path) -> bool {
    use rustix::fs::{Access, access};
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

/// One line of a `run` block.
#[derive(Debug, Clone)]
pub struct Start {
    /// By name.
    pub program: String,
    /// As they are: one value is one argument.
    pub arguments: Vec<String>,
    /// Beside the little that every program gets.
    pub environment: Vec<(String, String)>,
    /// Where it works; none: a folder of its own that is removed afterwards.
    pub folder: Option<PathBuf>,
    /// How long it may take.
    pub timeout: Duration,
}

/// Starts it and waits for its end. When `stop` becomes true, it is ended at once.
///
/// # Errors
/// It was not allowed or could not be started, or did not end in time. An exit code of whatever value is an answer.
pub async fn run(
    start: &Start,
    allowed: &Allowed,
    secrets: &Secrets,
    mut stop: watch::Receiver<bool>,
) -> Result<Found, Fault> {
    let path = allowed.find(&start.program)?;
    if start.arguments.iter().any(|argument| argument.contains('\0')) {
        return Err(Fault::NotAllowed("an argument contains a zero byte".to_owned()));
    }
    let own = match &start.folder {
        Some(_) => None,
        None => Some(tempfile::tempdir().map_err(|error| not_started(&start.program, &error))?),
    };
    let folder =
        start.folder.as_deref().or(own.as_ref().map(tempfile::TempDir::path)).unwrap_or(Path::new("/"));
    let mark = mark()?;
    let began = Instant::now();
    let mut child = Command::new(&path)
        .args(&start.arguments)
        .env_clear()
        .env("PATH", PATH)
        .env("LANG", "C.UTF-8")
        .env("HOME", folder)
        .envs(start.environment.iter().map(|(name, value)| (name, value)))
        .env(MARK, &mark)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| not_started(&start.program, &error))?;
    // Whatever happens from here on, also when this future is dropped: nothing of it stays.
    let family =
        Family { leader: child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw), mark };
    let margin = secrets.margin();
    let out = tokio::spawn(gather(child.stdout.take(), margin));
    let err = tokio::spawn(gather(child.stderr.take(), margin));
    let stopped = async {
        if stop.wait_for(|stop| *stop).await.is_err() {
            // Nobody is left who could stop it.
            std::future::pending::<()>().await;
        }
    };
    let ended = tokio::select! {
        status = child.wait() => Some(status),
        () = tokio::time::sleep(start.timeout) => None,
        () = stopped => None,
    };
    let status = match ended {
        Some(status) => status.map_err(|error| not_started(&start.program, &error))?,
        None => {
            end(&mut child, &family).await;
            let late = SignedDuration::try_from(start.timeout).unwrap_or(SignedDuration::MAX);
            return Err(Fault::TimedOut(late));
        }
    };
    // What it started and left behind holds the pipes open and is not wanted.
    tokio::task::spawn_blocking(move || drop(family)).await.unwrap_or_default();
    let out = drained(out).await;
    let err = drained(err).await;
    Ok(found(&start.program, status, began.elapsed(), out, err, secrets))
}

fn not_started(program: &str, error: &std::io::Error) -> Fault {
    Fault::Unknown(format!("{} could not be started: {}", plain(program, 60), error.kind()))
}

/// Tells this step's processes from all others.
fn mark() -> Result<String, Fault> {
    let mut mark = [0; 16];
    getrandom::fill(&mut mark).map_err(|_| Fault::Unknown("there are no random numbers".to_owned()))?;
    Ok(hex::encode(mark))
}

/// Asks it to end, and ends it.
async fn end(child: &mut Child, family: &Family) {
    family.tell(Signal::TERM);
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        family.tell(Signal::KILL);
        drop(tokio::time::timeout(GRACE, child.wait()).await);
    }
}

/// Everything that a step started: its process group, and whoever carries its mark.
struct Family {
    leader: Option<Pid>,
    mark: String,
}

impl Family {
    /// Signals the group.
    fn tell(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // Gone already: nothing to tell.
            let _ = kill_process_group(leader, signal);
        }
    }

    /// Ends whoever left the group: their environment still has the mark. Returns how many were found.
    fn end_strays(&self) -> usize {
        let mark = format!("{MARK}={}", self.mark);
        let Ok(processes) = std::fs::read_dir("/proc") else { return 0 };
        let numbers = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let mut killed = Vec::new();
        for pid in numbers.filter_map(Pid::from_raw) {
            // Held before its environment is read: another process may get the number meanwhile.
            let Ok(held) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
            let environment = std::fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero()));
            let has_mark =
                |environment: Vec<u8>| environment.split(|byte| *byte == 0).any(|one| one == mark.as_bytes());
            if environment.is_ok_and(has_mark) && pidfd_send_signal(&held, Signal::KILL).is_ok() {
                killed.push(held);
            }
        }
        for held in &killed {
            let timeout = GONE.try_into().ok();
            // One that does not go in time is looked for again.
            let _ = poll(&mut [PollFd::new(held, PollFlags::IN)], timeout.as_ref());
        }
        killed.len()
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        self.tell(Signal::KILL);
        let mut nothing = 0;
        for _ in 0..LOOKS {
            nothing = if self.end_strays() == 0 { nothing + 1 } else { 0 };
            if nothing == NOTHING {
                break;
            }
            std::thread::yield_now();
        }
    }
}

/// The beginning and the end of a stream; what is between is counted.
#[derive(Default)]
struct Gathered {
    head: Vec<u8>,
    tail: Vec<u8>,
    all: u64,
}

/// Of each stream, before secrets are covered: the first half and the last half of what may be kept.
const HALF: usize = OUTPUT / 4;

async fn gather(stream: Option<impl AsyncRead + Unpin>, margin: usize) -> Gathered {
    let mut gathered = Gathered::default();
    let Some(mut stream) = stream else { return gathered };
    let mut piece = vec![0; 16 * 1024];
    let room = HALF + margin;
    while let Ok(read @ 1..) = stream.read(&mut piece).await {
        gathered.take(piece.get(..read).unwrap_or_default(), room);
    }
    gathered
}

impl Gathered {
    fn take(&mut self, piece: &[u8], room: usize) {
        self.all += u64::try_from(piece.len()).unwrap_or_default();
        let fits = room.saturating_sub(self.head.len()).min(piece.len());
        let (first, rest) = piece.split_at(fits);
        self.head.extend_from_slice(first);
        self.tail.extend_from_slice(rest);
        // Trimmed now and then, not with every byte.
        if self.tail.len() > 4 * room {
            self.tail.drain(..self.tail.len() - room);
        }
    }

    /// As text without secrets, terminal escapes and control characters; and how many bytes are missing in it.
    fn text(mut self, secrets: &Secrets) -> (String, u64) {
        let margin = secrets.margin();
        let room = HALF + margin;
        if self.tail.len() > room {
            self.tail.drain(..self.tail.len() - room);
        }
        let kept = u64::try_from(self.head.len() + self.tail.len()).unwrap_or_default();
        let missing = self.all.saturating_sub(kept);
        if missing == 0 {
            self.head.append(&mut self.tail);
            return (clean(&self.head, secrets), 0);
        }
        // Covered with the margin, then cut without it: half of a secret at the cut is not left over.
        let (head, tail) = (clean(&self.head, secrets), clean(&self.tail, secrets));
        let (head, tail) = (cut_end(&head, margin), cut_start(&tail, margin));
        let missing = missing + u64::try_from(2 * margin).unwrap_or_default();
        (format!("{head}\n… {missing} bytes …\n{tail}"), missing)
    }
}

fn cut_end(text: &str, by: usize) -> &str {
    let mut end = text.len().saturating_sub(by);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

fn cut_start(text: &str, by: usize) -> &str {
    let mut start = by.min(text.len());
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..).unwrap_or_default()
}

fn clean(bytes: &[u8], secrets: &Secrets) -> String {
    let text = String::from_utf8_lossy(bytes);
    // Before the escapes are gone and after it: they can stand in the middle of a secret.
    let covered = secrets.cover(&text);
    let bare = strip_ansi_escapes::strip(covered);
    secrets.cover(&aligned(&String::from_utf8_lossy(&bare)))
}

async fn drained(task: tokio::task::JoinHandle<Gathered>) -> Gathered {
    let stop = task.abort_handle();
    match tokio::time::timeout(DRAIN, task).await {
        Ok(gathered) => gathered.unwrap_or_default(),
        Err(_) => {
            // Somebody who is not ours holds the pipe.
            stop.abort();
            Gathered::default()
        }
    }
}

fn found(
    program: &str,
    status: ExitStatus,
    elapsed: Duration,
    out: Gathered,
    err: Gathered,
    secrets: &Secrets,
) -> Found {
    let (out, cut_out) = out.text(secrets);
    let (err, cut_err) = err.text(secrets);
    let mut shown = out.trim_end().to_owned();
    if !err.trim().is_empty() {
        if !shown.is_empty() {
            shown.push('\n');
        }
        shown.push_str(err.trim_end());
    }
    if shown.is_empty() {
        let name = plain(program, 60);
        shown = match (status.code(), status.signal()) {
            (Some(code), _) => format!("{name} said nothing, and ended with {code}"),
            (None, signal) => format!("{name} was ended by signal {}", signal.unwrap_or_default()),
        };
    }
    let mut fields = Map::new();
    fields.insert("code".to_owned(), status.code().map_or(Value::Null, Value::from));
    fields.insert("stdout".to_owned(), out.into());
    fields.insert("stderr".to_owned(), err.into());
    fields.insert("elapsed".to_owned(), json!(elapsed.as_secs_f64()));
    Found { fields, shown, cut: cut_out + cut_err }
}

#[cfg(test)]
#[path = "program_tests.rs"]
mod tests;
