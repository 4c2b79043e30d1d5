//! Chat: what the bot says and hears. The terminal is its first platform. Never decides anything.

pub mod courier;
pub mod hearing;
pub mod port;
pub mod slack;
pub mod terminal;

pub use terminal::{Listener, Message, Terminal};
