//! The shape of the state in a snapshot, for the test that a change of it also changes `SCHEMA`: the fields of every struct
//! that is reached, by their names. Never what stands in them, nor of which type they are: other samples of the same shape change
//! nothing, and whoever gives a field another meaning gives it another name.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{
    Serialize, Serializer,
    ser::{
        SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct, SerializeTupleVariant,
    },
};

use super::SCHEMA;
use crate::{
    domain::{
        delivery::{Channel, Posted, Recipient},
        elsewhere::Held,
        event::Actor,
        id::{PageId, SilenceId},
        page::{ClosedPage, PageReason, Subject},
        quiet::{Hush, Hushing, SilenceKind, Snooze},
        room::IncidentRoom,
        state::State,
    },
    engine::core::replay,
    text::samples,
};

/// Where it is written down. Its first line is the `SCHEMA` of it, without the release.
const WRITTEN: &str = include_str!("state.shape");
/// Set to anything: the test writes it down.
const WRITES: &str = "WATCHBELL_WRITE_SHAPE";

type Wrong = serde_json::Error;

/// The fields of each struct, by its name.
#[derive(Default)]
struct Shape(BTreeMap<String, BTreeSet<&'static str>>);

impl Shape {
    fn see(&mut self, value: &impl Serialize) {
        value.serialize(self).expect("the state can be written");
    }

    fn text(&self) -> String {
        let line = |(name, fields): (&String, &BTreeSet<&'static str>)| {
            let fields: Vec<&str> = fields.iter().copied().collect();
            format!("{name}: {}\n", fields.join(" "))
        };
        self.0.iter().map(line).collect()
    }
}

/// What is inside of something, which may be a struct's name.
struct Inside<'a> {
    shape: &'a mut Shape,
    name: String,
}

impl Inside<'_> {
    fn has(&mut self, field: &'static str) {
        self.shape.0.entry(self.name.clone()).or_default().insert(field);
    }
}

#[test]
fn another_shape_of_the_state_has_another_schema() {
    let (mut state, mut shape) = (State::default(), Shape::default());
    shape.see(&state);
    // What ends is forgotten, so what comes in between counts, too.
    for record in samples::records() {
        replay(&mut state, &record);
        shape.see(&state);
    }
    shape.see(&beside());
    let number = SCHEMA.rsplit(' ').next().expect("it ends with its number");
    let now = format!("state {number}\n{}", shape.text());
    if std::env::var_os(WRITES).is_some() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/app/state.shape");
        return std::fs::write(file, now).expect("the shape can be written down");
    }
    let (schema, written) = WRITTEN.split_once('\n').expect("the schema is its first line");
    let news = |one: &str, other: &str| -> Vec<String> {
        let known: BTreeSet<&str> = other.lines().collect();
        one.lines().filter(|line| !known.contains(line)).map(str::to_owned).collect()
    };
    let (gone, come) = (news(written, &shape.text()), news(&shape.text(), written));
    assert!(
        gone.is_empty() && come.is_empty(),
        "the shape of the state changed: raise SCHEMA in src/app.rs, and record this fingerprint with \
         {WRITES}=1 cargo test --lib app::shape\nbefore:\n{}\nnow:\n{}",
        gone.join("\n"),
        come.join("\n")
    );
    assert_eq!(
        schema,
        format!("state {number}"),
        "SCHEMA was raised: record the fingerprint with {WRITES}=1 cargo test --lib app::shape"
    );
}

/// What the samples leave out.
fn beside() -> impl Serialize {
    let (now, by) = (Timestamp::UNIX_EPOCH, Actor::Watchbell);
    let (to, subject) = (Recipient::Channel("#ops".into()), Subject::Request(PageId(1)));
    let hushing = Hushing { silence: SilenceId(1), kind: SilenceKind::Silence, by: by.clone() };
    let room = IncidentRoom {
        channel: Channel::Slack,
        id: None,
        close_after: SignedDuration::ZERO,
        about: String::new(),
        invited: BTreeSet::new(),
        close_at: None,
        closed: false,
        work: BTreeSet::new(),
    };
    let held = Held {
        to,
        channel: Channel::PagerDuty,
        subject,
        leaving: BTreeSet::new(),
        may_have: false,
        owed: None,
        told: None,
        telling: None,
    };
    (
        Hush { by: vec![hushing], until: now },
        Snooze { by: by.clone(), until: now },
        Posted { channel: Channel::Slack, to: "#ops".into(), message: String::new() },
        ClosedPage { reason: PageReason::Fired, by, ended_at: now, taken: None },
        room,
        held,
    )
}

