//! The commands that are built in: one line each. Never knows what they do.

use super::{
    Answer, Call, ack, alert, announce, deployment, help, house, incident, journal, maintenance, me, oncall,
    page, runbook, silence, spec::CommandSpec, version,
};

/// Each line is a command and the file that has its `spec()` and its `run(&Call)`; one without either does not compile.
macro_rules! builtins {
    ($($Command:ident = $($file:ident)::+;)*) => {
        /// A command that is built in.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Builtin {
            $(#[doc = concat!("`", stringify!($Command), "`")] $Command,)*
        }

        impl Builtin {
            /// All of them.
            pub const ALL: [Self; [$(stringify!($Command)),*].len()] = [$(Self::$Command),*];

            /// What it is called and takes.
            #[must_use]
            pub fn spec(self) -> CommandSpec {
                match self {
                    $(Self::$Command => $($file)::+::spec(),)*
                }
            }

            /// Runs it.
            ///
            /// # Errors
            /// With a refusal in words; nothing has changed then.
            pub async fn run(self, call: &Call<'_>) -> Answer {
                match self {
                    $(Self::$Command => $($file)::+::run(call).await,)*
                }
            }
        }
    };
}

builtins! {
    Ack = ack;
    AlertAck = alert::ack;
    AlertExplain = alert::explain;
    AlertList = alert::list;
    AlertResolve = alert::resolve;
    AlertShow = alert::show;
    AlertSnooze = alert::snooze;
    Announce = announce;
    Audit = house::audit;
    DeploymentBefore = deployment::before;
    DeploymentList = deployment::list;
    DeploymentShow = deployment::show;
    Help = help;
    IncidentAck = incident::ack;
    IncidentAssign = incident::assign;
    IncidentHandover = incident::handover;
    IncidentImpact = incident::impact;
    IncidentLink = incident::link;
    IncidentList = incident::list;
    IncidentMerge = incident::merge;
    IncidentNote = incident::note;
    IncidentOpen = incident::open;
    IncidentPostmortem = incident::postmortem;
    IncidentReopen = incident::reopen;
    IncidentResolve = incident::resolve;
    IncidentRole = incident::role;
    IncidentSeverity = incident::severity;
    IncidentShow = incident::show;
    IncidentStatus = incident::status;
    IncidentTaskAdd = incident::task::add;
    IncidentTaskAssign = incident::task::assign;
    IncidentTaskDone = incident::task::done;
    IncidentTaskDrop = incident::task::drop;
    IncidentTaskDue = incident::task::due;
    IncidentTaskList = incident::task::list;
    IncidentTaskReopen = incident::task::reopen;
    IncidentTimeline = incident::timeline;
    JournalArchive = journal::archive;
    JournalErase = journal::erase;
    MaintenanceEnd = maintenance::end;
    MaintenanceList = maintenance::list;
    MaintenanceStart = maintenance::start;
    Me = me::show;
    MeLink = me::link;
    MeUnlink = me::unlink;
    OncallGaps = oncall::gaps;
    OncallNow = oncall::now;
    OncallOverride = oncall::overriding::add;
    OncallOverrideList = oncall::overriding::list;
    OncallOverrideRemove = oncall::overriding::remove;
    OncallSchedule = oncall::schedule;
    OncallSwap = oncall::swap;
    Page = page;
    RunbookApprove = runbook::approve;
    RunbookContinue = runbook::proceed;
    RunbookRefuse = runbook::refuse;
    RunbookRuns = runbook::runs;
    RunbookStop = runbook::stop;
    SilenceAdd = silence::add;
    SilenceExpire = silence::expire;
    SilenceList = silence::list;
    SilenceShow = silence::show;
    Doctor = house::doctor;
    Reload = house::reload;
    Status = house::status;
    Version = version;
}
