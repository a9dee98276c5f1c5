//! A JSON value as lean as reading needs it: borrowed from the source, in order, duplicate keys kept, and nothing of
//! what the shape does not name.
//!
//! [`serde_json::Value`] would allocate each key and hash it, silently drop the first of two members of one name, and
//! hold fields that nobody looks at; on files of 100,000 achievements that is most of the time of a load.

use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::shape::{Field, Finder, Item, MOST_FIELDS, Shape};

/// Takes the elements of the file's long lists while the file is read, so that only one of them is in memory at a time.
pub(super) trait Sink {
    /// An element of [`Shape::Each`]; `index` is its position in its list.
    fn take(&mut self, item: Item, index: usize, node: &Node<'_>);
}

/// A JSON value.
#[derive(Debug, PartialEq)]
pub(super) enum Node<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'a, str>),
    /// Empty where the shape does not ask for a list, and where the elements were handed over.
    List(Vec<Self>),
    /// Every member in order, with its key. Empty where the shape does not ask for an object.
    Object(Vec<Member<'a>>),
    /// A value that the shape does not name.
    Skipped,
}

/// A member of an object.
#[derive(Debug, PartialEq)]
pub(super) struct Member<'a> {
    pub(super) key: Cow<'a, str>,
    /// The place of its field in the table that reading was guided by.
    pub(super) field: Option<u8>,
    pub(super) value: Node<'a>,
}

/// The values of an object by the table that reading was guided by; of two members of one name, the first.
pub(super) struct Fields<'n, 'a> {
    values: [Option<&'n Node<'a>>; MOST_FIELDS],
    finder: Finder,
}

impl<'n, 'a> Fields<'n, 'a> {
    /// The value of the field of this name that is not `null`. Quickest in the order of the table.
    pub(super) fn get(&mut self, name: &str) -> Option<&'n Node<'a>> {
        let (at, _) = self.finder.find(name)?;
        (*self.values.get(at)?).filter(|value| **value != Node::Null)
    }
}

impl<'a> Node<'a> {
    /// Reads a document that should be an object of these fields. Other values are checked for syntax only.
    pub(super) fn read(
        source: &'a str,
        fields: &'static [Field],
        sink: &mut dyn Sink,
    ) -> Result<Self, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(source);
        let node = Guided { wanted: Wanted::Object(fields), sink, room: Vec::new() }.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(node)
    }

    /// The first member of this name that is not `null`.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        let member = members.iter().find(|member| member.key == name)?;
        if member.value == Self::Null { None } else { Some(&member.value) }
    }

    /// Its values, where it was read as an object of these fields.
    pub(super) fn fields(&self, fields: &'static [Field]) -> Fields<'_, 'a> {
        let mut values = [None; MOST_FIELDS];
        let members = if let Self::Object(members) = self { members.as_slice() } else { &[] };
        for member in members.iter().rev() {
            if let Some(place) = member.field.and_then(|at| values.get_mut(usize::from(at))) {
                *place = Some(&member.value);
            }
        }
        Fields { values, finder: Finder::new(fields) }
    }

    /// The text of the member of this name.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_text()
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The elements of a list; none where it is something else.
    pub(super) fn as_list(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// The whole number of this name.
    pub(super) fn whole(&self, name: &str) -> Option<u32> {
        if let Self::Number(number) = self.get(name)? { whole(*number) } else { None }
    }

    /// Whether it is an object with a member that the table it was read by does not name.
    pub(super) fn has_other_members(&self) -> bool {
        matches!(self, Self::Object(members) if members.iter().any(|member| member.field.is_none()))
    }

    /// What it is, for messages.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
            Self::Skipped => "something else",
        }
    }
}

/// The number as a `u32`, where it is one; `1.0` is, as in JSON Schema.
pub(super) fn whole(number: f64) -> Option<u32> {
    let fits = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked on the line above")]
    fits.then_some(number as u32)
}

