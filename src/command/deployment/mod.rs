//! `/deployment …`: what was deployed, and what came before an incident. Never deploys anything.

pub(super) mod before;
pub(super) mod list;
pub(super) mod show;
