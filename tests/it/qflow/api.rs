//! A fake Qflow server that answers as the real one was recorded: envelope, tokens, the limit of requests, what does
//! not exist, and health that is always the same. Never more than was recorded, but for giving flows away and
//! granting access to them, which its documentation names and nobody recorded.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    envelope::{ago, no, now, nowhere, seconds, yes},
    kept::{Kept, OWNER, limits, page, subnet},
    logbook::{Logbook, parts},
    mood::Feels,
};
use crate::peer::server::{Reply, Request, Server};

/// The name in the logbook.
pub const SYSTEM: &str = "qflow";
/// Its token.
pub const TOKEN: &str = "eyJpZGVudGl0eSI6InNxdWlkOnVzZXI6Ym90In0-of-the-test";
/// So many requests are answered in [`WINDOW`].
const LIMIT: usize = 100;
const WINDOW: Duration = Duration::from_mins(15);
/// How long it is up, in its own words.
pub const UPTIME: f64 = 93_846.337_9;

/// A running fake.
pub struct Qflow {
    pub server: Server,
    pub feels: Feels,
    shared: Arc<Shared>,
}

struct Shared {
    kept: Mutex<Kept>,
    asked: Mutex<VecDeque<Instant>>,
    /// Whether requests are counted.
    limited: AtomicBool,
    /// Whether a flow that was stored is answered with 500.
    stumbles: AtomicBool,
}

impl Qflow {
    pub fn start(book: &Logbook) -> Self {
        let shared = Arc::new(Shared {
            kept: Mutex::new(Kept::new()),
            asked: Mutex::default(),
            limited: AtomicBool::new(true),
            stumbles: AtomicBool::new(false),
        });
        let feels = Feels::well();
        let (all, mood) = (Arc::clone(&shared), feels.clone());
        let server = book.serve(SYSTEM, move |request| {
            let reply = all.answer(request);
            // Only its health can feel bad: what is down is down as a whole, which the mood says too.
            mood.colour(reply)
        });
        Self { server, feels, shared }
    }

    /// Whether it counts its requests; the real one does.
    pub fn set_limited(&self, limited: bool) {
        self.shared.limited.store(limited, Ordering::Relaxed);
    }

    /// Whether it answers 500 to a flow that it stored.
    pub fn set_stumbles(&self, stumbles: bool) {
        self.shared.stumbles.store(stumbles, Ordering::Relaxed);
    }

