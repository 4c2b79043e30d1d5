//! The bots that are spoken to: Watchbell, and the two that people use today, each as its own documentation sets it up
//! for Slack. Never changes anything in them but the address where Slack is.

use std::{fs, path::Path, process::Command};

use super::{Wanted, slack};
use crate::peer::{process::Process, watchbell::Watchbell};

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bot {
    Errbot,
    Hubot,
    Watchbell,
}

impl Bot {
    pub const ALL: [Self; 3] = [Self::Errbot, Self::Hubot, Self::Watchbell];

    pub fn name(self) -> &'static str {
        match self {
            Self::Errbot => "Errbot",
            Self::Hubot => "Hubot",
            Self::Watchbell => "Watchbell",
        }
    }

    /// Which version is installed, if any.
    pub fn version(self, peers: &Path) -> Option<String> {
        match self {
            Self::Watchbell => Some(env!("CARGO_PKG_VERSION").to_owned()),
            Self::Errbot => fs::read_to_string(peers.join("errbot/version")).ok(),
            Self::Hubot => fs::read_to_string(peers.join("hubot/version")).ok(),
        }
        .map(|version| version.trim().to_owned())
    }

    /// The event to which it listens in a channel, and what is said to it.
    pub fn words(self, id: &str) -> (&'static str, String) {
        match self {
            // A mention would cost it two more look-ups.
            Self::Errbot => ("message", format!("!note {id}")),
            Self::Hubot => ("message", format!("<@{}> note {id}", slack::ME)),
            Self::Watchbell => ("app_mention", format!("<@{}> incident note INC-1 {id}", slack::ME)),
        }
    }
}

/// A bot that runs.
pub struct Running {
    pub bot: Bot,
    program: Program,
}

enum Program {
    Watchbell(Watchbell),
    Peer(Process),
}

impl Running {
    /// Starts it in an empty folder, with Slack on this port.
    pub fn start(bot: Bot, wanted: &Wanted, scratch: &Path, slack: u16) -> Result<Self, String> {
        let said = |error: std::io::Error| error.to_string();
        fs::create_dir_all(scratch).map_err(said)?;
        let folder = scratch.canonicalize().map_err(said)?;
        let program = match bot {
            Bot::Watchbell => {
                let binary = wanted.watchbell.canonicalize().map_err(said)?;
                let watchbell = Watchbell::start(&binary, &folder, &watchbell(slack)).ready();
                watchbell.command("", "/incident open P1 the bench");
                Program::Watchbell(watchbell)
            }
            Bot::Errbot => {
                let home = wanted.peers.join("errbot").canonicalize().map_err(said)?;
                Program::Peer(errbot(&home, &folder, slack).map_err(said)?)
            }
            Bot::Hubot => {
                let home = wanted.peers.join("hubot").canonicalize().map_err(said)?;
                Program::Peer(hubot(&home, &folder, slack).map_err(said)?)
            }
        };
        Ok(Self { bot, program })
    }

    fn process(&self) -> &Process {
        match &self.program {
            Program::Watchbell(watchbell) => &watchbell.process,
            Program::Peer(process) => process,
        }
    }

    /// The last lines of its output.
    pub fn tail(&self) -> String {
        self.process().tail()
    }

    /// Whether it ended by itself.
    pub fn ended(&mut self) -> bool {
        match &mut self.program {
            Program::Watchbell(watchbell) => watchbell.process.ended().is_some(),
            Program::Peer(process) => process.ended().is_some(),
        }
    }

    /// Resident memory.
    pub fn mebibytes(&self) -> f64 {
        let kibibytes = self.process().resident().unwrap_or_default();
        f64::from(u32::try_from(kibibytes).unwrap_or(u32::MAX)) / 1024.0
    }

    /// Whether it did what it said: of Watchbell's notes every one is in the timeline.
    pub fn check(&self, messages: u32) -> Result<(), String> {
        let Program::Watchbell(watchbell) = &self.program else { return Ok(()) };
        let timeline = watchbell.items("/api/v1/incidents/INC-1/timeline");
        let kept = timeline.iter().filter(|entry| entry.to_string().contains("message-")).count();
        if u32::try_from(kept) == Ok(messages) {
            Ok(())
        } else {
            Err(format!("{kept} of {messages} notes are in the timeline"))
        }
    }
}

