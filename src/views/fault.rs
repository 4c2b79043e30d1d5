//! What can go wrong with the views, and the wall around sled: whatever it does, a panic included, comes back as a
//! value. Never lets a panic of sled reach the caller.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::journal::{JournalError, is_full};

/// Why the views cannot go on as they are: what to do next.
#[derive(Debug)]
pub(super) enum Fault {
    /// The folder cannot be trusted: move it aside and make the views anew.
    Folder(String),
    /// The system refuses (the disk is full, say): the folder may be good, try again later.
    System(String),
    /// The journal cannot be read: the folder is good, try again later.
    Journal(String),
    /// Somebody wants it to end.
    Stopped,
}

impl From<sled::Error> for Fault {
    fn from(error: sled::Error) -> Self {
        match &error {
            sled::Error::Io(io) if is_passing(io.kind()) => Self::System(io.to_string()),
            _ => Self::Folder(error.to_string()),
        }
    }
}

impl From<JournalError> for Fault {
    fn from(error: JournalError) -> Self {
        Self::Journal(error.to_string())
    }
}

/// Whether another try may work without anything being wrong with the folder. A file that ends too early is not
/// among them: that is how a cut one shows.
fn is_passing(kind: io::ErrorKind) -> bool {
    is_full(kind)
        || matches!(
            kind,
            io::ErrorKind::PermissionDenied
                | io::ErrorKind::ReadOnlyFilesystem
                | io::ErrorKind::OutOfMemory
                | io::ErrorKind::Interrupted
                | io::ErrorKind::WouldBlock
        )
}

/// Runs `work`, which uses sled; a panic inside becomes [`Fault::Folder`].
pub(super) fn contained<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    // Nothing that a panic leaves half done is used again: the store is dropped and made anew.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words");
        Err(Fault::Folder(format!("sled panicked: {words}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_fault_of_the_folder_and_a_full_disk_does_not() {
        let fault = contained::<()>(|| panic!("page {} is gone", 7)).unwrap_err();
        assert!(matches!(fault, Fault::Folder(why) if why == "sled panicked: page 7 is gone"));
        for (kind, folder) in [(io::ErrorKind::StorageFull, false), (io::ErrorKind::UnexpectedEof, true)] {
            let fault = Fault::from(sled::Error::Io(io::Error::new(kind, "x")));
            assert_eq!(matches!(fault, Fault::Folder(_)), folder, "{kind}");
        }
    }
}
