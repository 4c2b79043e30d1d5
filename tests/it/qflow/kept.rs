//! What a fake Qflow keeps: flows, executions, DAO subnets, alert rules, the cache. Never more than one process holds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::envelope::{ago, no, no_because, now, yes};
use crate::peer::server::Reply;

/// A flow that exists from the start.
pub const FLOW: &str = "order-sync";
/// An execution of it that runs.
pub const RUNNING: &str = "52f9a2a7-3ec0-4cd4-9d9f-f8cd276802a2";
/// One that failed.
pub const FAILED: &str = "f6f4fe3e-47c9-4d5c-8c03-50d4a2e7c4b7";
/// One that took its time and was completed.
pub const SLOW: &str = "3ec2c905-5940-43e9-bf0c-5f9f99c8ba1e";
/// A DAO subnet that exists from the start.
pub const DAO: &str = "dao-ops";
/// A proposal of it.
pub const PROPOSAL: &str = "prop_1795403461904_m4qzae";
/// Whose flows and executions these are.
pub const OWNER: &str = "squid:user:bot";

/// All of it.
pub struct Kept {
    pub flows: BTreeMap<String, Value>,
    pub executions: BTreeMap<String, Value>,
    pub subnets: BTreeMap<String, Value>,
    pub votes: BTreeMap<String, String>,
    pub alerts: Vec<Value>,
    pub cached: u64,
    pub transfers: BTreeMap<String, Vec<Value>>,
    pub grants: BTreeMap<String, Vec<Value>>,
    begun: u32,
}

impl Kept {
    pub fn new() -> Self {
        let mut kept = Self {
            flows: BTreeMap::new(),
            executions: BTreeMap::new(),
            subnets: BTreeMap::from([(DAO.to_owned(), subnet(DAO, "Lab DAO"))]),
            votes: BTreeMap::new(),
            alerts: vec![json!({
                "id": "alert-001", "name": "High Latency Alert", "condition": "execution_latency_p99 > 5000",
                "severity": "high", "channels": ["dashboard", "webhook"], "enabled": true, "cooldown": 300_000,
                "lastTriggered": 1_795_402_859_319_u64,
            })],
            cached: 318,
            transfers: BTreeMap::new(),
            grants: BTreeMap::new(),
            begun: 0,
        };
        kept.flows.insert(FLOW.to_owned(), flow(FLOW, "Order sync"));
        kept.flows.insert("user-onboarding-flow".to_owned(), flow("user-onboarding-flow", "User onboarding"));
        for (id, status, seconds) in [
            (RUNNING, "running", 95),
            (FAILED, "failed", 1_210),
            (SLOW, "completed", 2_480),
            ("1580dd08-e117-4dcf-ac8c-084d765e5b04", "paused", 640),
        ] {
            kept.executions.insert(id.to_owned(), execution(id, FLOW, status, seconds, &json!({})));
        }
        kept
    }

    /// Starts a flow.
    pub fn start(&mut self, id: &str, asked: &Value) -> Reply {
        if !self.flows.contains_key(id) {
            return no(404, "FLOW_NOT_FOUND", format!("Flow not found: {id}"));
        }
        let Some(context) = asked.get("context").filter(|context| context.is_object()) else {
            return no(400, "MISSING_CONTEXT", "Execution context is required");
        };
        self.begun += 1;
        let new = format!("{:08x}-e117-4dcf-ac8c-084d765e5b04", 0x1580_dd00 + self.begun);
        let execution = execution(&new, id, "running", 0, context);
        let context = execution["context"].clone();
        let started = execution["startTime"].clone();
        self.executions.insert(new.clone(), execution);
        let answer = json!({
            "executionId": new, "flowId": id, "status": "pending", "context": context, "startTime": started,
        });
        yes(201, answer)
    }

