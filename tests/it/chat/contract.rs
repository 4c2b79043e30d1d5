//! What every chat platform's adapter promises, tried on each of them by real sockets against a fake of its
//! platform. Never knows a platform's protocol: a fake says what a person would see, and does what a person would do.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use watchbell::{
    chat::port::{
        Act, Ear, Failure, Heard, Link, MessageRef, Original, Picture, Place, Platform, RoomId, RoomPlan,
        Said, Strange, Suggestion,
    },
    domain::delivery::Channel,
    text::card::{Button, Card, Field, Form, Input, Select},
};

/// How long a condition is waited for before the test fails; a test that passes never waits this long.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A message as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Where it stands.
    pub message: MessageRef,
    /// All words in it, as they are read (nothing escaped any more), one part per line.
    pub text: String,
    /// The words on its buttons and in its lists.
    pub buttons: Vec<String>,
    /// Whether it pinged somebody or everybody.
    pub pings: bool,
    /// The account that alone sees it; none: everybody in the room.
    pub only: Option<String>,
}

/// A fake of a platform with an adapter connected to it. What somebody does returns at once; the adapter hears of it
/// over its connection. Everything goes through real sockets.
pub trait World: Send + Sync + Sized + 'static {
    /// A fresh platform, with the adapter started and its link up. It has the rooms `#ops` and `#quiet` (in which
    /// the bot is) and the accounts of ana and ben.
    fn start() -> impl Future<Output = Self> + Send;
    /// The adapter.
    fn platform(&self) -> Arc<dyn Platform>;
    /// The ear that the adapter calls.
    fn ear(&self) -> &Script;
    /// The id of a room by its name without `#`.
    fn room(&self, name: &str) -> RoomId;
    /// The account of `ana` or `ben`.
    fn account(&self, person: &str) -> String;
    /// What stands in a room, oldest first: messages of everybody, and what single accounts alone were shown there.
    fn shown(&self, room: &RoomId) -> Vec<Shown>;
    /// What stands in a person's own conversation with the bot.
    fn shown_to(&self, account: &str) -> Vec<Shown>;
    /// The form that a person has in front of them: its inputs' names.
    fn form(&self, account: &str) -> Option<Vec<String>>;
    /// The room as it is: name without `#`, topic, accounts in it besides the bot, whether it was archived, and
    /// whether it is private.
    fn room_is(&self, room: &RoomId) -> RoomIs;
    /// The pinned messages of a room.
    fn pinned(&self, room: &RoomId) -> Vec<String>;
    /// Pictures of a room, by file name.
    fn pictures(&self, room: &RoomId) -> Vec<String>;

    /// A person writes an ordinary message.
    fn write(&self, account: &str, room: &RoomId, text: &str) -> MessageRef;
    /// A person uses a command of the bot (`/incident open P1 x`), in the platform's usual way.
    fn command(&self, account: &str, room: &RoomId, text: &str);
    /// A person presses the button (or chooses the entry of a list) with these words.
    fn press(&self, account: &str, message: &MessageRef, label: &str);
    /// A person fills in the form in front of them and sends it.
    fn submit(&self, account: &str, values: &BTreeMap<String, String>);
    /// A person puts a reaction, or takes it away.
    fn react(&self, account: &str, message: &MessageRef, name: &str, added: bool);
    /// A person pins a message, or takes the pin away.
    fn pins(&self, account: &str, message: &MessageRef, pinned: bool);
    /// A person changes their message.
    fn edits(&self, account: &str, message: &MessageRef, text: &str);
    /// A person deletes their message.
    fn deletes(&self, account: &str, message: &MessageRef);
    /// A person comes into a room.
    fn joins(&self, account: &str, room: &RoomId);
    /// The workspace or guild takes the bot out.
    fn uninstalls(&self);
    /// Somebody deletes a message, without the adapter being told.
    fn vanish(&self, message: &MessageRef);

    /// Delivers the last thing that somebody did once more.
    fn again(&self);
    /// Cuts the connection in the middle.
    fn cut(&self);
    /// Leaves the connection open and says nothing any more, not even on being asked.
    fn half_open(&self);
    /// From now on the token is worth nothing, or something again.
    fn revoke(&self, revoked: bool);
    /// The next request to say something is answered with 429 and this pause in seconds.
    fn limit(&self, seconds: u64);
    /// The next request to say something is answered 502 with a page instead of JSON.
    fn stumble(&self);
    /// The next attempt to say something in this room fails because the bot is not in it (or may not see it).
    fn lock_out(&self, room: &RoomId);

    /// Everything in which the adapter broke the platform's rules: malformed requests, texts that are too long, an
    /// acknowledgement after its time.
    fn violations(&self) -> Vec<String>;
    /// Secrets that may appear nowhere.
    fn secrets(&self) -> Vec<String>;
}