fn watchbell(slack: u16) -> String {
    format!(
        "[slack]\napp_token = \"{}\"\nbot_token = \"{}\"\nincident_rooms = \"none\"\n\
         api_url = \"http://127.0.0.1:{slack}/api\"\n\n\
         [person.ana]\nname = \"Ana Ruiz\"\nroles = [\"responder\", \"operator\"]\nslack = \"{}\"\n\
         urgent = [\"now: chat\"]\nroutine = [\"now: chat\"]\n\n[unrouted]\nchannel = \"#ops\"\n",
        slack::APP_TOKEN,
        slack::BOT_TOKEN,
        slack::ANA,
    )
}

/// Errbot with its backend for Slack and one command; it keeps nothing.
fn errbot(home: &Path, folder: &Path, slack: u16) -> std::io::Result<Process> {
    let (app, bot) = (slack::APP_TOKEN, slack::BOT_TOKEN);
    let here = folder.display();
    let config = format!(
        "import logging\nfrom slack_sdk.web.base_client import BaseClient\n\n\
         # Where Slack is: the second of the client's defaults.\n\
         known = BaseClient.__init__.__defaults__\n\
         BaseClient.__init__.__defaults__ = (known[0], 'http://127.0.0.1:{slack}/api/') + known[2:]\n\n\
         BACKEND = 'SlackV3'\nSTORAGE = 'Memory'\nBOT_LOG_LEVEL = logging.WARNING\nBOT_PREFIX = '!'\n\
         BOT_IDENTITY = {{'token': '{bot}', 'app_token': '{app}'}}\nBOT_ADMINS = ()\nCORE_PLUGINS = ()\n\
         BOT_DATA_DIR = '{here}/data'\nBOT_EXTRA_PLUGIN_DIR = '{here}/plugins'\nBOT_LOG_FILE = None\n"
    );
    fs::create_dir_all(folder.join("data"))?;
    fs::create_dir_all(folder.join("plugins/bench"))?;
    fs::write(folder.join("config.py"), config)?;
    let plugin = "[Core]\nName = Bench\nModule = bench\n\n[Python]\nVersion = 3\n";
    fs::write(folder.join("plugins/bench/bench.plug"), plugin)?;
    let command = "from errbot import BotPlugin, botcmd\n\n\nclass Bench(BotPlugin):\n    @botcmd\n    \
                   def note(self, message, words):\n        return f'noted: {words}'\n";
    fs::write(folder.join("plugins/bench/bench.py"), command)?;
    let mut command = Command::new(home.join("bin/errbot"));
    command.arg("--config").arg(folder.join("config.py")).current_dir(folder);
    Process::start(&mut command, &folder.join("log"))
}

/// Hubot with its adapter for Slack and one script; it keeps nothing.
fn hubot(home: &Path, folder: &Path, slack: u16) -> std::io::Result<Process> {
    let (app, bot) = (slack::APP_TOKEN, slack::BOT_TOKEN);
    // Beside its packages, where it finds them. The second client is made as the adapter makes it, but for the address.
    let adapter = format!(
        "import {{ SlackBot }} from '@hubot-friends/hubot-slack/src/Bot.mjs'\n\
         import '@hubot-friends/hubot-slack/src/Extensions.mjs'\n\
         import {{ WebClient }} from '@slack/web-api'\n\nconst slackApiUrl = 'http://127.0.0.1:{slack}/api/'\n\
         export default {{\n  use (robot) {{\n    return new SlackBot(robot, {{\n      appToken: '{app}',\n      \
         botToken: '{bot}',\n      socketModeOptions: {{ clientOptions: {{ slackApiUrl }} }},\n      \
         web: new WebClient('{bot}', {{ slackApiUrl, maxRequestConcurrency: 1, logLevel: 'error' }})\n    }})\n  }}\n}}\n"
    );
    fs::write(home.join("bench-adapter.mjs"), adapter)?;
    fs::create_dir_all(folder.join("scripts"))?;
    let script = "export default robot => {\n  robot.respond(/note (.*)/, async answer => {\n    \
                  await answer.send(`noted: ${answer.match[1]}`)\n  })\n}\n";
    fs::write(folder.join("scripts/bench.mjs"), script)?;
    let mut command = Command::new("node");
    command
        .arg(home.join("node_modules/hubot/bin/Hubot.mjs"))
        .args(["--name", "watchbell", "--disable-httpd", "--file"])
        .arg(home.join("bench-adapter.mjs"))
        .current_dir(folder)
        .env("HUBOT_LOG_LEVEL", "warn");
    Process::start(&mut command, &folder.join("log"))
}
