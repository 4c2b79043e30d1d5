//! Alerts at a steady rate, one a request, while something else is measured. Never faster to catch up: what is late
//! is counted by the rate that was reached.

use std::{
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::task::LocalSet;

use crate::{
    client::Connection,
    measure,
    payload::{Alerts, Request},
    subject::Kind,
};

/// Connections that share the rate.
const CONNECTIONS: u32 = 32;

/// No other load has these numbers.
const FIRST: u32 = 50_000_000;

/// Alerts that are being sent.
pub struct Noise(JoinHandle<Result<f64, String>>);

impl Noise {
    /// Sends this many alerts a second, for so long.
    pub fn start(kind: Kind, port: u16, service: &'static str, rate: u32, lasts: Duration) -> Self {
        Self(thread::spawn(move || send(kind, port, service, rate, lasts)))
    }

    /// Waits for its end; alerts a second that were taken.
    pub fn over(self) -> Result<f64, String> {
        self.0.join().map_err(|_| "the load broke".to_owned())?
    }
}

fn send(kind: Kind, port: u16, service: &str, rate: u32, lasts: Duration) -> Result<f64, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let (starts_at, began) = (measure::now(), Instant::now());
    let said = Alerts { count: 1, service, starts_at: &starts_at, ends_at: None };
    let between = Duration::from_secs(1) * CONNECTIONS / rate;
    let taken = LocalSet::new().block_on(&runtime, async {
        let mut senders = Vec::new();
        for sender in 0..CONNECTIONS {
            let mut request = Request::new(kind, port, said);
            senders.push(tokio::task::spawn_local(async move {
                let mut connection = Connection::open(port).await?;
                let mut due = began + between * sender / CONNECTIONS;
                let mut taken = 0_u32;
                while due.duration_since(began) < lasts {
                    tokio::time::sleep_until(due.into()).await;
                    let status =
                        connection.ask(request.numbered(FIRST + taken * CONNECTIONS + sender)).await?;
                    if !(200..300).contains(&status) {
                        return Err(format!("an alert was answered {status}"));
                    }
                    taken += 1;
                    due = (due + between).max(Instant::now());
                }
                Ok(taken)
            }));
        }
        let mut taken = 0;
        for sender in senders {
            taken += sender.await.map_err(|error| error.to_string())??;
        }
        Ok::<u32, String>(taken)
    })?;
    Ok(f64::from(taken) / began.elapsed().as_secs_f64())
}