    /// Pauses, resumes or aborts an execution.
    pub fn turn(&mut self, id: &str, what: &str) -> Reply {
        let (from, to): (&[&str], &str) = match what {
            "pause" => (&["pending", "running"], "paused"),
            "resume" => (&["paused"], "running"),
            _ => (&["pending", "running", "paused"], "aborted"),
        };
        let code = format!("{}_EXECUTION_ERROR", what.to_uppercase());
        let refuse =
            |message: String| no_because(400, &code, &message, json!({"error": format!("Error: {message}")}));
        let Some(execution) = self.executions.get_mut(id) else {
            return refuse(format!("Execution not found: {id}"));
        };
        let status = execution["status"].as_str().unwrap_or_default().to_owned();
        if !from.contains(&status.as_str()) {
            return refuse(format!("Cannot {what} execution in status: {status}"));
        }
        execution["status"] = to.into();
        if to == "aborted" {
            execution["endTime"] = now().into();
        }
        let past = if what.ends_with('e') { "d" } else { "ed" };
        let message = format!("Execution '{id}' {what}{past} successfully");
        yes(200, json!({"message": message, "execution": execution}))
    }

    /// Executions, filtered and paged.
    pub fn list(&self, parameters: &[(String, String)]) -> Reply {
        let asked = |name: &str| super::logbook::parameter(parameters, name);
        let fits = |execution: &&Value| {
            let same = |name: &str, at: &str| {
                asked(name)
                    .filter(|wanted| !wanted.is_empty())
                    .is_none_or(|wanted| execution.pointer(at).and_then(Value::as_str) == Some(wanted))
            };
            same("status", "/status") && same("flowId", "/flowId") && same("daoSubnet", "/context/daoSubnet")
        };
        page("executions", self.executions.values().filter(fits).cloned().collect(), parameters)
    }

    /// Makes a flow; the id is taken out of what was sent as text.
    pub fn create(&mut self, asked: &Value) -> Result<Value, Reply> {
        let Some(text) = asked.get("flowData").and_then(Value::as_str) else {
            return Err(no(400, "MISSING_FLOW_DATA", "Flow data is required"));
        };
        let wrong = |message: String, code: &str| {
            let error = json!({"field": "root", "message": message, "code": code, "value": text});
            let details = json!({"errors": [error], "warnings": []});
            no_because(400, "FLOW_VALIDATION_FAILED", "Flow validation failed", details)
        };
        let mut flow: Value = serde_json::from_str(text)
            .map_err(|error| wrong(format!("Failed to parse JSON: {error}"), "PARSE_ERROR"))?;
        let Some(id) = flow["id"].as_str().map(str::to_owned) else {
            return Err(wrong("id is required".to_owned(), "MISSING_FIELD"));
        };
        if self.flows.contains_key(&id) {
            return Err(no(409, "FLOW_EXISTS", format!("Flow with ID '{id}' already exists")));
        }
        flow["createdAt"] = now().into();
        flow["updatedAt"] = now().into();
        self.flows.insert(id, flow.clone());
        Ok(flow)
    }

    /// Votes on a proposal.
    pub fn vote(&mut self, proposal: &str, asked: &Value) -> Reply {
        let text = |name: &str| asked.get(name).and_then(Value::as_str);
        let (Some(vote), Some(_)) = (text("vote"), text("signature")) else {
            return no(400, "INVALID_REQUEST", "vote and signature are required");
        };
        if !["approve", "reject", "abstain"].contains(&vote) {
            return no(400, "INVALID_REQUEST", "vote must be approve, reject, or abstain");
        }
        if proposal != PROPOSAL || self.votes.contains_key(proposal) {
            return no(400, "VOTE_FAILED", "Failed to cast vote");
        }
        self.votes.insert(proposal.to_owned(), vote.to_owned());
        yes(200, json!({"proposalId": proposal, "vote": vote, "votedAt": now()}))
    }
}

/// A list with its pagination.
pub fn page(name: &str, all: Vec<Value>, parameters: &[(String, String)]) -> Reply {
    let number = |name: &str, usual: usize| {
        super::logbook::parameter(parameters, name).and_then(|text| text.parse().ok()).unwrap_or(usual)
    };
    let (limit, offset, total) = (number("limit", 50), number("offset", 0), all.len());
    let items: Vec<Value> = all.into_iter().skip(offset).take(limit).collect();
    let more = offset + items.len() < total;
    let pagination = json!({"total": total, "limit": limit, "offset": offset, "hasMore": more});
    yes(200, json!({name: items, "pagination": pagination}))
}

