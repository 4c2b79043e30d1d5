//! Chat: what the bot says and hears. `port` is what a platform can do; `terminal`, `slack` and `discord` are
//! platforms; `courier` brings deliveries to them, and `hearing` makes commands of what they hear. Never decides
//! anything.

pub mod courier;
pub mod discord;
pub mod hearing;
pub mod port;
pub mod slack;
mod standing;
pub mod terminal;

pub use slack::{Delivery as SlackDelivery, Inbox as SlackInbox, Request as SlackRequest};
pub use terminal::{Listener, Message, Terminal};
