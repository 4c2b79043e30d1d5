//! The figures that Watchbell shows about itself, in Prometheus' text format. Cheap enough for the hot path: one
//! atomic, or one short lock for a histogram. Never holds a label that an unconfigured outsider can choose.

mod names;

use std::{fmt, sync::Arc, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use crate::domain::{
    delivery::{Channel, DeliveryKind},
    event::Event,
    id::IntegrationId,
    intent::Refusal,
    state::State,
};

use names::{EVENT_TYPES, delivery_labels, event_type, lane_labels, reason};

/// The content type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What an integration is answered with: taken, wrong message, wrong token, too large, busy.
const USUAL_CODES: [u16; 5] = [202, 400, 401, 413, 503];

/// A timer that is taken later than this counts as a missed deadline.
pub const LATE: Duration = Duration::from_secs(1);

/// All figures. Cheap to clone; every clone counts into the same figures.
#[derive(Clone)]
pub struct Metrics(Arc<Figures>);

/// What became of a delivery, or of one attempt of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It arrived.
    Delivered,
    /// It was given up.
    Failed,
    /// An attempt failed and another one will follow.
    Retried,
    /// It never left and never will.
    Cancelled,
    /// A newer revision of the same card took its place.
    Replaced,
}

/// What was wrong with something from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BadInput {
    /// A message of an integration that could not be read.
    Webhook,
    /// A message larger than what is taken.
    TooLarge,
    /// A request whose path, query or body is wrong.
    Request,
    /// A missing or wrong token.
    Token,
    /// A forged or expired link.
    Link,
    /// A request that a foreign web page had a browser send.
    Origin,
    /// A configuration that was not taken.
    Configuration,
    /// What a chat platform sent and nobody can read.
    ChatPayload,
    /// What was meant for another workspace, guild or application.
    ChatForeign,
    /// A button or a form of which nothing is known any more.
    ChatForgotten,
    /// A form without a field that it needs.
    ChatForm,
    /// What a platform kept for so long that it is not done any more.
    ChatLate,
}

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommandFate {
    /// Done.
    Done,
    /// Refused, or not understood.
    Refused,
    /// It could not be tried: the engine is busy or has stopped.
    Failed,
}

/// How much of each thing there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Alerts that fire.
    pub alerts: usize,
    /// Groups that are open.
    pub groups: usize,
    /// Incidents that are open.
    pub incidents: usize,
    /// Pages that run.
    pub pages: usize,
}

type Labels<const N: usize> = [(&'static str, &'static str); N];

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct WebhookLabels {
    integration: Integration,
    code: u16,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct PassedLabels {
    integration: Integration,
}

/// An integration of the configuration; none: a name that nobody configured.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Integration(Option<IntegrationId>);

impl EncodeLabelValue for Integration {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        self.0.as_ref().map_or("unknown", IntegrationId::as_str).encode(encoder)
    }
}

struct Figures {
    registry: Registry,
    engine_queue: Gauge,
    outbox_queue: Family<Labels<2>, Gauge>,
    alert_to_page: Histogram,
    deliveries: Family<Labels<3>, Counter>,
    sync: Histogram,
    batch: Histogram,
    deadlines_missed: Counter,
    events: Family<Labels<1>, Counter>,
    refused: Family<Labels<1>, Counter>,
    webhooks: Family<WebhookLabels, Counter>,
    passed: Family<PassedLabels, Counter>,
    late_duplicates: Counter,
    bad_input: Family<Labels<1>, Counter>,
    commands: Family<Labels<1>, Counter>,
    views_lag: Gauge,
    journal_damaged: Gauge,
    connected: Family<[(&'static str, &'static str); 1], Gauge>,
    alerts: Gauge,
    groups: Gauge,
    incidents: Gauge,
    pages: Gauge,
    connections: Gauge,
    listeners: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new(env!("CARGO_PKG_VERSION"))
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Metrics")
    }
}

impl Standing {
    /// What a state holds.
    #[must_use]
    pub fn of(state: &State) -> Self {
        Self {
            alerts: state.alerts.len(),
            groups: state.groups.len(),
            incidents: state.open_incidents.len(),
            pages: state.pages.len(),
        }
    }
}

impl Metrics {
    /// All figures at zero. Those whose labels are known beforehand are shown from the start, so that an alert
    /// on them sees the first failure and not only the second.
    #[must_use]
    pub fn new(release: &'static str) -> Self {
        let mut registry = Registry::with_prefix("watchbell");
        let build: Family<Labels<1>, Gauge> = Family::default();
        build.get_or_create(&[("version", release)]).set(1);
        registry.register("build", "The release that runs; always 1", build);
        let figures = Figures::registered(registry);
        figures.show_zeros();
        Self(Arc::new(figures))
    }