fn flow(id: &str, name: &str) -> Value {
    let retry = json!({
        "maxAttempts": 3, "backoffStrategy": "exponential", "initialDelay": 1000, "maxDelay": 30_000,
    });
    json!({
        "id": id, "name": name, "version": "1.0.0", "owner": OWNER,
        "steps": [
            {"id": "s1", "type": "task", "action": "log-message", "params": {"message": "hi"}, "timeout": 5000,
             "onSuccess": "s2", "retryPolicy": retry},
            {"id": "s2", "type": "task", "action": "delay", "params": {"ms": 20_000, "duration": 20_000},
             "timeout": 300_000, "retryPolicy": retry},
        ],
        "metadata": {"tags": ["ops"], "category": "utility", "visibility": "public", "requiredPermissions": []},
        "createdAt": ago(86_400), "updatedAt": ago(43_200),
    })
}

fn execution(id: &str, flow: &str, status: &str, seconds_ago: i64, asked: &Value) -> Value {
    let of = |name: &str, usual: Value| asked.get(name).cloned().unwrap_or(usual);
    let policy = |kind: &str, message: &str| {
        json!({
            "policyId": format!("dao.public.default-{kind}-policy"), "policyType": kind, "result": "pass",
            "message": message, "enforcementAction": "allow",
        })
    };
    let (done, failed): (&[&str], &[&str]) = match status {
        "completed" => (&["s1", "s2"], &[]),
        "failed" => (&["s1"], &["s2"]),
        _ => (&[], &[]),
    };
    let mut execution = json!({
        "executionId": id, "flowId": flow, "status": status,
        "currentStep": if status == "completed" { "" } else { "s1" },
        "completedSteps": done, "failedSteps": failed,
        "context": {
            "triggeredBy": of("triggeredBy", OWNER.into()), "triggerType": of("triggerType", "manual".into()),
            "inputData": of("inputData", json!({})), "variables": {}, "daoSubnet": "dao.public.default",
            "permissions": ["flow:create", "flow:execute", "flow:read"], "isolationLevel": "standard",
            "resourceAllocation": {"cpu": 1, "memory": 128, "storage": 10, "network": 1}, "governanceApprovals": [],
            "policyValidations": [
                policy("execution", "Execution time within limits"), policy("resource", "Memory usage within limits"),
            ],
        },
        "startTime": ago(seconds_ago), "checkpoints": [], "nodeAssignments": {},
    });
    if ["completed", "failed"].contains(&status) {
        execution["endTime"] = ago(seconds_ago - 41).into();
    }
    execution
}

/// A DAO subnet as it is made.
pub fn subnet(id: &str, name: &str) -> Value {
    json!({
        "id": id, "name": name, "description": "",
        "validators": [{
            "identityId": OWNER, "publicKey": "pk", "weight": 100, "role": "admin", "addedAt": ago(86_400),
            "addedBy": OWNER, "active": true,
        }],
        "policies": [{
            "id": format!("{id}-execution-policy"), "type": "execution", "name": "Default Execution Policy",
            "description": "Basic execution validation and resource limits", "enforcement": "strict",
            "version": "1.0.0", "createdAt": ago(86_400), "createdBy": OWNER, "approvedBy": [OWNER],
        }],
        "resourceLimits": limits(),
        "isolation": {
            "networkIsolation": true, "storageIsolation": true, "computeIsolation": true, "dataEncryption": true,
            "auditLogging": true, "crossSubnetAccess": "approved-only", "allowedExternalDomains": [],
            "blockedExternalDomains": ["malicious.com", "spam.net"],
        },
        "metadata": {
            "created": ago(86_400), "lastUpdated": ago(86_400), "memberCount": 1, "activeFlows": 0,
            "totalExecutions": 0,
        },
    })
}

/// What a subnet may use.
pub fn limits() -> Value {
    json!({
        "maxConcurrentExecutions": 10, "maxExecutionTime": 3600, "maxMemoryPerExecution": 512,
        "maxCpuPerExecution": 2, "maxStoragePerFlow": 100, "maxNetworkBandwidth": 10, "dailyExecutionLimit": 1000,
        "monthlyResourceBudget": 10_000,
    })
}