    /// What it keeps, looked at.
    pub fn look<T>(&self, at: impl FnOnce(&Kept) -> T) -> T {
        at(&self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shared {
    fn answer(&self, request: &Request) -> Reply {
        if self.limited.load(Ordering::Relaxed) && self.too_many() {
            return no(429, "RATE_LIMIT_EXCEEDED", "Too many requests, please try again later");
        }
        let (parts, parameters) = parts(request);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let method = request.method.as_str();
        if let Some(open) = open(method, &parts) {
            return open;
        }
        if let Some(refused) = refused(request) {
            return refused;
        }
        let body = request.body.trim();
        let asked: Value = match serde_json::from_str(if body.is_empty() { "{}" } else { body }) {
            Ok(asked) => asked,
            // Recorded: not 400.
            Err(_) => return no(500, "INTERNAL_ERROR", "Internal server error"),
        };
        let ["api", "v1", rest @ ..] = parts.as_slice() else { return nowhere(method, &request.path) };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = match rest {
            ["flows", rest @ ..] => self.flows(&mut kept, method, rest, &parameters, &asked),
            ["executions", rest @ ..] => executions(&mut kept, method, rest, &parameters),
            ["cache", rest @ ..] => cache(&mut kept, method, rest, &asked),
            ["dao", rest @ ..] => dao(&mut kept, method, rest, &asked),
            ["dashboard", rest @ ..] => dashboard(&mut kept, method, rest, &asked),
            rest => system(&kept, method, rest),
        };
        found.unwrap_or_else(|| nowhere(method, &request.path))
    }

    fn too_many(&self) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        while asked.front().is_some_and(|at| at.elapsed() >= WINDOW) {
            asked.pop_front();
        }
        let many = asked.len() >= LIMIT;
        if !many {
            asked.push_back(Instant::now());
        }
        many
    }

    fn flows(
        &self,
        kept: &mut Kept,
        method: &str,
        parts: &[&str],
        parameters: &[(String, String)],
        asked: &Value,
    ) -> Option<Reply> {
        Some(match (method, parts) {
            ("GET", []) => page("flows", kept.flows.values().cloned().collect(), parameters),
            ("POST", []) => match kept.create(asked) {
                Ok(_) if self.stumbles.load(Ordering::Relaxed) => {
                    no(500, "INTERNAL_ERROR", "Internal server error")
                }
                Ok(flow) => yes(201, json!({"flow": flow, "warnings": []})),
                Err(refused) => refused,
            },
            ("POST", ["validate"]) => match asked.get("flowDefinition") {
                Some(_) => yes(200, json!({"valid": true, "issues": []})),
                None => no(400, "MISSING_FLOW", "Flow definition is required"),
            },
            ("POST", [id, "start"]) => kept.start(id, asked),
            (_, [id, ..]) if !kept.flows.contains_key(*id) => {
                no(404, "FLOW_NOT_FOUND", format!("Flow not found: {id}"))
            }
            ("GET", [id]) => yes(200, json!({"flow": kept.flows.get(*id)})),
            ("PUT", [id]) => yes(200, json!({"flow": kept.flows.get(*id)})),
            ("DELETE", [id]) => {
                let gone = kept.flows.remove(*id)?;
                let message = format!("Flow '{id}' deleted successfully");
                let gone = json!({"id": id, "name": gone["name"], "version": gone["version"]});
                yes(200, json!({"message": message, "deletedFlow": gone}))
            }
            (_, [id, rest @ ..]) => return ownership(kept, method, id, rest, asked),
            _ => return None,
        })
    }
}

fn ownership(kept: &mut Kept, method: &str, id: &str, parts: &[&str], asked: &Value) -> Option<Reply> {
    Some(match (method, parts) {
        ("GET", ["ownership"]) => {
            let transfers = kept.transfers.get(id).cloned().unwrap_or_default();
            let owner = transfers.last().map_or_else(|| json!(OWNER), |last| last["to"].clone());
            yes(
                200,
                json!({"ownership": {
                    "flowId": id, "owner": owner, "created": ago(86_400), "lastModified": ago(43_200),
                    "transferHistory": transfers,
                }}),
            )
        }
        ("GET", ["permissions"]) => {
            let granted = kept.grants.get(id).cloned().unwrap_or_default();
            yes(200, json!({"flowId": id, "permissions": granted}))
        }
        ("POST", ["grant-access"]) => {
            kept.grants.entry(id.to_owned()).or_default().push(asked.clone());
            yes(200, json!({"flowId": id, "granted": asked}))
        }
        ("POST", ["revoke-access"]) => {
            kept.grants.remove(id);
            yes(200, json!({"flowId": id, "revoked": asked}))
        }
        ("POST", ["transfer"]) => {
            let to = asked.get("newOwner").or_else(|| asked.get("newOwnerId")).cloned().unwrap_or_default();
            let transfer = json!({"from": OWNER, "to": to, "at": now()});
            kept.transfers.entry(id.to_owned()).or_default().push(transfer.clone());
            yes(200, json!({"flowId": id, "transfer": transfer}))
        }
        _ => return None,
    })
}

/// What needs no token.
fn open(method: &str, parts: &[&str]) -> Option<Reply> {
    Some(match (method, parts) {
        ("GET", ["health"]) => {
            yes(200, json!({"status": "healthy", "timestamp": now(), "version": "0.1.0", "uptime": UPTIME}))
        }
        ("GET", ["health", "live"]) => yes(200, json!({"status": "alive"})),
        ("GET", ["health", "ready"]) => {
            let checks = json!({
                "flowParser": true, "executionEngine": true, "validationPipeline": true, "eventEmitter": true,
            });
            yes(200, json!({"status": "ready", "checks": checks}))
        }
        ("GET", ["api", "v1", "docs"]) => yes(
            200,
            json!({
                "title": "Qflow REST API", "version": "1.0.0", "baseUrl": "http://0.0.0.0:8080/api/v1",
                "description": "REST API for Qflow Serverless Automation Engine",
                "endpoints": {"health": {"GET /health": "General health check"}},
            }),
        ),
        _ => return None,
    })
}

/// Why a caller is not let in.
fn refused(request: &Request) -> Option<Reply> {
    let bearer = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    match bearer.or_else(|| request.header("x-identity-token")) {
        None => Some(no(401, "MISSING_TOKEN", "Identity token is required")),
        Some(TOKEN) => None,
        Some(_) => Some(no(401, "INVALID_TOKEN", "Invalid identity token")),
    }
}

fn executions(
    kept: &mut Kept,
    method: &str,
    parts: &[&str],
    parameters: &[(String, String)],
) -> Option<Reply> {
    Some(match (method, parts) {
        ("GET", []) => kept.list(parameters),
        ("GET", [id]) => match kept.executions.get(*id) {
            Some(execution) => yes(200, json!({"execution": execution})),
            None => no(404, "EXECUTION_NOT_FOUND", format!("Execution not found: {id}")),
        },
        ("POST", [id, what @ ("pause" | "resume" | "abort")]) => kept.turn(id, what),
        _ => return None,
    })
}

fn cache(kept: &mut Kept, method: &str, parts: &[&str], asked: &Value) -> Option<Reply> {
    Some(match (method, parts) {
        ("GET", ["stats"]) => {
            let (rate, missed) = if kept.cached == 0 { (0.0, 0.0) } else { (0.9137, 0.0863) };
            yes(
                200,
                json!({
                    "totalEntries": kept.cached, "totalSize": kept.cached * 2_873, "hitRate": rate,
                    "missRate": missed, "evictionCount": 17, "memoryUsage": kept.cached * 2_873,
                }),
            )
        }
        ("GET", ["patterns"]) => {
            let patterns = json!([{"pattern": "flow:order-*", "frequency": 213, "lastAccessed": ago(30)}]);
            yes(200, json!({"patterns": patterns, "totalPatterns": 1}))
        }
        ("POST", ["invalidate"]) => {
            let keys = asked["keys"].as_array().map_or(0, Vec::len);
            let tags = asked["tags"].as_array().map_or(0, Vec::len);
            let gone = u64::try_from(keys + 40 * tags).unwrap_or_default().min(kept.cached);
            kept.cached -= gone;
            yes(
                200,
                json!({"message": format!("Invalidated {gone} cache entries"), "invalidatedCount": gone}),
            )
        }
        ("DELETE", ["clear"]) => {
            kept.cached = 0;
            yes(200, json!({"message": "All cache entries cleared successfully"}))
        }
        _ => return None,
    })
}

fn dao(kept: &mut Kept, method: &str, parts: &[&str], asked: &Value) -> Option<Reply> {
    let text = |name: &str| asked.get(name).and_then(Value::as_str);
    Some(match (method, parts) {
        ("GET", ["subnets"]) => {
            yes(200, json!({"subnets": kept.subnets.values().cloned().collect::<Vec<_>>()}))
        }
        ("POST", ["subnets"]) => {
            let (Some(id), Some(name)) = (text("id"), text("name")) else {
                return Some(no(400, "INVALID_REQUEST", "id and name are required"));
            };
            kept.subnets.insert(id.to_owned(), subnet(id, name));
            yes(201, json!({"subnet": kept.subnets.get(id)}))
        }
        ("POST", ["proposals", id, "vote"]) => kept.vote(id, asked),
        (_, ["subnets", id, ..]) if !kept.subnets.contains_key(*id) => {
            no(404, "NOT_FOUND", "DAO subnet not found")
        }
        ("GET", ["subnets", id]) => yes(200, json!({"subnet": kept.subnets.get(*id)})),
        ("GET", ["subnets", id, "resources"]) => yes(
            200,
            json!({
                "subnetId": id, "resourceLimits": limits(),
                "currentUsage": {"cpu": 0.37, "memory": 131, "storage": 17, "network": 2, "executions": 3},
                "utilizationPercentage": {"cpu": 18.5, "memory": 25.6, "executions": 30},
            }),
        ),
        ("POST", ["subnets", id, "validators"]) => {
            let new = text("identityId").unwrap_or_default();
            yes(200, json!({"subnetId": id, "validatorId": new, "addedAt": now()}))
        }
        ("POST", ["subnets", id, "proposals"]) => {
            if text("type").or(text("title")).or(text("votingEndsAt")).is_none() {
                return Some(no(400, "INVALID_REQUEST", "type, title, and votingEndsAt are required"));
            }
            yes(201, json!({"proposalId": super::kept::PROPOSAL, "subnetId": id, "createdAt": now()}))
        }
        _ => return None,
    })
}

fn dashboard(kept: &mut Kept, method: &str, parts: &[&str], asked: &Value) -> Option<Reply> {
    Some(match (method, parts) {
        ("GET", ["stats"]) => yes(
            200,
            json!({
                "connectedClients": 0, "activeStreams": 5, "alertRules": 4, "messagesSent": 0, "uptime": UPTIME,
            }),
        ),
        ("GET", ["data"]) => yes(200, data()),
        ("GET", ["alerts"]) => yes(200, json!({"alerts": kept.alerts})),
        ("POST", ["alerts"]) => {
            if ["name", "condition", "severity"].iter().any(|name| asked.get(name).is_none()) {
                return Some(no(400, "MISSING_ALERT_DATA", "Name, condition, and severity are required"));
            }
            let alert = json!({
                "id": format!("alert_{}_2hh34sc5g", seconds()), "name": asked["name"],
                "condition": asked["condition"], "severity": asked["severity"], "channels": ["dashboard"],
                "enabled": true, "cooldown": 300_000,
            });
            kept.alerts.push(alert.clone());
            yes(201, json!({"alert": alert}))
        }
        // Recorded: whether there was one or not.
        ("DELETE", ["alerts", id]) => {
            kept.alerts.retain(|alert| alert["id"] != *id);
            yes(200, json!({"message": format!("Alert '{id}' deleted successfully"), "deletedAlertId": id}))
        }
        _ => return None,
    })
}

/// The figures of the dashboard: in this version always the same.
fn data() -> Value {
    let layer = |duration: u32, success: f64, hits: f64| json!({"avgDuration": duration, "successRate": success, "cacheHitRate": hits});
    let times = |p50: u32, p95: u32, p99: u32| json!({"p50": p50, "p95": p95, "p99": p99});
    json!({
        "realTimeMetrics": {
            "latency": {
                "flowExecution": times(800, 1500, 2200), "validation": times(120, 280, 450),
                "stepExecution": times(200, 600, 1000),
            },
            "throughput": {
                "flowsPerSecond": 15.5, "flowsPerMinute": 930, "validationsPerSecond": 45.2, "stepsPerSecond": 78.3,
            },
            "errorRates": {"flowExecution": 0.025, "validation": 0.008, "stepExecution": 0.015, "overall": 0.018},
            "resourceUtilization": {"cpu": 0.68, "memory": 0.72, "network": 0.45, "storage": 0.38},
        },
        "flowExecutions": [
            {"flowId": "user-onboarding-flow", "executionId": "exec-001", "status": "running", "progress": 0.6,
             "currentStep": "validate-identity", "startTime": (seconds() - 120) * 1000,
             "estimatedCompletion": (seconds() + 80) * 1000},
            {"flowId": "payment-processing-flow", "executionId": "exec-002", "status": "running", "progress": 0.3,
             "currentStep": "verify-funds", "startTime": (seconds() - 45) * 1000,
             "estimatedCompletion": (seconds() + 155) * 1000},
        ],
        "validationPipeline": {
            "totalOperations": 1250, "successRate": 0.992, "avgDuration": 185, "cacheHitRate": 0.847,
            "layerPerformance": {
                "qlock": layer(45, 0.998, 0.92), "qonsent": layer(65, 0.995, 0.78), "qindex": layer(38, 0.997, 0.89),
                "qerberos": layer(37, 0.993, 0.85),
            },
        },
        "systemHealth": {
            "overall": "healthy",
            "components": {
                "executionEngine": "healthy", "validationPipeline": "healthy", "nodeManager": "healthy",
                "sandbox": "healthy", "eventEmitter": "healthy",
            },
        },
    })
}

fn system(kept: &Kept, method: &str, parts: &[&str]) -> Option<Reply> {
    let memory = json!({
        "rss": 271_810_560, "heapTotal": 104_759_296, "heapUsed": 60_950_744, "external": 53_871_271,
        "arrayBuffers": 47_564_535,
    });
    let count = |status: &str| kept.executions.values().filter(|one| one["status"] == status).count();
    Some(match (method, parts) {
        ("GET", ["system", "info"]) => yes(
            200,
            json!({
                "name": "Qflow Serverless Automation Engine", "version": "0.1.0", "uptime": UPTIME,
                "description": "Universal coherence motor for the AnarQ & Q ecosystem", "nodeVersion": "v24.21.0",
                "platform": "linux", "architecture": "x64", "memory": memory, "timestamp": now(),
            }),
        ),
        ("GET", ["system", "metrics"]) => yes(
            200,
            json!({
                "flows": {
                    "total": kept.flows.len(), "byCategory": {"utility": kept.flows.len()},
                    "byVisibility": {"public": kept.flows.len()},
                },
                "executions": {
                    "total": kept.executions.len(),
                    "byStatus": {"running": count("running"), "failed": count("failed"),
                        "completed": count("completed"), "paused": count("paused")},
                    "active": count("running"),
                },
                "system": {"uptime": UPTIME, "memory": memory, "cpu": {"user": 2_025_359, "system": 426_575}},
                "timestamp": now(),
            }),
        ),
        ("GET", ["webhooks", "schemas"]) => {
            let schema = json!({
                "name": "github-push", "version": "1.0.0", "source": "github",
                "description": "GitHub push event webhook",
            });
            yes(200, json!({"schemas": [schema]}))
        }
        ("GET", ["integration-templates"]) => {
            let template = json!({
                "id": "github-api", "name": "GitHub API Integration", "systemType": "api", "version": "1.0.0",
                "description": "Template for integrating with GitHub API", "author": "system", "createdAt": ago(9),
            });
            yes(200, json!({"templates": [template]}))
        }
        ("GET", ["external-systems"]) => yes(200, json!({"systems": [], "total": 0})),
        ("GET", ["billing", "summary"]) => {
            let body = json!({
                "success": false, "error": "TENANT_ID_REQUIRED",
                "message": "Tenant ID is required for billing summary",
            });
            (400, body.to_string())
        }
        _ => return None,
    })
}
