//! `[severity.…]`, `[integration.…]`, `[[route]]`, `[unrouted]`: how bad, from where, whereto. Never matches an alert.

use std::{
    cell::RefCell,
    collections::{BTreeMap, btree_map::Entry},
    fmt::Write as _,
    num::NonZeroU32,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest, Sha256};
use toml::de::DeTable;

use crate::domain::{
    config::{Integration, IntegrationKind, Route, Severity, Unrouted},
    id::{ChannelName, IntegrationId, PolicyId, RouteId, SeverityId},
    matcher::Matcher,
    person::Urgency,
};

use super::{
    mistake::{Finding, Gravity, Mistake},
    people,
    section::{Node, Reader, Section, Text},
    source::{self, Place},
    whole::{Kind, Names, Whole},
    words,
};

const MONTH: SignedDuration = SignedDuration::from_hours(24 * 30);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// The highest limit of messages a minute.
const MOST_MESSAGES: u32 = 1_000_000;

/// The severities that apply when none are configured: those of the example, which page nobody by themselves then.
pub(super) fn default_severities() -> BTreeMap<SeverityId, Severity> {
    let (sources, _) = source::read(None);
    let files: Vec<_> = sources.iter().map(|source| DeTable::parse_recoverable(&source.text).0).collect();
    let reader = Reader {
        sources: &sources,
        folder: None,
        env: &|_| None,
        complete: true,
        sound: true,
        found: RefCell::default(),
        masks: RefCell::default(),
    };
    let mut severities = severities(&reader, &Whole::collect(&reader, &files));
    for severity in severities.values_mut() {
        (severity.page, severity.update_every) = (None, None);
        severity.unresolved.clear();
    }
    severities
}

/// All severities that are configured.
pub(super) fn severities(reader: &Reader<'_>, whole: &Whole<'_>) -> BTreeMap<SeverityId, Severity> {
    let mut severities = BTreeMap::new();
    for (id, node) in whole.all(Kind::Severity) {
        let Some(mut section) = node.section() else { continue };
        let severity = Severity {
            id: SeverityId::new(id.value.as_str()),
            name: section.text("name", "\"High\"").map_or_else(|| id.value.clone(), |text| text.value),
            means: section
                .text("means", "\"A major function is impaired\"")
                .map(|text| text.value)
                .unwrap_or_default(),
            labels: matchers(reader, &mut section, "labels"),
            urgency: urgency(&mut section),
            page: policy(reader, &whole.names, &mut section),
            acknowledge_within: section.duration("acknowledge_within", MINUTE..=MONTH),
            update_every: section.duration("update_every", MINUTE..=MONTH),
            unresolved: unresolved(reader, &whole.names, &mut section),
        };
        section.finish();
        severities.insert(severity.id.clone(), severity);
    }
    severities
}

fn urgency(section: &mut Section<'_>) -> Urgency {
    let known = [("urgent", Urgency::Urgent), ("routine", Urgency::Routine)];
    let remedy = "write \"urgent\" or \"routine\": which personal rules apply";
    let urgency = section
        .node("urgency")
        .and_then(|node| node.one_of(&known, |written| format!("`{written}` is not an urgency"), remedy));
    urgency.unwrap_or(Urgency::Urgent)
}

fn unresolved(
    reader: &Reader<'_>,
    names: &Names,
    section: &mut Section<'_>,
) -> Vec<(SignedDuration, PolicyId)> {
    let mut rules = Vec::new();
    for node in section.items("unresolved") {
        let Some(mut rule) = node.section() else { continue };
        let after = rule.need("after", "after = \"1h\"").and_then(|node| node.duration(MINUTE..=MONTH));
        let page =
            rule.need("page", "page = \"engineering\"").and_then(|node| policy_of(reader, names, &node));
        rule.finish();
        rules.extend(after.zip(page));
    }
    rules.sort();
    rules
}

