//! Sets the stage: a temporary folder with a configuration and a journal of its own, telephones, the service, and a
//! real server on a free port of loopback. Never leaves anything behind.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};

use super::{
    phones::{Phones, Ring, Way},
    service::Service,
    shop::Shop,
};
use crate::{
    app::{App, Options},
    cli::client::{
        Client, Place, address,
        live::{Frame, Happened},
    },
    config,
};

/// The team.
pub const TEAM: [&str; 3] = ["ana", "ben", "chi"];
/// The configuration, file by file.
const CONFIG: [(&str, &str); 4] = [
    ("watchbell.toml", include_str!("config/watchbell.toml")),
    ("people.toml", include_str!("config/people.toml")),
    ("oncall.toml", include_str!("config/oncall.toml")),
    ("routes.toml", include_str!("config/routes.toml")),
];
/// The runbooks, file by file.
const RUNBOOKS: [(&str, &str); 3] = [
    ("shop/morning-check.md", include_str!("commands/shop/morning-check.md")),
    ("shop/restart.md", include_str!("commands/shop/restart.md")),
    ("troubleshoot/checkout.md", include_str!("commands/troubleshoot/checkout.md")),
];
/// Local time in the shop at which its morning is played: some seconds before the check.
const BEFORE_NINE: (i8, i8, i8) = (8, 59, 57);
/// Where the shop is.
const ZONE: &str = "Europe/Madrid";

/// Which part is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scene {
    /// The checkout breaks, now.
    Night,
    /// The morning check finds something, at nine.
    Morning,
}

/// What may wait to be told.
const ROOM: usize = 1_024;

/// Everything on it.
pub struct Stage {
    /// Calls the server, as the first of the team.
    pub client: Client,
    clients: BTreeMap<&'static str, Client>,
    /// The service.
    pub service: Service,
    /// What stands behind its checkout.
    pub shop: Shop,
    /// What the telephones received, in order.
    pub rings: mpsc::Receiver<Ring>,
    /// What happened, as the journal tells it.
    pub events: mpsc::Receiver<Happened>,
    app: App,
    listening: Vec<JoinHandle<()>>,
    _phones: Phones,
    folder: Folder,
}

impl Stage {
    /// Sets it.
    ///
    /// # Errors
    /// When this machine has no place for a folder or no port on loopback.
    pub async fn set(scene: Scene) -> anyhow::Result<Self> {
        let folder = Folder::make()?;
        let (enter, rings) = mpsc::channel(ROOM);
        let phones = Phones::start(enter.clone()).await?;
        let shop = Shop::open().await?;
        let token = random()?;
        let tokens = BTreeMap::from([("ana", random()?), ("ben", random()?), ("chi", random()?)]);
        let commands = folder.path.join("commands");
        for (name, text) in RUNBOOKS {
            let path = commands.join(name);
            fs::create_dir_all(path.parent().unwrap_or(&commands))?;
            fs::write(path, text)?;
        }
        let config = folder.path.join("config");
        fs::create_dir(&config)?;
        for (name, text) in CONFIG {
            fs::write(config.join(name), text)?;
        }
        let loaded = config::load(Some(&config), &|name| match name.split_once('_')? {
            ("SHOP", "TOKEN") => Some(token.clone()),
            ("SHOP", "URL") => Some(format!("http://{}", shop.address)),
            (person, "TOKEN") => tokens.get(&*person.to_lowercase()).cloned(),
            (person, way) => Some(phones.contact(&way.to_lowercase(), &person.to_lowercase())),
        });
        let loaded =
            loaded.map_err(|mistakes| anyhow::anyhow!("its configuration has mistakes:\n{mistakes}"))?;
        let data_dir = Some(folder.path.join("data"));
        let app = App::start(
            loaded,
            Options {
                data_dir,
                listen: Some(([127, 0, 0, 1], 0).into()),
                commands: Some(commands),
                begins_at: if scene == Scene::Morning { Some(before_nine()?) } else { None },
                ..Options::default()
            },
        )
        .await?;
        let place = Place { url: address(app.address), source: "is that of the demo".to_owned() };
        let anybody = Client::new(place, None, None).map_err(anyhow::Error::msg)?;
        let speaking_as = |person: &str| {
            let token = tokens.get(person).cloned().unwrap_or_default();
            anybody.speaking_as(person).with_token(token.into())
        };
        let clients: BTreeMap<&'static str, Client> =
            TEAM.into_iter().map(|person| (person, speaking_as(person))).collect();
        let client = speaking_as(TEAM[0]);
        let hook = client.place().url.join("hooks/shop")?;
        let service = Service::new(hook.into(), token, phones.elsewhere("shop"))?;
        let (tell, events) = mpsc::channel(ROOM);
        let mut listening = Vec::new();
        for person in TEAM {
            let tell = (person == TEAM[0]).then(|| tell.clone());
            listening.push(listen(&speaking_as(person), person, enter.clone(), tell).await?);
        }
        Ok(Self { client, clients, service, shop, rings, events, app, listening, _phones: phones, folder })
    }

    /// Calls the server as one of the team.
    #[must_use]
    pub fn speaking_as(&self, person: &str) -> Client {
        self.clients.get(person).unwrap_or(&self.client).clone()
    }

    /// Where it is: the server's address.
    #[must_use]
    pub fn place(&self) -> &url::Url {
        &self.client.place().url
    }

    /// Where the configuration and the journal are meanwhile.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// Stops the server and removes the folder.
    pub async fn clear(self) {
        for one in &self.listening {
            one.abort();
        }
        self.app.stop().await;
    }
}

/// A person's chat on their telephone: what is said to them alone rings too.
async fn listen(
    client: &Client,
    person: &'static str,
    rings: mpsc::Sender<Ring>,
    tell: Option<mpsc::Sender<Happened>>,
) -> anyhow::Result<JoinHandle<()>> {
    let opened =
        timeout(Duration::from_secs(10), client.live(None)).await.context("the live stream is silent")?;
    let mut live = opened.map_err(|failure| anyhow::anyhow!("{failure}"))?;
    match live.next().await {
        Ok(Frame::Hello { .. }) => {}
        Ok(_) => bail!("the live stream begins without a greeting"),
        Err(why) => bail!("the live stream ended: {why}"),
    }
    Ok(tokio::spawn(async move {
        while let Ok(frame) = live.next().await {
            let went = match (frame, &tell) {
                (Frame::Message(said), _) if said.to == person => {
                    let ring = Ring { person: said.to, way: Way::Chat, words: said.card.title, ack: None };
                    rings.send(ring).await.is_ok()
                }
                (Frame::Event(event), Some(tell)) => tell.send(event).await.is_ok(),
                _ => true,
            };
            if !went {
                return;
            }
        }
    }))
}

/// Shortly before nine in the shop, today.
fn before_nine() -> anyhow::Result<Timestamp> {
    let (hour, minute, second) = BEFORE_NINE;
    let today = crate::engine::clock::wall().in_tz(ZONE)?.date();
    Ok(today.at(hour, minute, second, 0).in_tz(ZONE)?.timestamp())
}

/// A folder that goes when it is dropped.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn make() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("watchbell-demo-{}", random()?));
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).with_context(|| format!("the folder {} cannot be made", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that cannot be removed is the system's to clear: it is in its place for such things.
        drop(fs::remove_dir_all(&self.path));
    }
}

/// Sixteen random digits.
fn random() -> anyhow::Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("there are no random bytes: {error}"))?;
    Ok(hex::encode(bytes))
}
