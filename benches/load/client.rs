//! The load: connections that are kept alive, one thread, exact times. Never reads more of an answer than its
//! status and its length.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::LocalSet,
};

use crate::payload::Request;

/// What a load did.
#[derive(Debug, Default)]
pub struct Load {
    /// Requests that were answered with 2xx.
    pub accepted: usize,
    /// Requests that were answered otherwise.
    pub refused: usize,
    /// From the first byte sent to the last answer.
    pub took: Duration,
    /// Time of each request.
    pub times: Vec<Duration>,
}

/// How much to send.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    pub connections: usize,
    pub requests: usize,
    /// Alerts in each request.
    pub alerts: usize,
    /// Number of the first alert.
    pub first: u32,
    /// No more requests after this time.
    pub at_most: Duration,
}

/// Sends as fast as the server answers.
pub fn send(port: u16, amount: Amount, request: &dyn Fn() -> Request) -> Result<Load, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let local = LocalSet::new();
    let load = Rc::new(RefCell::new(Load::default()));
    let next = Rc::new(Cell::new(0));
    let began = Instant::now();
    local.block_on(&runtime, async {
        let mut tasks = Vec::new();
        for _ in 0..amount.connections {
            let (load, next, mut request) = (Rc::clone(&load), Rc::clone(&next), request());
            tasks.push(tokio::task::spawn_local(async move {
                let mut connection = Connection::open(port).await?;
                while next.get() < amount.requests && began.elapsed() < amount.at_most {
                    let number = next.get();
                    next.set(number + 1);
                    let first =
                        amount.first + u32::try_from(number * amount.alerts).map_err(|e| e.to_string())?;
                    let sent = Instant::now();
                    let status = connection.ask(request.numbered(first)).await?;
                    let mut load = load.borrow_mut();
                    load.times.push(sent.elapsed());
                    if (200..300).contains(&status) { load.accepted += 1 } else { load.refused += 1 }
                }
                Ok::<(), String>(())
            }));
        }
        for task in tasks {
            task.await.map_err(|error| error.to_string())??;
        }
        Ok::<(), String>(())
    })?;
    let mut load = load.take();
    load.took = began.elapsed();
    load.times.sort_unstable();
    Ok(load)
}

/// The time below which this share (0 to 100) of all times lie; they are sorted.
pub fn percentile(times: &[Duration], share: usize) -> Duration {
    let at = (times.len() * share).div_ceil(100).saturating_sub(1);
    times.get(at).copied().unwrap_or_default()
}

/// One connection that is kept alive.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(port: u16) -> Result<Self, String> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096) })
    }

    /// Sends a request, reads the whole answer; answers its status.
    pub async fn ask(&mut self, request: &[u8]) -> Result<u16, String> {
        self.stream.write_all(request).await.map_err(|error| error.to_string())?;
        self.buffer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await.map_err(|error| error.to_string())?;
            if read == 0 {
                return Err("the server closed the connection".to_owned());
            }
            if let Some((status, length)) = head(&self.buffer)
                && self.buffer.len() >= length
            {
                return Ok(status);
            }
        }
    }
}

/// Status and whole length of an answer whose head is complete.
fn head(buffer: &[u8]) -> Option<(u16, usize)> {
    let end = buffer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&buffer[..end]).ok()?;
    let status = head.get(9..12)?.parse().ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Some((status, end + 4 + length.unwrap_or(0)))
}