pub(super) fn matchers(reader: &Reader<'_>, section: &mut Section<'_>, key: &'static str) -> Vec<Matcher> {
    let mut matchers = Vec::new();
    for text in section.texts(key, "['severity=\"critical\"']") {
        match Matcher::parse(&text.value) {
            Ok(matcher) => matchers.push(matcher),
            Err(why) => {
                let remedy = "each text of the list is one condition: LABEL, one of = != =~ !~, and a value";
                let (what, remedy) = words::part(&why.to_string(), remedy);
                reader.mistake(text.at, what, None, remedy);
            }
        }
    }
    matchers
}

fn policy(reader: &Reader<'_>, names: &Names, section: &mut Section<'_>) -> Option<PolicyId> {
    policy_of(reader, names, &section.node("page")?)
}

fn policy_of(reader: &Reader<'_>, names: &Names, node: &Node<'_>) -> Option<PolicyId> {
    let text = node.filled("\"qflow\"")?;
    if let Some((_, name)) = text.value.split_once(':').filter(|_| !names.has(Kind::Policy, &text.value)) {
        let what = format!("`{}` is not the name of a policy", text.value);
        let remedy = "schedules, teams and people are paged by the steps of a policy: name the policy here";
        let near = names.has(Kind::Policy, name).then_some(name);
        reader.mistake(text.at, what, near, remedy);
        return None;
    }
    names.check(reader, Kind::Policy, &text.value, text.at).then(|| PolicyId::new(text.value))
}

pub(super) fn channels(reader: &Reader<'_>, names: &Names, section: &mut Section<'_>) -> Vec<ChannelName> {
    let Some(node) = section.node("channel") else { return Vec::new() };
    node.one_or_more().iter().filter_map(|node| people::channel(reader, names, node)).collect()
}

/// All integrations, their tokens, and where they stand.
pub(super) struct Sources {
    pub integrations: BTreeMap<IntegrationId, Integration>,
    pub tokens: BTreeMap<IntegrationId, Option<SecretString>>,
    pub limits: BTreeMap<IntegrationId, NonZeroU32>,
}

/// All integrations; `exposed`: callers from other machines are expected.
pub(super) fn integrations(reader: &Reader<'_>, whole: &Whole<'_>, exposed: bool) -> Sources {
    let mut sources =
        Sources { integrations: BTreeMap::new(), tokens: BTreeMap::new(), limits: BTreeMap::new() };
    for (name, node) in whole.all(Kind::Integration) {
        let Some(mut section) = node.section() else { continue };
        let kind = section.need("kind", "kind = \"alertmanager\"").and_then(|node| kind(&node));
        let (token, service) = match kind {
            Some(IntegrationKind::Alertmanager) => (token(reader, name, &mut section, exposed), None),
            Some(IntegrationKind::GitHub | IntegrationKind::GitLab) => signed(&mut section, kind),
            // Which keys it takes is not known; none of them is wrong.
            None => {
                let secrets = ["token", "secret"].map(|key| section.node(key));
                section.node("service");
                (secrets.iter().flatten().find_map(Node::secret), None)
            }
        };
        let limit = section.node("limit").and_then(|node| node.count(1..=MOST_MESSAGES));
        section.finish();
        let id = IntegrationId::new(name.value.as_str());
        if let Some(kind) = kind {
            sources.integrations.insert(id.clone(), Integration { id: id.clone(), kind, service });
            sources.limits.extend(limit.and_then(NonZeroU32::new).map(|limit| (id.clone(), limit)));
            sources.tokens.insert(id, token);
        }
    }
    sources
}

/// The token of a source of alerts.
fn token(reader: &Reader<'_>, name: &Text, section: &mut Section<'_>, exposed: bool) -> Option<SecretString> {
    let before = reader.found.borrow().len();
    let token = section.node("token").and_then(|node| node.token());
    if exposed && token.is_none() && reader.found.borrow().len() == before {
        reader.warning(
            name.at,
            format!("only callers on this machine can send alerts to `{}`", name.value),
            "give it a token: token = { env = \"NAME\" }; a proxy on this machine may count as such a caller",
        );
    }
    token
}

