//! How often a runbook may answer an alert by itself, and when it must have helped. Never more than was written.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::domain::{id::PolicyId, page::PageTarget};

/// How often a runbook may answer by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// At most so many starts …
    pub most: u32,
    /// … within this time.
    pub window: SignedDuration,
    /// At least this long between the end of one and the start of the next.
    pub cool_down: SignedDuration,
    /// How long after its end it must have helped; without a verdict by then, it helped when the group has closed.
    pub judge_within: SignedDuration,
    /// Whom to page when it did not help; none: by the policy of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<PolicyId>,
    /// Or a person or a team, when no policy is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<PageTarget>,
}
