//! Buttons and commands on both platforms while alerts come in: from the instant before the fake writes the interaction
//! until it has read the acknowledgement. Never a figure of a run in which one was left without an answer.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{Effort, discord, exchange::Course, figures::Figure, place::Place, slack};
use crate::{
    client::percentile,
    measure::{millis, wall},
    noise::Noise,
    peer::watchbell::Watchbell,
    subject::Kind,
};

/// So long the alerts come in before the first interaction.
const BEFORE: Duration = Duration::from_secs(1);
/// So long answers are waited for.
const ANSWERS: Duration = Duration::from_mins(1);

/// All of it, once.
pub fn measure(binary: &Path, scratch: &Path, effort: Effort) -> Result<Vec<Figure>, String> {
    let (on_slack, on_discord) = (Place::start(slack::routes)?, Place::start(discord::routes)?);
    let binary = binary.canonicalize().map_err(|error| format!("{}: {error}", binary.display()))?;
    let folder = std::path::absolute(scratch).map_err(|error| error.to_string())?;
    let watchbell = Watchbell::start(&binary, &folder, &config(on_slack.port, on_discord.port)).ready();
    let connected = [&on_slack, &on_discord].iter().all(|one| one.exchange.wait_connected(ANSWERS));
    if !connected {
        return Err(format!("is not connected:\n{}", watchbell.process.tail()));
    }
    watchbell.command("", "/incident open P1 the bench");
    let seconds = Duration::from_secs(effort.seconds.into());
    let noise = Noise::start(Kind::Watchbell, watchbell.port, "bench", effort.alerts, BEFORE + seconds);
    let began = Instant::now() + BEFORE;
    for number in 0..effort.interactions * effort.seconds {
        let due = began + Duration::from_secs(1) * number / effort.interactions;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        interact(&on_slack, &on_discord, number)?;
    }
    let rate = noise.over()?;
    let mut figures = vec![Figure::new("alerts", "alerts taken meanwhile", "alerts/s", rate)];
    for (of, place) in [("Slack", &on_slack), ("Discord", &on_discord)] {
        let courses = place.exchange.courses(ANSWERS);
        let all = |time: fn(&Course) -> Option<Duration>| -> Vec<Duration> {
            let mut times: Vec<Duration> = courses.iter().filter_map(time).collect();
            times.sort_unstable();
            times
        };
        let (acknowledged, answered) = (all(Course::acknowledgement), all(Course::answer));
        let counts = (acknowledged.len(), answered.len(), courses.len());
        if counts.0 < counts.2 || counts.1 < counts.2 {
            return Err(format!(
                "{of}: acknowledged {}, answered {} of {}\n{}",
                counts.0,
                counts.1,
                counts.2,
                watchbell.process.tail()
            ));
        }
        for (name, share, times) in [
            ("acknowledged, median", 50, &acknowledged),
            ("acknowledged, 99 of 100", 99, &acknowledged),
            ("acknowledged, longest", 100, &acknowledged),
            ("answered, median", 50, &answered),
            ("answered, 99 of 100", 99, &answered),
        ] {
            figures.push(Figure::new(of, name, "ms", millis(percentile(times, share))));
        }
    }
    Ok(figures)
}

/// One interaction on each platform: a button and a command, by turns.
fn interact(on_slack: &Place, on_discord: &Place, number: u32) -> Result<(), String> {
    let id = format!("slack-{number}");
    // Buttons acknowledge groups that are there, and commands write.
    let (group, words) = (number + 1, format!("INC-1 step {number}"));
    let text = if number.is_multiple_of(2) {
        slack::press(on_slack.port, &id, "COPS", &format!("/ack G-{group}"))
    } else {
        slack::slash(on_slack.port, &id, "COPS", "/incident", &format!("note {words}"))
    };
    on_slack.exchange.say(&id, "", text)?;
    // Discord's ids say when something was done: milliseconds since its first second, and a number.
    let since = wall().as_millisecond() - 1_420_070_400_000;
    let id = ((since << 22) + i64::from(number)).to_string();
    // The first event of the session let us in.
    let text = if number.is_multiple_of(2) {
        discord::note(&id, number + 2, &format!("step {number}"))
    } else {
        discord::press(&id, number + 2, &format!("/ack G-{group}"))
    };
    on_discord.exchange.say(&id, "", text)
}

/// One person on both platforms; every alert is a group of its own with a card on both.
fn config(slack: u16, discord: u16) -> String {
    let (guild, on_slack, on_discord) = (discord::GUILD, slack::ANA, discord::ANA);
    format!(
        "[slack]\napp_token = \"{}\"\nbot_token = \"{}\"\nincident_rooms = \"none\"\n\
         api_url = \"http://127.0.0.1:{slack}/api\"\n\n\
         [discord]\ntoken = \"bench-token\"\nguild = \"{guild}\"\nincident_rooms = \"none\"\n\
         api_url = \"http://127.0.0.1:{discord}\"\n\n\
         [person.ana]\nname = \"Ana Ruiz\"\nroles = [\"responder\", \"operator\"]\n\
         slack = \"{on_slack}\"\ndiscord = \"{on_discord}\"\nurgent = [\"now: chat\"]\nroutine = [\"now: chat\"]\n\n\
         [integration.bench]\nkind = \"alertmanager\"\ntoken = \"bench-token\"\n\n\
         [[route]]\nname = \"bench\"\nmatch = ['service=\"bench\"']\ngroup_by = [\"alertname\", \"instance\"]\n\
         group_wait = \"0s\"\nchannel = \"#ops\"\n",
        slack::APP_TOKEN,
        slack::BOT_TOKEN,
    )
}
