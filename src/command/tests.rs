//! Commands from the text to the reply: over a real engine with a journal in memory and a clock that the test moves.
//! Never sleeps.

mod asking_why;
mod cards;
mod desk;
mod edges;
mod gone;
mod identity;
mod over;
mod parsing;
mod quiet;
mod response;
mod status;
mod talk;
