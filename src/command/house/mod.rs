//! Commands about the house itself: its configuration, whether all is well, what goes on, who did what.

pub mod audit;
pub mod doctor;
pub mod reload;
pub mod status;
