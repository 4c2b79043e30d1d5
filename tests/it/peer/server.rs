//! A small HTTP server inside the test: the phone that is paged, the exporter that is scraped.
//! Never forgets a request, and answers what the test says.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{http, process::until};

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    /// When it was complete.
    pub at: Instant,
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    /// Whether it is a page that rings.
    pub fn is_page(&self) -> bool {
        self.method == "POST" && self.body.contains("\"kind\":\"page\"")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Status and body of an answer; of a redirect the body is where it leads.
pub type Reply = (u16, String);

/// A status that is none: the connection is closed without an answer.
pub const HANGS_UP: u16 = 0;

/// A server on a port of its own; it ends when it is dropped.
pub struct Server {
    pub port: u16,
    heard: Arc<Mutex<Vec<Request>>>,
    over: Arc<AtomicBool>,
}

impl Server {
    /// Starts to listen; `answer` decides what each request gets, on the connection's thread.
    pub fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let over = Arc::new(AtomicBool::new(false));
        let answer = Arc::new(answer);
        let (all, end) = (Arc::clone(&heard), Arc::clone(&over));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::Relaxed) {
                    return;
                }
                let (all, answer) = (Arc::clone(&all), Arc::clone(&answer));
                // A connection that breaks is the client's affair.
                thread::spawn(move || stream.map(|stream| drop(converse(&stream, &all, &*answer))));
            }
        });
        Self { port, heard, over }
    }

    /// Everything that was asked so far, in order.
    pub fn heard(&self) -> Vec<Request> {
        lock(&self.heard).clone()
    }

    /// Waits for the first request that fits.
    pub fn wait(&self, within: Duration, fits: impl Fn(&Request) -> bool) -> Option<Request> {
        until(within, || lock(&self.heard).iter().find(|request| fits(request)).cloned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for connections.
        drop(http::get(self.port, "/"));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers the requests of one connection until it closes.
fn converse(
    stream: &TcpStream,
    all: &Mutex<Vec<Request>>,
    answer: &dyn Fn(&Request) -> Reply,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    while let Some(request) = read(&mut reader)? {
        lock(all).push(request.clone());
        let (status, body) = answer(&request);
        if status == HANGS_UP {
            return Ok(());
        }
        let leads =
            if (300..400).contains(&status) { format!("Location: {body}\r\n") } else { String::new() };
        let head = format!(
            "HTTP/1.1 {status} X\r\n{leads}Content-Length: {}\r\nContent-Type: text/plain\r\n\r\n",
            body.len()
        );
        writer.write_all((head + &body).as_bytes())?;
        if request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
            return Ok(());
        }
    }
    Ok(())
}

/// Reads one request; nothing when the client has closed.
fn read(reader: &mut BufReader<&TcpStream>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, v)| v.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(Request { at: Instant::now(), method, path, headers, body }))
}