/// The secret of a source of deployments, and what they are deployments of. Without the secret nothing is taken.
fn signed(
    section: &mut Section<'_>,
    kind: Option<IntegrationKind>,
) -> (Option<SecretString>, Option<String>) {
    let node = section.need("secret", "secret = { env = \"NAME\" }, the secret of the webhook");
    let secret = node.as_ref().and_then(Node::token);
    if let (Some(node), Some(secret)) = (node, &secret)
        && kind == Some(IntegrationKind::GitLab)
        && let Some(key) = secret.expose_secret().strip_prefix("whsec_")
        && STANDARD.decode(key).is_err()
    {
        node.reader.mistake(
            node.at(),
            format!("`{}` begins like a signing token and is none", node.path),
            None,
            "copy the whole token from GitLab: whsec_ and then base64",
        );
    }
    (secret, section.text("service", "\"qflow\"").map(|text| text.value).filter(|text| !text.is_empty()))
}

fn kind(node: &Node<'_>) -> Option<IntegrationKind> {
    let known = IntegrationKind::ALL.map(|kind| (kind.as_str(), kind));
    let remedy = format!("kinds are {}", words::list(IntegrationKind::ALL.map(IntegrationKind::as_str)));
    node.one_of(&known, |written| format!("there is no kind of integration `{written}`"), remedy)
}

/// A command that a route runs. Whether there is such a runbook, this part of the house cannot know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// With its arguments: `/qflow health engine`.
    pub line: String,
    /// Where it stands, for whoever finds something wrong with it.
    pub at: Mistake,
}

/// All routes, and the commands that they run.
#[derive(Default)]
pub(super) struct Table {
    pub routes: Vec<Route>,
    pub diagnostics: BTreeMap<RouteId, Vec<Diagnostic>>,
}

/// All routes; `graded`: some severity recognises alerts by their labels.
pub(super) fn routes(reader: &Reader<'_>, whole: &Whole<'_>, graded: bool) -> Table {
    let mut table = Table::default();
    let mut seen: BTreeMap<RouteId, Place> = BTreeMap::new();
    let mut catch_all: Option<Place> = None;
    for node in &whole.routes {
        let Some((route, run)) = route(reader, &whole.names, node, graded) else { continue };
        if let Some(first) = catch_all.take() {
            let what = format!("this route is never reached: {} takes every alert", reader.point(first));
            let remedy = "move the route without `match` to the end, or give it continue = true";
            reader.warning(node.key, what, remedy);
        }
        if route.matchers.is_empty() && !route.goes_on {
            catch_all = Some(node.key);
        }
        match seen.entry(route.id.clone()) {
            Entry::Occupied(first) => {
                let what = format!("the same route stands in {} already", reader.point(*first.get()));
                reader.mistake(node.key, what, None, "keep one of them, or give each its own `name`");
            }
            Entry::Vacant(entry) => {
                entry.insert(node.key);
            }
        }
        if !run.is_empty() {
            table.diagnostics.insert(route.id.clone(), run);
        }
        table.routes.push(route);
    }
    table
}

fn route(
    reader: &Reader<'_>,
    names: &Names,
    node: &Node<'_>,
    graded: bool,
) -> Option<(Route, Vec<Diagnostic>)> {
    let before = reader.found.borrow().len();
    let mut section = node.section()?;
    let name = section.text("name", "\"qflow-critical\"");
    let matchers = matchers(reader, &mut section, "match");
    let group_by = group_by(reader, &mut section);
    let group_wait = section.duration("group_wait", SignedDuration::ZERO..=SignedDuration::from_hours(1));
    let group_interval = section.duration("group_interval", SECOND..=SignedDuration::from_hours(24));
    let repeat_interval = section.duration("repeat_interval", MINUTE..=MONTH);
    let channels = channels(reader, names, &mut section);
    let page = policy(reader, names, &mut section);
    let severity = section.text("severity", "\"P1\"").and_then(|text| {
        names.check(reader, Kind::Severity, &text.value, text.at).then(|| SeverityId::new(text.value))
    });
    let opens = section.node("incident");
    let incident = opens.as_ref().and_then(Node::flag).unwrap_or(false);
    let run = run(reader, &mut section);
    let goes_on = section.flag("continue").unwrap_or(false);
    section.finish();
    // What is wrong above would only be repeated.
    if reader.found.borrow().len() == before {
        if let Some(opens) = opens.filter(|_| incident && severity.is_none() && !graded) {
            let what = "this route opens incidents, and nothing says how severe they are";
            let remedy = "add severity = \"P1\" here, or `labels` to a [severity.…]";
            reader.mistake(opens.at(), what, None, remedy);
        }
        if channels.is_empty() && page.is_none() && !incident && !goes_on {
            let what = "this route takes alerts and tells nobody";
            reader.warning(node.key, what, "give it a `channel`, a `page`, or both");
        }
    }
    let id = match &name {
        Some(name) => RouteId::new(name.value.as_str()),
        None => derived_id(&matchers, &group_by, &channels, page.as_ref()),
    };
    let group_wait = group_wait.unwrap_or(SignedDuration::from_secs(10));
    let route = Route {
        id,
        matchers,
        group_by,
        group_wait,
        group_interval,
        repeat_interval,
        channels,
        page,
        severity,
        incident,
        goes_on,
    };
    Some((route, run))
}