/// What a shape asks reading to keep.
#[derive(Clone, Copy)]
enum Wanted {
    Nothing,
    Scalar,
    List(&'static Shape),
    Each(Item, &'static [Field]),
    Object(&'static [Field]),
    ById(&'static Shape),
}

impl From<&'static Shape> for Wanted {
    fn from(shape: &'static Shape) -> Self {
        match shape {
            Shape::Anything => Self::Nothing,
            Shape::Text
            | Shape::Version
            | Shape::Path
            | Shape::Time
            | Shape::Bool
            | Shape::Whole(_)
            | Shape::Hours
            | Shape::Total
            | Shape::Id
            | Shape::Status
            | Shape::Word(_) => Self::Scalar,
            Shape::List(inner) => Self::List(inner),
            Shape::Each(item, fields) => Self::Each(*item, fields),
            Shape::Object(fields) | Shape::Loose(fields) => Self::Object(fields),
            Shape::ById(inner) => Self::ById(inner),
        }
    }
}

struct Guided<'s, 'de> {
    wanted: Wanted,
    sink: &'s mut dyn Sink,
    /// Memory for the members of an object, handed from one element of a long list to the next.
    room: Vec<Member<'de>>,
}

impl<'s> Guided<'s, '_> {
    fn new(wanted: impl Into<Wanted>, sink: &'s mut dyn Sink) -> Self {
        Self { wanted: wanted.into(), sink, room: Vec::new() }
    }
}

impl<'de> DeserializeSeed<'de> for Guided<'_, 'de> {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node<'de>, D::Error> {
        if matches!(self.wanted, Wanted::Nothing) {
            return deserializer.deserialize_ignored_any(IgnoredAny).map(|_| Node::Skipped);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Guided<'_, 'de> {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node<'de>, E> {
        Ok(Node::Bool(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "no field holds a number that needs more than 53 bits")]
    fn visit_u64<E>(self, value: u64) -> Result<Node<'de>, E> {
        Ok(Node::Number(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "no field holds a number that needs more than 53 bits")]
    fn visit_i64<E>(self, value: i64) -> Result<Node<'de>, E> {
        Ok(Node::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node<'de>, E> {
        Ok(Node::Number(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node<'de>, A::Error> {
        let Self { wanted, sink, mut room } = self;
        let mut items = Vec::new();
        match wanted {
            Wanted::List(inner) => {
                while let Some(item) = list.next_element_seed(Guided::new(inner, &mut *sink))? {
                    items.push(item);
                }
            }
            Wanted::Each(item, fields) => {
                let wanted = Wanted::Object(fields);
                let mut index = 0;
                while let Some(node) = list.next_element_seed(Guided { wanted, sink: &mut *sink, room })? {
                    sink.take(item, index, &node);
                    index += 1;
                    room = if let Node::Object(members) = node { members } else { Vec::new() };
                    room.clear();
                }
            }
            Wanted::Nothing | Wanted::Scalar | Wanted::Object(_) | Wanted::ById(_) => {
                while list.next_element::<IgnoredAny>()?.is_some() {}
            }
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
        let Self { wanted, sink, room: mut members } = self;
        let (keep, mut finder) = match wanted {
            Wanted::Object(fields) => (true, Finder::new(fields)),
            Wanted::ById(_) => (true, Finder::new(&[])),
            Wanted::Nothing | Wanted::Scalar | Wanted::List(_) | Wanted::Each(..) => (false, Finder::new(&[])),
        };
        if let (0, Wanted::Object(fields)) = (members.capacity(), wanted) {
            // Room for what an achievement mostly has, small enough for the allocator's fast path (1 KiB).
            members.reserve(fields.len().min(12));
        }
        while let Some(Key(key)) = map.next_key()? {
            let known = finder.find(&key);
            let inner = match (wanted, known) {
                (Wanted::ById(shape), _) => shape.into(),
                (_, Some((_, field))) => (&field.shape).into(),
                (_, None) => Wanted::Nothing,
            };
            let value = map.next_value_seed(Guided::new(inner, &mut *sink))?;
            if keep {
                let field = known.and_then(|(at, _)| u8::try_from(at).ok());
                members.push(Member { key, field, value });
            }
        }
        Ok(Node::Object(members))
    }
}

/// A member's name, borrowed where it holds no escape.
struct Key<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member's name")
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(value.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}