    /// How many intents wait for the engine.
    pub fn engine_queue(&self, length: usize) {
        self.0.engine_queue.set(gauge(length));
    }

    /// How many deliveries of a channel are due and wait for room: pages, or all the rest.
    pub fn outbox_queue(&self, channel: Channel, page: bool, length: usize) {
        self.0.outbox_queue.get_or_create(&lane_labels(channel, page)).set(gauge(length));
    }

    /// A page was first received so long after the report that led to it; the group's own wait included.
    pub fn alert_to_page(&self, took: Duration) {
        self.0.alert_to_page.observe(took.as_secs_f64());
    }

    /// Something became of a delivery.
    pub fn delivery(&self, channel: Channel, kind: DeliveryKind, fate: Fate) {
        self.0.deliveries.get_or_create(&delivery_labels(channel, kind, fate)).inc();
    }

    /// One sync made so many events durable.
    pub fn synced(&self, events: usize, took: Duration) {
        self.0.sync.observe(took.as_secs_f64());
        self.0.batch.observe(f64::from(u32::try_from(events).unwrap_or(u32::MAX)));
    }

    /// A timer was taken so long after it was due; counts when that is later than [`LATE`].
    pub fn timer_taken(&self, late: Duration) {
        if late > LATE {
            self.0.deadlines_missed.inc();
        }
    }

    /// Firings that repeated, late, what had just ended; they changed nothing.
    pub fn late_duplicates(&self, firings: usize) {
        self.0.late_duplicates.inc_by(u64::try_from(firings).unwrap_or(u64::MAX));
    }

    /// An event is in the journal.
    pub fn event(&self, event: &Event) {
        if let Event::DeliveryCancelled { kind, channel, replaced, .. } = event {
            self.delivery(*channel, *kind, if *replaced { Fate::Replaced } else { Fate::Cancelled });
        }
        self.0.events.get_or_create(&[("type", event_type(event))]).inc();
    }

    /// The rules said no.
    pub fn refused(&self, refusal: &Refusal) {
        self.0.refused.get_or_create(&[("reason", reason(refusal))]).inc();
    }

    /// An integration's message was answered with this status; none: an integration that nobody configured.
    pub fn webhook(&self, integration: Option<&IntegrationId>, code: u16) {
        let labels = WebhookLabels { integration: Integration(integration.cloned()), code };
        self.0.webhooks.get_or_create(&labels).inc();
    }

    /// A message of an integration was good, and nothing of it is kept.
    pub fn passed(&self, integration: &IntegrationId) {
        let labels = PassedLabels { integration: Integration(Some(integration.clone())) };
        self.0.passed.get_or_create(&labels).inc();
    }

    /// These integrations are configured: their usual answers are shown from the start.
    pub fn integrations<'a>(&self, configured: impl IntoIterator<Item = &'a IntegrationId>) {
        for integration in configured {
            for code in USUAL_CODES {
                let labels = WebhookLabels { integration: Integration(Some(integration.clone())), code };
                drop(self.0.webhooks.get_or_create(&labels));
            }
        }
    }

    /// Something from outside was wrong and changed nothing.
    pub fn bad_input(&self, what: BadInput) {
        self.0.bad_input.get_or_create(&[("kind", what.as_str())]).inc();
    }

    /// A chat platform is connected, or is not.
    pub fn connected(&self, channel: Channel, is: bool) {
        self.0.connected.get_or_create(&[("platform", channel.as_str())]).set(i64::from(is));
    }

    /// A command was answered.
    pub fn command(&self, fate: CommandFate) {
        self.0.commands.get_or_create(&[("outcome", fate.as_str())]).inc();
    }

    /// How many events the views are behind the journal.
    pub fn views_lag(&self, events: u64) {
        self.0.views_lag.set(i64::try_from(events).unwrap_or(i64::MAX));
    }

    /// How many lines of the journal were found damaged by the last look at all of it.
    pub fn journal_damaged(&self, lines: usize) {
        self.0.journal_damaged.set(gauge(lines));
    }

    /// How much of each thing there is.
    pub fn standing(&self, now: Standing) {
        self.0.alerts.set(gauge(now.alerts));
        self.0.groups.set(gauge(now.groups));
        self.0.incidents.set(gauge(now.incidents));
        self.0.pages.set(gauge(now.pages));
    }

    /// An HTTP connection is open until the guard is dropped.
    #[must_use]
    pub fn connection(&self) -> Open {
        Open::new(&self.0.connections)
    }

    /// Somebody listens to the live stream until the guard is dropped.
    #[must_use]
    pub fn listener(&self) -> Open {
        Open::new(&self.0.listeners)
    }

    /// All figures in the text format of [`CONTENT_TYPE`].
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::with_capacity(16 * 1024);
        // Writing into a string fails only when one of our own encoders does, and none of them can.
        if text::encode(&mut text, &self.0.registry).is_err() {
            tracing::error!("the metrics could not be written");
        }
        text
    }
}