fn group_by(reader: &Reader<'_>, section: &mut Section<'_>) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for text in section.texts("group_by", "[\"alertname\", \"cluster\"]") {
        let fits = text.value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !text.value.starts_with(|c: char| c.is_ascii_digit());
        if !fits {
            let what = format!("`{}` is not the name of a label", text.value);
            let remedy =
                "name labels such as alertname or cluster; an empty list makes one group of all alerts";
            reader.mistake(text.at, what, None, remedy);
        } else if !labels.contains(&text.value) {
            labels.push(text.value);
        }
    }
    labels
}

fn run(reader: &Reader<'_>, section: &mut Section<'_>) -> Vec<Diagnostic> {
    let mut commands = Vec::new();
    for text in section.texts("run", "[\"/qflow health\"]") {
        if text.value.starts_with('/') && text.value.len() > 1 {
            commands.extend(diagnostic(reader, text));
        } else {
            let near = format!("/{}", text.value.trim_start_matches('/'));
            let what = format!("`{}` is not a command", text.value);
            reader.mistake(text.at, what, Some(&near), "a command begins with a slash");
        }
    }
    commands
}

fn diagnostic(reader: &Reader<'_>, text: Text) -> Option<Diagnostic> {
    let (gravity, what, remedy) = (Gravity::Mistake, String::new(), String::new());
    let finding = Finding { gravity, at: text.at, what, nearest: None, remedy };
    let source = reader.sources.get(text.at.file)?;
    Some(Diagnostic { line: text.value, at: Mistake::shown(finding, source, &reader.masks.borrow()) })
}

/// The same for the same route wherever it stands among the others, so that its groups survive a reordering.
fn derived_id(
    matchers: &[Matcher],
    group_by: &[String],
    channels: &[ChannelName],
    page: Option<&PolicyId>,
) -> RouteId {
    let mut hash = Sha256::new();
    let mut part = |kind: u8, text: &str| {
        hash.update([kind]);
        hash.update(text.len().to_le_bytes());
        hash.update(text.as_bytes());
    };
    for matcher in matchers {
        part(b'm', &matcher.to_string());
    }
    for label in group_by {
        part(b'g', label);
    }
    for channel in channels {
        part(b'c', channel.as_str());
    }
    if let Some(page) = page {
        part(b'p', page.as_str());
    }
    let mut id = "r-".to_owned();
    for byte in hash.finalize().iter().take(4) {
        let _ = write!(id, "{byte:02x}");
    }
    RouteId::new(id)
}

/// What is done with alerts that no route takes.
pub(super) fn unrouted(reader: &Reader<'_>, whole: &Whole<'_>) -> Unrouted {
    let section = whole.single.get("unrouted").and_then(Node::section);
    let Some(mut section) = section else {
        return Unrouted { channels: vec![ChannelName::new("#alerts")], page: None };
    };
    let channels = channels(reader, &whole.names, &mut section);
    let page = policy(reader, &whole.names, &mut section);
    section.finish();
    Unrouted { channels, page }
}
