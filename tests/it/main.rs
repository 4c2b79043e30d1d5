//! The tests that look at Watchbell from outside: its shape, its process, the real programs around it.
//! One binary, so that all of it is linked once.

mod documents;
mod layers;
mod source;
mod stories;
mod tidiness;
mod world;
