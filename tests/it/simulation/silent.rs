//! Panics that are looked for: nothing is printed about them, and about those of other tests everything is. Never sets the
//! hook of the process more than once: tests run side by side.

use std::{
    any::Any,
    cell::Cell,
    panic::{self, UnwindSafe},
    sync::Once,
};

thread_local! {
    static SILENT: Cell<bool> = const { Cell::new(false) };
}

/// Does something; says why it panicked, and nobody else hears of that.
pub fn caught<T>(does: impl FnOnce() -> T + UnwindSafe) -> Result<T, Box<dyn Any + Send>> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |why| {
            if !SILENT.get() {
                before(why);
            }
        }));
    });
    let before = SILENT.replace(true);
    let caught = panic::catch_unwind(does);
    SILENT.set(before);
    caught
}

#[test]
fn a_panic_that_is_looked_for_silences_this_thread_alone_and_only_meanwhile() {
    let seen = caught(|| {
        let inner = caught(|| panic!("as expected"));
        let other = std::thread::spawn(|| SILENT.get()).join();
        (inner.is_err(), SILENT.get(), other.ok())
    });
    assert_eq!(seen.ok(), Some((true, true, Some(false))));
    assert!(!SILENT.get());
}