/// Counts one open thing until it is dropped.
#[derive(Debug)]
pub struct Open(Gauge);

impl Open {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Figures {
    fn registered(mut registry: Registry) -> Self {
        let seconds =
            |start: f64, factor: f64, length: u16| Histogram::new(exponential_buckets(start, factor, length));
        let figures = Self {
            registry: Registry::default(),
            engine_queue: Gauge::default(),
            outbox_queue: Family::default(),
            // 0.5 ms … 4.4 min in doublings.
            alert_to_page: seconds(0.0005, 2.0, 20),
            deliveries: Family::default(),
            // 50 µs … 3.3 s in doublings.
            sync: seconds(0.00005, 2.0, 17),
            batch: Histogram::new(exponential_buckets(1.0, 2.0, 13)),
            deadlines_missed: Counter::default(),
            events: Family::default(),
            refused: Family::default(),
            webhooks: Family::default(),
            passed: Family::default(),
            late_duplicates: Counter::default(),
            bad_input: Family::default(),
            commands: Family::default(),
            views_lag: Gauge::default(),
            journal_damaged: Gauge::default(),
            connected: Family::default(),
            alerts: Gauge::default(),
            groups: Gauge::default(),
            incidents: Gauge::default(),
            pages: Gauge::default(),
            connections: Gauge::default(),
            listeners: Gauge::default(),
        };
        let mut add = Registrar(&mut registry);
        add.figure("engine_queue_length", "Intents that wait for the engine", &figures.engine_queue);
        add.figure(
            "outbox_queue_length",
            "Deliveries that are due and wait for room, by channel and lane (page; other: cards, notices)",
            &figures.outbox_queue,
        );
        add.seconds(
            "alert_to_page",
            "From receiving an alert to the first receipt of its page; the group's own wait is included",
            &figures.alert_to_page,
        );
        add.figure(
            "deliveries",
            "Deliveries by channel, kind (page, resolved, card, notice) and outcome (delivered; failed: given up; \
             retried: an attempt failed and another follows; cancelled: never left; replaced: by a newer card)",
            &figures.deliveries,
        );
        add.seconds("journal_sync", "Time that one sync of the journal took", &figures.sync);
        add.figure("engine_batch_events", "Events that one sync made durable", &figures.batch);
        add.figure(
            "deadlines_missed",
            "Timers that were taken more than 1 s after they were due",
            &figures.deadlines_missed,
        );
        add.figure("events", "Events written to the journal since the start, by type", &figures.events);
        add.figure("intents_refused", "Intents that the rules refused, by reason", &figures.refused);
        add.figure("webhooks", "Messages of integrations, by integration and status code", &figures.webhooks);
        add.figure(
            "webhooks_passed",
            "Good messages of which nothing is kept: pings, and events that nobody asked for",
            &figures.passed,
        );
        add.figure("alerts_late", "Late repetitions of what had just ended", &figures.late_duplicates);
        add.figure(
            "bad_input",
            "Wrong input that was answered with a problem and changed nothing, by kind",
            &figures.bad_input,
        );
        add.figure("commands", "Commands by outcome", &figures.commands);
        add.figure("views_lag_events", "Events that the views are behind the journal", &figures.views_lag);
        add.figure(
            "journal_damaged_lines",
            "Lines of the journal that are not what was written",
            &figures.journal_damaged,
        );
        add.figure("alerts_firing", "Alerts that fire", &figures.alerts);
        add.figure("groups_open", "Alert groups that are open", &figures.groups);
        add.figure("incidents_open", "Incidents that are open", &figures.incidents);
        add.figure("pages_running", "Pages that run", &figures.pages);
        add.figure("chat_connected", "Whether a chat platform is connected", &figures.connected);
        add.figure("http_connections", "HTTP connections that are open", &figures.connections);
        add.figure("live_listeners", "Connections that follow the live stream", &figures.listeners);
        Self { registry, ..figures }
    }

    fn show_zeros(&self) {
        for channel in Channel::ALL {
            for page in [true, false] {
                drop(self.outbox_queue.get_or_create(&lane_labels(channel, page)));
            }
            for kind in DeliveryKind::ALL {
                for fate in Fate::ALL {
                    drop(self.deliveries.get_or_create(&delivery_labels(channel, kind, fate)));
                }
            }
        }
        for name in EVENT_TYPES {
            drop(self.events.get_or_create(&[("type", *name)]));
        }
        for what in BadInput::ALL {
            drop(self.bad_input.get_or_create(&[("kind", what.as_str())]));
        }
        for fate in CommandFate::ALL {
            drop(self.commands.get_or_create(&[("outcome", fate.as_str())]));
        }
    }
}

/// Registers clones of figures, so that the names stand in one column.
struct Registrar<'a>(&'a mut Registry);