#[test]
fn a_field_counts_whatever_stands_in_it_and_wherever_it_is() {
    #[derive(Serialize)]
    struct Inner {
        #[serde(skip_serializing_if = "Option::is_none")]
        left_out: Option<u8>,
    }
    #[derive(Serialize)]
    enum Either {
        One(Inner),
        Other { words: &'static str },
    }
    #[derive(Serialize)]
    struct Outer {
        by_name: BTreeMap<&'static str, Vec<Either>>,
    }
    let mut shape = Shape::default();
    let all = vec![Either::One(Inner { left_out: None }), Either::Other { words: "none" }];
    shape.see(&Outer { by_name: BTreeMap::from([("a", all)]) });
    assert_eq!(shape.text(), "Either::Other: words\nInner: left_out\nOuter: by_name\n");
}

macro_rules! nothing_inside {
    ($($name:ident($type:ty);)*) => {
        $(fn $name(self, _: $type) -> Result<(), Wrong> { Ok(()) })*
    };
}

impl<'a> Serializer for &'a mut Shape {
    type Ok = ();
    type Error = Wrong;
    type SerializeSeq = Inside<'a>;
    type SerializeTuple = Inside<'a>;
    type SerializeTupleStruct = Inside<'a>;
    type SerializeTupleVariant = Inside<'a>;
    type SerializeMap = Inside<'a>;
    type SerializeStruct = Inside<'a>;
    type SerializeStructVariant = Inside<'a>;

    nothing_inside! {
        serialize_bool(bool); serialize_i8(i8); serialize_i16(i16); serialize_i32(i32); serialize_i64(i64);
        serialize_u8(u8); serialize_u16(u16); serialize_u32(u32); serialize_u64(u64); serialize_f32(f32);
        serialize_f64(f64); serialize_char(char); serialize_str(&str); serialize_bytes(&[u8]);
        serialize_unit_struct(&'static str);
    }
    fn serialize_none(self) -> Result<(), Wrong> {
        Ok(())
    }
    fn serialize_unit(self) -> Result<(), Wrong> {
        Ok(())
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Wrong> {
        value.serialize(self)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Wrong> {
        Ok(())
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Wrong> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Wrong> {
        value.serialize(self)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Inside<'a>, Wrong> {
        Ok(Inside { shape: self, name: String::new() })
    }
    fn serialize_tuple(self, _: usize) -> Result<Inside<'a>, Wrong> {
        self.serialize_seq(None)
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Inside<'a>, Wrong> {
        self.serialize_seq(None)
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Inside<'a>, Wrong> {
        self.serialize_seq(None)
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Inside<'a>, Wrong> {
        self.serialize_seq(None)
    }
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Inside<'a>, Wrong> {
        Ok(Inside { shape: self, name: name.to_owned() })
    }
    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Inside<'a>, Wrong> {
        Ok(Inside { shape: self, name: format!("{name}::{variant}") })
    }
}

macro_rules! elements {
    ($($of:ident: $name:ident;)*) => {
        $(impl $of for Inside<'_> {
            type Ok = ();
            type Error = Wrong;
            fn $name<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Wrong> {
                value.serialize(&mut *self.shape)
            }
            fn end(self) -> Result<(), Wrong> {
                Ok(())
            }
        })*
    };
}

elements! {
    SerializeSeq: serialize_element;
    SerializeTuple: serialize_element;
    SerializeTupleStruct: serialize_field;
    SerializeTupleVariant: serialize_field;
}

macro_rules! fields {
    ($($of:ident)*) => {
        $(impl $of for Inside<'_> {
            type Ok = ();
            type Error = Wrong;
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Wrong> {
                self.has(name);
                value.serialize(&mut *self.shape)
            }
            /// One that is left out while it is empty is one all the same.
            fn skip_field(&mut self, name: &'static str) -> Result<(), Wrong> {
                self.has(name);
                Ok(())
            }
            fn end(self) -> Result<(), Wrong> {
                Ok(())
            }
        })*
    };
}

fields! { SerializeStruct SerializeStructVariant }

impl SerializeMap for Inside<'_> {
    type Ok = ();
    type Error = Wrong;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Wrong> {
        key.serialize(&mut *self.shape)
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Wrong> {
        value.serialize(&mut *self.shape)
    }
    fn end(self) -> Result<(), Wrong> {
        Ok(())
    }
}
