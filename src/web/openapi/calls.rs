//! Every call of the API: its address, parameters, answers and problems, one entry each. Never the shape of a document:
//! `shapes` has those.

/// One call.
pub(in crate::web) struct Call {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// As the router has it.
    pub path: &'static str,
    /// Its name among all calls.
    pub name: &'static str,
    /// What it is for.
    pub summary: &'static str,
    /// Its parameters with what they mean; `as` is one of every call that takes any.
    pub query: &'static [(&'static str, &'static str)],
    /// What is sent: media type and shape.
    pub body: Option<(&'static str, &'static str)>,
    /// What it answers when it is done: status, when, media type, shape.
    pub answers: &'static [Answer],
    /// The statuses of the problems that are its own, beside those of every call.
    pub problems: &'static [u16],
    /// What shows who calls; empty: nobody asks.
    pub security: &'static str,
}

/// Status, when, media type, shape (none: text).
type Answer = (u16, &'static str, Option<&'static str>, Option<&'static str>);

/// Problems that every call may answer with.
pub(super) const ALWAYS: &[u16] = &[400, 405, 500, 503];

/// When a problem of this status is answered.
pub(super) fn problem(status: u16) -> &'static str {
    match status {
        400 => "something in the request is wrong; `field` names it",
        401 => "who calls is not known",
        403 => "who calls may not do that",
        404 => "there is no such thing",
        405 => "the address answers to other methods; `Allow` names them",
        408 => "the body did not arrive in time",
        409 => "the rules say no",
        410 => "it was there once",
        413 => "the body is too large",
        429 => "the integration's own limit; come back after `Retry-After`",
        503 => "the queue is full or the views are behind; come back after `Retry-After`",
        _ => "something went wrong inside; the log says what, under `trace`",
    }
}

const JSON: Option<&str> = Some("application/json");
const PLAIN: Option<&str> = Some("text/plain; charset=utf-8");
const LIMIT: (&str, &str) = ("limit", "how many items, 1 to 1000");
const CURSOR: (&str, &str) = ("cursor", "what `next` of the page before said");
const LOOKS: &[u16] = &[401, 403];
const ONE: &[u16] = &[401, 403, 404];

const fn look(
    path: &'static str,
    name: &'static str,
    summary: &'static str,
    query: &'static [(&'static str, &'static str)],
    answers: &'static [Answer],
    problems: &'static [u16],
) -> Call {
    Call { method: "GET", path, name, summary, query, body: None, answers, problems, security: "token" }
}

const fn open(
    path: &'static str,
    name: &'static str,
    summary: &'static str,
    answers: &'static [Answer],
) -> Call {
    Call { security: "", ..look(path, name, summary, &[], answers, &[]) }
}