/// A room as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomIs {
    /// Its name without `#`.
    pub name: String,
    /// What it is about.
    pub topic: String,
    /// Accounts in it besides the bot.
    pub members: Vec<String>,
    /// Whether it was closed.
    pub archived: bool,
    /// Whether only who is invited sees it.
    pub private: bool,
}

/// What the scripted ear does with a thing that it hears.
pub type Answer = Arc<dyn Fn(&Heard) -> Reaction + Send + Sync>;

/// What comes of one thing heard.
pub enum Reaction {
    /// This is said at once.
    Say(Said),
    /// This is said when the gate opens.
    After(Arc<tokio::sync::Notify>, Said),
    /// The ear panics.
    Panic,
}

/// An ear that keeps what it hears and answers as it was told to.
#[derive(Clone)]
pub struct Script(Arc<Mutex<Inner>>, Arc<tokio::sync::Notify>);

struct Inner {
    heard: Vec<Heard>,
    links: Vec<Link>,
    strange: Vec<Strange>,
    answer: Answer,
}

impl Default for Script {
    fn default() -> Self {
        let answer: Answer = Arc::new(|_| Reaction::Say(Said::default()));
        let inner = Inner { heard: Vec::new(), links: Vec::new(), strange: Vec::new(), answer };
        Self(Arc::new(Mutex::new(inner)), Arc::default())
    }
}

impl Script {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on this is answered.
    pub fn answers(&self, answer: impl Fn(&Heard) -> Reaction + Send + Sync + 'static) {
        self.inner().answer = Arc::new(answer);
    }

    /// From now on this is said to everything.
    pub fn says(&self, said: Said) {
        self.answers(move |_| Reaction::Say(said.clone()));
    }

    /// What was heard so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.inner().heard.clone()
    }

    /// Forgets what was heard so far, so that counting begins anew.
    pub fn forget(&self) {
        self.inner().heard.clear();
    }

    /// What was heard of the connection so far.
    pub fn links(&self) -> Vec<Link> {
        self.inner().links.clone()
    }

    /// What was refused so far.
    pub fn strange(&self) -> Vec<Strange> {
        self.inner().strange.clone()
    }

    /// Waits until as many things were heard.
    pub async fn hears(&self, count: usize) -> Vec<Heard> {
        until(&format!("{count} things are heard"), || {
            let heard = self.heard();
            (heard.len() >= count).then_some(heard)
        })
        .await
    }
}

impl Ear for Script {
    fn hear(&self, heard: Heard) -> Pin<Box<dyn Future<Output = Said> + Send + '_>> {
        let answer = {
            let mut inner = self.inner();
            inner.heard.push(heard.clone());
            Arc::clone(&inner.answer)
        };
        self.1.notify_waiters();
        Box::pin(async move {
            match answer(&heard) {
                Reaction::Say(said) => said,
                Reaction::After(gate, said) => {
                    gate.notified().await;
                    said
                }
                Reaction::Panic => panic!("the ear was told to panic"),
            }
        })
    }

    fn complete<'a>(
        &'a self,
        _: Channel,
        _: &'a str,
        text: &'a str,
        _: usize,
    ) -> Pin<Box<dyn Future<Output = Vec<Suggestion>> + Send + 'a>> {
        Box::pin(std::future::ready(vec![Suggestion { text: format!("{text}!"), shown: text.to_owned() }]))
    }

    fn strange(&self, _: Channel, what: Strange) {
        self.inner().strange.push(what);
    }

    fn link(&self, _: Channel, link: Link) {
        self.inner().links.push(link);
        self.1.notify_waiters();
    }
}