impl Registrar<'_> {
    fn figure(
        &mut self,
        name: &str,
        help: &str,
        figure: &(impl prometheus_client::registry::Metric + Clone),
    ) {
        self.0.register(name, help, figure.clone());
    }
    fn seconds(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.0.register_with_unit(name, help, Unit::Seconds, histogram.clone());
    }
}

fn gauge(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        delivery::Recipient,
        id::{AlertId, DeliveryId, IncidentId},
        page::{Subject, Target},
    };

    fn cancelled(channel: Channel, kind: DeliveryKind, replaced: bool) -> Event {
        let (delivery, subject) = (DeliveryId(1), Subject::Incident(IncidentId(1)));
        let to = Recipient::Channel("#ops".into());
        Event::DeliveryCancelled { delivery, subject, to, kind, channel, replaced }
    }

    #[test]
    fn every_figure_is_shown_with_its_help_and_its_labels() {
        let metrics = Metrics::new("0.1.0");
        metrics.engine_queue(3);
        metrics.delivery(Channel::Hook, DeliveryKind::Page, Fate::Retried);
        metrics.webhook(Some(&"prometheus".into()), 202);
        metrics.webhook(None, 401);
        metrics.synced(2, Duration::from_micros(300));
        metrics.refused(&Refusal::Unknown(Target::Alert(AlertId(1))));
        metrics.refused(&Refusal::NotPermitted(DeliveryId(1)));
        metrics.event(&Event::GroupClosed { group: crate::domain::id::GroupId(1) });
        metrics.event(&cancelled(Channel::Chat, DeliveryKind::Card, true));
        metrics.event(&cancelled(Channel::Ntfy, DeliveryKind::Page, false));
        metrics.late_duplicates(2);
        let open = metrics.connection();
        let text = metrics.render();
        for line in [
            "watchbell_build{version=\"0.1.0\"} 1",
            "watchbell_engine_queue_length 3",
            "watchbell_outbox_queue_length{channel=\"ntfy\",lane=\"page\"} 0",
            "watchbell_deliveries_total{channel=\"hook\",kind=\"page\",outcome=\"retried\"} 1",
            "watchbell_deliveries_total{channel=\"mail\",kind=\"page\",outcome=\"failed\"} 0",
            "watchbell_webhooks_total{integration=\"prometheus\",code=\"202\"} 1",
            "watchbell_webhooks_total{integration=\"unknown\",code=\"401\"} 1",
            "watchbell_journal_sync_seconds_count 1",
            "watchbell_engine_batch_events_sum 2.0",
            "watchbell_intents_refused_total{reason=\"unknown\"} 1",
            "watchbell_intents_refused_total{reason=\"not_permitted\"} 1",
            "watchbell_events_total{type=\"group_closed\"} 1",
            "watchbell_deadlines_missed_total 0",
            "watchbell_alerts_late_total 2",
            "watchbell_deliveries_total{channel=\"chat\",kind=\"card\",outcome=\"replaced\"} 1",
            "watchbell_deliveries_total{channel=\"ntfy\",kind=\"page\",outcome=\"cancelled\"} 1",
            "watchbell_bad_input_total{kind=\"webhook\"} 0",
            "watchbell_commands_total{outcome=\"done\"} 0",
            "watchbell_http_connections 1",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
        drop(open);
        assert!(metrics.render().contains("watchbell_http_connections 0"));
    }

    #[test]
    fn a_timer_counts_as_missed_only_when_it_is_more_than_a_second_late() {
        let metrics = Metrics::default();
        for late in [0, 999, 1000, 1001, 60_000] {
            metrics.timer_taken(Duration::from_millis(late));
        }
        assert!(metrics.render().contains("watchbell_deadlines_missed_total 2"));
    }

    #[test]
    fn the_type_of_an_event_is_the_one_in_the_journal_and_is_shown_from_the_start() {
        let mut seen = std::collections::BTreeSet::new();
        for record in crate::text::samples::records() {
            let json = serde_json::to_value(&record.event).unwrap();
            let name = event_type(&record.event);
            assert!(json.get(name).is_some(), "{name}: {json}");
            seen.insert(name);
        }
        assert_eq!(seen, EVENT_TYPES.iter().copied().collect(), "a sample of every type");
        let shown = Metrics::default().render();
        for name in EVENT_TYPES {
            assert!(shown.contains(&format!("watchbell_events_total{{type=\"{name}\"}} 0")), "{name}");
        }
    }

    #[test]
    fn the_first_wrong_message_of_an_integration_is_an_increase() {
        let metrics = Metrics::default();
        metrics.integrations([&"prometheus".into()]);
        let line = "watchbell_webhooks_total{integration=\"prometheus\",code=\"401\"} 0";
        assert!(metrics.render().lines().any(|l| l == line));
    }
}
