//! The part of the journal that the views read; goes away with the journal itself. Never used for real.
#![expect(missing_docs, reason = "goes away when the journal is merged")]

use std::{ops::ControlFlow, time::Duration};

use tokio::sync::watch;

use crate::domain::{event::Record, id::Seq};

pub trait Reader: Send + Sync {
    fn committed(&self) -> Seq;
    fn watch(&self) -> watch::Receiver<Seq>;
    fn wait_beyond(&self, seq: Seq, timeout: Duration) -> Seq;
    /// # Errors
    /// As the journal says.
    fn scan(
        &self,
        from: Seq,
        visit: &mut dyn FnMut(Record, Position) -> ControlFlow<()>,
    ) -> Result<(), JournalError>;
    /// # Errors
    /// As the journal says.
    fn read_at(&self, position: Position) -> Result<Record, JournalError>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub [u8; 16]);

impl Position {
    pub const BYTES: usize = 16;
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        self.0
    }
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the journal cannot be read: {0}")]
pub struct JournalError(pub String);