/// Waits until a condition holds.
pub async fn until<T>(what: &str, mut holds: impl FnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(value) = holds() {
            return value;
        }
        assert!(tokio::time::Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A card with a title and nothing else.
pub fn card(title: &str) -> Card {
    Card { title: title.to_owned(), ..Card::default() }
}

/// Says one card.
pub fn saying(title: &str) -> Said {
    Said { cards: vec![card(title)], ..Said::default() }
}

async fn shows(world: &impl World, room: &RoomId, words: &str) -> Shown {
    until(&format!("the room shows `{words}`"), || {
        world.shown(room).into_iter().find(|shown| shown.text.contains(words))
    })
    .await
}

fn count(world: &impl World, room: &RoomId, words: &str) -> usize {
    world.shown(room).iter().filter(|shown| shown.text.contains(words)).count()
}

fn form() -> Form {
    Form {
        title: "Note".into(),
        send: "Add".into(),
        command: "/incident note INC-3 {text}".into(),
        inputs: vec![Input {
            name: "text".into(),
            label: "What happened".into(),
            hint: String::new(),
            value: String::new(),
            optional: false,
            long: true,
            choices: Vec::new(),
        }],
    }
}

/// One test per check; `$world` implements [`World`].
#[macro_export]
macro_rules! chat_contract {
    ($world:ty; $($check:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                let world = <$world as $crate::chat::contract::World>::start().await;
                $crate::chat::contract::$check(&world).await;
                $crate::chat::contract::is_clean(&world);
            }
        )*
    };
    ($world:ty) => {
        $crate::chat_contract!($world;
            a_card_is_said_edited_and_found_gone,
            words_of_strangers_stay_words,
            a_message_too_long_for_anything_arrives,
            a_command_is_heard_and_answered_where_it_was_given,
            a_button_is_heard_once_and_its_answer_takes_its_place,
            a_choice_from_a_list_is_heard,
            a_form_is_shown_and_what_was_written_comes_back,
            a_slow_ear_and_one_that_panics_leave_nobody_waiting,
            what_happens_in_a_room_is_heard,
            the_same_thing_twice_is_heard_once,
            a_room_is_made_filled_and_closed,
            a_name_that_is_taken_gets_a_number,
            a_cut_connection_and_a_dead_one_come_back,
            a_token_that_is_worth_nothing_is_broken_until_it_is_mended,
            a_pause_is_obeyed_and_a_stumble_is_no_loss,
            a_person_is_told_while_a_room_waits,
            what_cannot_be_done_says_what_to_do,
        );
    };
}

/// Holds at the end of every check: no rule of the platform was broken, and no secret was shown.
pub fn is_clean(world: &impl World) {
    let violations = world.violations();
    assert!(violations.is_empty(), "the adapter broke the platform's rules:\n{}", violations.join("\n"));
    let said = format!("{:?}{:?}", world.ear().heard(), world.ear().links());
    for secret in world.secrets() {
        assert!(!said.contains(&secret), "a secret was shown");
    }
}

pub async fn a_card_is_said_edited_and_found_gone(world: &impl World) {
    let (platform, room) = (world.platform(), world.room("ops"));
    let place = Place::Room(room.clone());
    let message = platform.send(&place, &card("DiskFull"), "d-1").await.unwrap();
    assert_eq!(message.room, room);
    assert_eq!(platform.send(&place, &card("DiskFull"), "d-1").await.unwrap(), message, "the same key, once");
    assert_eq!(count(world, &room, "DiskFull"), 1);
    platform.edit(&message, &card("Resolved")).await.unwrap();
    assert_eq!((count(world, &room, "DiskFull"), count(world, &room, "Resolved")), (0, 1));
    platform.pin(&message).await.unwrap();
    platform.pin(&message).await.unwrap();
    assert_eq!(world.pinned(&room), std::slice::from_ref(&message.message));
    let below = platform.send(&Place::Thread(message.clone()), &card("In the thread"), "d-2").await.unwrap();
    assert_ne!(below, message);
    let only = Place::Whisper { room: room.clone(), account: world.account("ana") };
    platform.send(&only, &card("For ana alone"), "d-3").await.unwrap();
    // In the room for her alone, or where a platform has no such thing (Discord: only as the answer to an
    // interaction), in her own conversation; nowhere else.
    let here = world.shown(&room).into_iter().filter(|shown| shown.text.contains("For ana alone"));
    assert!(here.clone().all(|shown| shown.only == only_of(&only)), "others see what is for ana alone");
    let own = world.shown_to(&world.account("ana"));
    let own = own.iter().filter(|shown| shown.text.contains("For ana alone"));
    assert_eq!(here.count() + own.count(), 1);
    let picture = Picture {
        name: "cpu.png".into(),
        png: bytes::Bytes::from_static(b"\x89PNG\r\n\x1a\n"),
        words: "CPU of db-1".into(),
    };
    platform.picture(&place, &picture, "picture").await.unwrap();
    assert_eq!(world.pictures(&room), ["cpu.png"]);
    world.vanish(&message);
    assert!(matches!(platform.edit(&message, &card("Later")).await, Err(Failure::Gone(_))));
    let written = world.write(&world.account("ben"), &room, "the disk was replaced & works");
    let words = platform.read(&written).await.unwrap();
    assert_eq!((&*words.text, words.account.id), ("the disk was replaced & works", world.account("ben")));
    let ana = platform.account(&world.account("ana")).await.unwrap();
    assert_eq!((ana.mail.is_some(), ana.bot), (world_has_mail(platform.channel()), false));
}

fn only_of(place: &Place) -> Option<String> {
    if let Place::Whisper { account, .. } = place { Some(account.clone()) } else { None }
}

fn world_has_mail(channel: Channel) -> bool {
    channel == Channel::Slack
}

pub async fn words_of_strangers_stay_words(world: &impl World) {
    let loud =
        "@everyone @here <!channel> <@U1> <@&5> *b* _i_ `c` [x](http://e.example) & <http://e.example|x>";
    let fence = "``` end";
    let shouted = Card {
        title: loud.into(),
        text: format!("{loud}\n{fence}"),
        fields: vec![Field { name: loud.into(), value: loud.into() }],
        table: vec![vec!["a".into(), loud.into()], vec![fence.into(), "b".into()]],
        document: format!("# {loud}\n{fence}\n"),
        buttons: vec![Button::new("@everyone", "/ack G-17")],
        ..Card::default()
    };
    let room = world.room("ops");
    world.platform().send(&Place::Room(room.clone()), &shouted, "d-1").await.unwrap();
    let shown = shows(world, &room, "@everyone").await;
    assert!(!shown.pings, "{shown:?}");
    // What is invisible may stand between; what is seen is as it was written.
    let seen: String = shown.text.chars().filter(|c| !matches!(c, '\u{200B}' | '\u{2060}')).collect();
    assert!(seen.contains("<!channel> <@U1> <@&5>"), "{seen}");
}

pub async fn a_message_too_long_for_anything_arrives(world: &impl World) {
    let long = "<&> a long line 🔔 ".repeat(2_000);
    let row = |n: usize| vec![format!("G-{n}"), "db-1".to_owned(), "a".repeat(n % 90)];
    let button = |n: usize| Button::new(format!("{n} {long}"), format!("/ack G-{n} {}", "x".repeat(n * 40)));
    let huge = Card {
        title: long.clone(),
        text: long.clone(),
        fields: (0..60).map(|n| Field { name: format!("{n} {long}"), value: long.clone() }).collect(),
        table: (0..400).map(row).collect(),
        document: long.repeat(3),
        buttons: (0..80).map(button).collect(),
        selects: vec![Select { label: long.clone(), choices: (0..300).map(button).collect() }],
        ..Card::default()
    };
    let room = world.room("ops");
    let message = world.platform().send(&Place::Room(room.clone()), &huge, "d-1").await.unwrap();
    let shown = world.shown(&room).into_iter().find(|shown| shown.message == message).unwrap();
    assert!(shown.text.contains('…') && shown.text.contains("more"), "{}", shown.text);
}

pub async fn a_command_is_heard_and_answered_where_it_was_given(world: &impl World) {
    let (room, ana) = (world.room("ops"), world.account("ana"));
    world.ear().says(Said { to_all: true, ..saying("INC-1 is open") });
    world.command(&ana, &room, "/incident open P1 the database is down");
    let heard = world.ear().hears(1).await;
    assert_eq!(heard[0].act, Act::Command("/incident open P1 the database is down".into()));
    assert_eq!((&heard[0].account, heard[0].channel), (&ana, world.platform().channel()));
    assert_eq!(heard[0].room.as_ref().map(|room| (&room.id, &*room.name)), Some((&room, "#ops")));
    let shown = shows(world, &room, "INC-1 is open").await;
    assert_eq!(shown.only, None);
    world.ear().says(saying("nobody else needs to know"));
    world.command(&ana, &room, "/oncall now");
    let shown = shows(world, &room, "nobody else").await;
    assert_eq!(shown.only, Some(ana));
}

pub async fn a_button_is_heard_once_and_its_answer_takes_its_place(world: &impl World) {
    let (room, ana) = (world.room("ops"), world.account("ana"));
    let alert = Card { buttons: vec![Button::new("Acknowledge", "/ack G-17")], ..card("DiskFull") };
    let message = world.platform().send(&Place::Room(room.clone()), &alert, "d-1").await.unwrap();
    world.ear().says(Said { original: Original::Replaced, ..saying("ana has it") });
    world.press(&ana, &message, "Acknowledge");
    let heard = world.ear().hears(1).await;
    let press = Act::Press { command: "/ack G-17".into(), message: Some(message.clone()) };
    assert_eq!((&heard[0].act, &heard[0].account), (&press, &ana));
    let shown = shows(world, &room, "ana has it").await;
    assert_eq!(shown.message, message, "completed in the same message");
    assert_eq!(count(world, &room, "DiskFull"), 0);
    world.again();
    // Something else is heard after it: so the repetition was passed over.
    world.command(&ana, &room, "/oncall now");
    let heard = world.ear().hears(2).await;
    assert_eq!(heard[1].act, Act::Command("/oncall now".into()));
}

pub async fn a_choice_from_a_list_is_heard(world: &impl World) {
    let (room, ben) = (world.room("ops"), world.account("ben"));
    let choices = ["P0", "P1"].map(|p| Button::new(p, format!("/incident severity INC-3 {p}")));
    let select = Select { label: "Severity".into(), choices: choices.to_vec() };
    let asked = Card { selects: vec![select], ..card("INC-3") };
    let message = world.platform().send(&Place::Room(room.clone()), &asked, "d-1").await.unwrap();
    world.press(&ben, &message, "P1");
    let heard = world.ear().hears(1).await;
    assert_eq!(
        heard[0].act,
        Act::Press { command: "/incident severity INC-3 P1".into(), message: Some(message) }
    );
}

pub async fn a_form_is_shown_and_what_was_written_comes_back(world: &impl World) {
    let (room, ana) = (world.room("ops"), world.account("ana"));
    let button = Button { form: Some(form()), ..Button::new("Add a note", "/incident note INC-3") };
    let asked = Card { buttons: vec![button], ..card("INC-3") };
    let message = world.platform().send(&Place::Room(room.clone()), &asked, "d-1").await.unwrap();
    let values = BTreeMap::from([("text".to_owned(), "failed over\nto db-2 & back".to_owned())]);
    let submit = Act::Submit { command: "/incident note INC-3 {text}".into(), values: values.clone() };
    world.press(&ana, &message, "Add a note");
    until("the form is shown", || world.form(&ana)).await;
    world.ear().says(saying("The note is written"));
    world.submit(&ana, &values);
    assert_eq!(world.ear().hears(1).await[0].act, submit);
    shows(world, &room, "The note is written").await;
    // A form that is the answer to a command.
    world.ear().says(Said { form: Some(form()), ..Said::default() });
    world.command(&ana, &room, "/incident note INC-3");
    until("the form is shown again", || world.form(&ana)).await;
    world.ear().says(Said::default());
    world.submit(&ana, &values);
    let heard = world.ear().hears(3).await;
    assert_eq!((heard[2].act.clone(), heard[2].account.clone()), (submit, ana));
}

pub async fn a_slow_ear_and_one_that_panics_leave_nobody_waiting(world: &impl World) {
    let (room, ana) = (world.room("ops"), world.account("ana"));
    let gate = Arc::new(tokio::sync::Notify::new());
    let after = Arc::clone(&gate);
    world.ear().answers(move |_| Reaction::After(Arc::clone(&after), saying("done at last")));
    world.command(&ana, &room, "/status");
    world.ear().hears(1).await;
    // Others are not held up by it; the fake measures that each was acknowledged in time.
    world.ear().answers(|_| Reaction::Panic);
    world.command(&ana, &room, "/oncall now");
    shows(world, &room, "did not work").await;
    assert_eq!(count(world, &room, "done at last"), 0);
    gate.notify_waiters();
    gate.notify_one();
    shows(world, &room, "done at last").await;
}

pub async fn what_happens_in_a_room_is_heard(world: &impl World) {
    let (room, ana, ben) = (world.room("ops"), world.account("ana"), world.account("ben"));
    let message = world.write(&ben, &room, "the disk is full");
    world.react(&ana, &message, "pushpin", true);
    world.react(&ana, &message, "pushpin", false);
    world.pins(&ana, &message, true);
    world.pins(&ana, &message, false);
    world.edits(&ben, &message, "the disk of db-1 is full");
    world.joins(&ana, &room);
    world.deletes(&ben, &message);
    world.uninstalls();
    let expected = [
        Act::React { name: "pushpin".into(), added: true, message: message.clone() },
        Act::React { name: "pushpin".into(), added: false, message: message.clone() },
        Act::Pin { message: message.clone(), pinned: true },
        Act::Pin { message: message.clone(), pinned: false },
        Act::Edit { message: message.clone(), text: "the disk of db-1 is full".into() },
        Act::Join,
        Act::Delete(message),
        Act::Uninstall,
    ];
    let heard = world.ear().hears(expected.len()).await;
    let heard: Vec<Act> = heard.into_iter().map(|heard| same_sign(heard.act)).collect();
    assert_eq!(heard, expected);
}

/// Slack says `pushpin`, Discord the character.
fn same_sign(act: Act) -> Act {
    match act {
        Act::React { name, added, message } if name == "📌" => {
            Act::React { name: "pushpin".into(), added, message }
        }
        act => act,
    }
}

pub async fn the_same_thing_twice_is_heard_once(world: &impl World) {
    let (room, ana) = (world.room("ops"), world.account("ana"));
    for number in 0..20 {
        world.command(&ana, &room, &format!("/ack G-{number}"));
        world.again();
    }
    world.command(&ana, &room, "/oncall now");
    let last = Act::Command("/oncall now".into());
    until("the last is heard", || world.ear().heard().iter().any(|heard| heard.act == last).then_some(()))
        .await;
    let heard = world.ear().hears(21).await;
    let ids: std::collections::BTreeSet<&str> = heard.iter().map(|heard| &*heard.id).collect();
    assert_eq!((heard.len(), ids.len()), (21, 21), "{heard:?}");
}

fn plan(name: &str, key: &str) -> RoomPlan {
    RoomPlan { name: name.into(), topic: "P1: DiskFull".into(), private: false, key: key.into() }
}

pub async fn a_room_is_made_filled_and_closed(world: &impl World) {
    let platform = world.platform();
    let room = platform.create_room(&plan("inc-42", "k-1")).await.unwrap();
    assert_eq!(room.name, "#inc-42");
    // An adapter may put a sign of its own behind a new room's topic, by which it finds the room again.
    assert!(world.room_is(&room.id).topic.starts_with("P1: DiskFull"));
    platform.set_topic(&room.id, "P1: DiskFull, ana has it").await.unwrap();
    let people = [world.account("ana"), world.account("ben")];
    platform.invite(&room.id, &people[..1]).await.unwrap();
    platform.invite(&room.id, &people).await.unwrap();
    let is = world.room_is(&room.id);
    assert_eq!((is.topic.as_str(), is.private), ("P1: DiskFull, ana has it", false));
    assert!(people.iter().all(|person| is.members.contains(person)), "{is:?}");
    assert_eq!(platform.find_room("inc-42").await.unwrap().id, room.id);
    assert_eq!(platform.find_room(&room.id.0).await.unwrap().id, room.id);
    platform.archive(&room.id).await.unwrap();
    platform.archive(&room.id).await.unwrap();
    assert!(world.room_is(&room.id).archived);
    let secret = RoomPlan { private: true, ..plan("inc-43-secret", "k-2") };
    let room = platform.create_room(&secret).await.unwrap();
    assert!(world.room_is(&room.id).private);
}

pub async fn a_name_that_is_taken_gets_a_number(world: &impl World) {
    let platform = world.platform();
    let first = platform.create_room(&plan("inc-42", "k-1")).await.unwrap();
    let second = platform.create_room(&plan("inc-42", "k-2")).await.unwrap();
    assert_eq!((&*first.name, &*second.name), ("#inc-42", "#inc-42-2"));
    assert_eq!(platform.create_room(&plan("inc-42", "k-2")).await.unwrap().id, second.id, "the same plan");
    let odd = platform.create_room(&plan(&format!("INC 44: {}!", "Día ".repeat(60)), "k-3")).await.unwrap();
    let name = world.room_is(&odd.id).name;
    assert!(name.starts_with("inc-44") && name.chars().count() <= 100, "{name}");
    assert!(!name.chars().any(|c| c.is_uppercase() || c.is_whitespace() || c == '!'), "{name}");
}

fn last_link(world: &impl World) -> Option<Link> {
    world.ear().links().pop()
}

pub async fn a_cut_connection_and_a_dead_one_come_back(world: &impl World) {
    let (room, ana) = (world.room("ops"), world.account("ana"));
    let ups = |world: &dyn Fn() -> Vec<Link>| world().iter().filter(|link| **link == Link::Up).count();
    let links = || world.ear().links();
    for (round, dead) in [false, true, false, true].into_iter().enumerate() {
        let before = ups(&links);
        if dead {
            world.half_open();
        } else {
            world.cut();
        }
        until("the link is up again", || (ups(&links) > before).then_some(())).await;
        world.command(&ana, &room, &format!("/ack G-{round}"));
        world.ear().hears(round + 1).await;
    }
    // Once per change: never twice the same in a row.
    let links = world.ear().links();
    assert!(links.windows(2).all(|pair| pair[0] != pair[1]), "{links:?}");
}

pub async fn a_token_that_is_worth_nothing_is_broken_until_it_is_mended(world: &impl World) {
    world.revoke(true);
    world.cut();
    until("the link is broken", || matches!(last_link(world), Some(Link::Broken(..))).then_some(())).await;
    let sent = world.platform().send(&Place::Room(world.room("ops")), &card("x"), "d-1").await;
    assert!(matches!(sent, Err(Failure::Refused { remedy: Some(_), .. })), "{sent:?}");
    world.revoke(false);
    until("the link is up again", || (last_link(world) == Some(Link::Up)).then_some(())).await;
    world.platform().send(&Place::Room(world.room("ops")), &card("y"), "d-2").await.unwrap();
}

pub async fn a_pause_is_obeyed_and_a_stumble_is_no_loss(world: &impl World) {
    let (platform, room) = (world.platform(), world.room("ops"));
    let place = Place::Room(room.clone());
    world.stumble();
    let stumbled = platform.send(&place, &card("after a stumble"), "d-1").await;
    assert!(matches!(stumbled, Err(Failure::TryAgain(_))), "{stumbled:?}");
    platform.send(&place, &card("after a stumble"), "d-1").await.unwrap();
    assert_eq!(count(world, &room, "after a stumble"), 1);
    world.limit(30);
    for _ in 0..3 {
        // The fake counts a request during the pause as a violation.
        let waits = platform.send(&place, &card("later"), "d-2").await;
        let Err(Failure::Wait(pause)) = waits else { panic!("{waits:?}") };
        assert!(pause > Duration::from_secs(25) && pause <= Duration::from_secs(31), "{pause:?}");
    }
    // Another room is another route.
    platform.send(&Place::Room(world.room("quiet")), &card("meanwhile"), "d-3").await.unwrap();
}

pub async fn a_person_is_told_while_a_room_waits(world: &impl World) {
    let (platform, room, ana) = (world.platform(), world.room("ops"), world.account("ana"));
    let mut waited = false;
    let place = Place::Room(room.clone());
    for number in 0..5 {
        let key = format!("d-{number}");
        let storm = card("storm");
        let sent = tokio::time::timeout(Duration::from_secs(10), platform.send(&place, &storm, &key));
        if let Err(failure) = sent.await.unwrap() {
            assert!(matches!(failure, Failure::Wait(_)), "{failure:?}");
            waited = true;
            break;
        }
    }
    let busy = {
        let (platform, place) = (Arc::clone(&platform), Place::Room(room.clone()));
        tokio::spawn(async move {
            let sends = (0..8).map(|at| {
                let (platform, place) = (Arc::clone(&platform), place.clone());
                async move { platform.send(&place, &card("storm"), &format!("e-{at}")).await }
            });
            futures_util::future::join_all(sends).await
        })
    };
    let begun = tokio::time::Instant::now();
    platform.send(&Place::Person(ana.clone()), &card("You are paged"), "p-1").await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "a page waits for nobody: {:?}", begun.elapsed());
    assert!(world.shown_to(&ana).iter().any(|shown| shown.text.contains("You are paged")));
    let outcomes = busy.await.unwrap();
    waited |= outcomes.iter().any(|sent| matches!(sent, Err(Failure::Wait(_))));
    assert!(waited, "a storm into one room is told to wait: {outcomes:?}");
}

pub async fn what_cannot_be_done_says_what_to_do(world: &impl World) {
    let platform = world.platform();
    let nowhere = platform.find_room("no-such-room").await;
    assert!(matches!(nowhere, Err(Failure::Refused { remedy: Some(_), .. })), "{nowhere:?}");
    let room = world.room("quiet");
    world.lock_out(&room);
    let refused = platform.send(&Place::Room(room), &card("x"), "d-1").await;
    assert!(matches!(refused, Err(Failure::Refused { remedy: Some(_), .. })), "{refused:?}");
    let findings = platform.examine(&["ops".to_owned(), "no-such-room".to_owned()]).await;
    let room = |name: &str| findings.iter().find(|finding| finding.what.contains(name)).unwrap();
    assert!(room("ops").good.is_ok(), "{findings:?}");
    assert!(room("no-such-room").good.is_err(), "{findings:?}");
    let said = format!("{findings:?}");
    assert!(world.secrets().iter().all(|secret| !said.contains(secret)));
}
