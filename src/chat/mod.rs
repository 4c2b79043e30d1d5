//! Chat: what the bot says and hears. The terminal is its first platform. Never decides anything.

pub mod discord;
pub mod port;
pub mod terminal;

pub use terminal::{Listener, Message, Terminal};