/// All of them.
pub(in crate::web) const CALLS: &[Call] = &[
    Call {
        method: "POST",
        path: "/hooks/{integration}",
        name: "takeAlerts",
        summary: "Alerts or deployments in, in the format of the integration's kind",
        query: &[("token", "the integration's token, where a source cannot send it otherwise")],
        body: Some(("application/json", "Sent")),
        answers: &[(202, "taken and synced to disk", None, None)],
        problems: &[401, 408, 413, 429],
        security: "source",
    },
    Call {
        method: "POST",
        path: "/api/v1/commands",
        name: "runCommand",
        summary: "Runs a command, as somebody writes it in chat",
        query: &[],
        body: Some(("application/json", "Command")),
        answers: &[(200, "done, or refused with `ok` false and a text that says why", JSON, Some("Reply"))],
        problems: &[401, 403, 408, 413],
        security: "token",
    },
    look(
        "/api/v1/commands/complete",
        "completeCommand",
        "What may stand at the cursor of a command",
        &[("text", "what is written so far"), ("cursor", "a byte offset into it; the end when absent")],
        &[(200, "the completions", JSON, Some("Completions"))],
        LOOKS,
    ),
    look(
        "/api/v1/incidents",
        "listIncidents",
        "Incidents, the newest first",
        &[("status", "open, investigating, identified, mitigated or resolved"), CURSOR, LIMIT],
        &[(200, "a page of them", JSON, Some("Incidents"))],
        LOOKS,
    ),
    look(
        "/api/v1/incidents/{id}",
        "showIncident",
        "One incident",
        &[],
        &[(200, "it", JSON, Some("Incident"))],
        ONE,
    ),
    look(
        "/api/v1/incidents/{id}/timeline",
        "incidentTimeline",
        "What happened in an incident, the oldest first",
        &[CURSOR, LIMIT],
        &[(200, "a page of it", JSON, Some("Timeline"))],
        ONE,
    ),
    look(
        "/api/v1/alerts",
        "listAlerts",
        "Alerts: those that fire, then those that ended",
        &[
            ("status", "firing or resolved"),
            ("match", "a matcher, such as service=\"qflow\"; may be repeated"),
            CURSOR,
            LIMIT,
        ],
        &[(200, "a page of them", JSON, Some("Alerts"))],
        LOOKS,
    ),
    look("/api/v1/alerts/{id}", "showAlert", "One alert", &[], &[(200, "it", JSON, Some("Alert"))], ONE),
    look(
        "/api/v1/alerts/{id}/explain",
        "explainAlert",
        "Why an alert, or the first one of a group, went where it went and whom it woke",
        &[],
        &[(200, "each reason, and all of it in words", JSON, Some("Explanation"))],
        ONE,
    ),
    Call {
        method: "POST",
        path: "/api/v1/simulate",
        name: "simulateAlert",
        summary: "What would become of an alert with these labels; nothing is changed",
        query: &[],
        body: Some(("application/json", "Question")),
        answers: &[(200, "each reason, and all of it in words", JSON, Some("Explanation"))],
        problems: &[401, 403, 408, 413],
        security: "token",
    },
    look(
        "/api/v1/groups",
        "listGroups",
        "Alert groups, the newest first",
        &[
            ("status", "open, acknowledged or closed"),
            ("match", "a matcher of the group's labels; may be repeated"),
            CURSOR,
            LIMIT,
        ],
        &[(200, "a page of them", JSON, Some("Groups"))],
        LOOKS,
    ),
    look("/api/v1/groups/{id}", "showGroup", "One group", &[], &[(200, "it", JSON, Some("Group"))], ONE),
    look(
        "/api/v1/groups/{id}/timeline",
        "groupTimeline",
        "What happened to a group, the oldest first",
        &[CURSOR, LIMIT],
        &[(200, "a page of it", JSON, Some("Timeline"))],
        ONE,
    ),
    look(
        "/api/v1/pages",
        "listPages",
        "Pages that run, and the last ones by request that ended",
        &[("status", "running or ended"), CURSOR, LIMIT],
        &[(200, "a page of them", JSON, Some("Pages"))],
        LOOKS,
    ),
    look(
        "/api/v1/silences",
        "listSilences",
        "Silences and maintenance: in force, to come, and the last ones that are over, the newest first",
        &[("status", "active, pending or expired"), CURSOR, LIMIT],
        &[(200, "a page of them", JSON, Some("Silences"))],
        LOOKS,
    ),
    look(
        "/api/v1/audit",
        "audit",
        "Who did what, the newest first; for admins",
        &[
            ("by", "only what this person did"),
            (
                "what",
                "only what is about this: config, access, alert, incident, page, oncall, runbook, message, journal",
            ),
            ("since", "an instant (RFC 3339)"),
            CURSOR,
            LIMIT,
        ],
        &[(200, "a page of it", JSON, Some("Acts"))],
        LOOKS,
    ),
    look(
        "/api/v1/oncall",
        "onCall",
        "Who is, was or will be on call",
        &[("at", "an instant (RFC 3339); now when absent")],
        &[(200, "a person for each schedule, or a gap", JSON, Some("OnCall"))],
        LOOKS,
    ),
    look(
        "/api/v1/oncall/gaps",
        "onCallGaps",
        "When nobody is on call, nobody who can be reached, or the same person twice",
        &[("schedule", "only this one"), ("days", "how far ahead, 1 to 90; 30 when absent")],
        &[(200, "each stretch", JSON, Some("Gaps"))],
        LOOKS,
    ),
    look(
        "/api/v1/live",
        "live",
        "WebSocket: every event and message, resumable by sequence",
        &[
            ("from", "the sequence of the last event that you have"),
            ("token", "the token, where no header can be sent"),
        ],
        &[(101, "the stream", None, None)],
        LOOKS,
    ),
    open(super::PATH, "openapi", "This description", &[(200, "it", JSON, Some("Description"))]),
    open(
        "/healthz",
        "alive",
        "Whether the engine answers",
        &[(200, "it does", PLAIN, None), (503, "it does not, and why", PLAIN, None)],
    ),
    open(
        "/readyz",
        "ready",
        "Whether all is well, with reasons",
        &[(200, "it is", JSON, Some("Readiness")), (503, "it is not, and why", JSON, Some("Readiness"))],
    ),
    open(
        "/metrics",
        "metrics",
        "Figures in the format of Prometheus",
        &[(200, "they", Some("application/openmetrics-text; version=1.0.0; charset=utf-8"), None)],
    ),
];
