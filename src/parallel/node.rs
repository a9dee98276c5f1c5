//! A JSON value as lean as reading needs it: borrowed from the source, in order, duplicate keys kept, and nothing of
//! what the shape does not name.
//!
//! [`serde_json::Value`] would allocate each key and hash it, silently drop the first of two members of one name, and
//! hold fields that nobody looks at; on files of 100,000 achievements that is most of the time of a load.

use std::{borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::shape::Shape;

/// A JSON value.
#[derive(Debug, PartialEq)]
pub(super) enum Node<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'a, str>),
    /// Empty where the shape does not ask for a list.
    List(Vec<Self>),
    /// Every member in order, with its key. Empty where the shape does not ask for an object.
    Object(Vec<(Cow<'a, str>, Self)>),
    /// A value that the shape does not name.
    Skipped,
}

impl<'a> Node<'a> {
    /// Reads a whole document. Values that `shape` does not name are checked for syntax only.
    pub(super) fn read(source: &'a str, shape: &'static Shape) -> Result<Self, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(source);
        let node = Guided(shape).deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(node)
    }

    /// The first member of this name that is not `null`.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        let (_, node) = members.iter().find(|(key, _)| key == name)?;
        if *node == Self::Null { None } else { Some(node) }
    }

    /// The text of the member of this name.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_text()
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The elements of the list of this name; none where there is no such list.
    pub(super) fn list(&self, name: &str) -> &[Self] {
        if let Some(Self::List(items)) = self.get(name) { items } else { &[] }
    }

    /// The whole number of this name.
    pub(super) fn whole(&self, name: &str) -> Option<u32> {
        if let Self::Number(number) = self.get(name)? { whole(*number) } else { None }
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

struct Guided(&'static Shape);

impl<'de> DeserializeSeed<'de> for Guided {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node<'de>, D::Error> {
        if matches!(self.0, Shape::Anything) {
            return deserializer.deserialize_ignored_any(IgnoredAny).map(|_| Node::Skipped);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Guided {
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
        let mut items = Vec::new();
        if let Shape::List(inner) = self.0 {
            while let Some(item) = list.next_element_seed(Guided(inner))? {
                items.push(item);
            }
        } else {
            while list.next_element::<IgnoredAny>()?.is_some() {}
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            let shape = match self.0 {
                Shape::Object(fields) => fields.iter().find(|field| field.name == key).map(|field| &field.shape),
                Shape::ById(shape) => Some(*shape),
                Shape::Anything
                | Shape::Text
                | Shape::Bool
                | Shape::Whole(_)
                | Shape::Hours
                | Shape::Id
                | Shape::Status
                | Shape::Word(_)
                | Shape::List(_) => None,
            };
            let node = map.next_value_seed(Guided(shape.unwrap_or(&Shape::Anything)))?;
            if matches!(self.0, Shape::Object(_) | Shape::ById(_)) {
                members.push((key, node));
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
