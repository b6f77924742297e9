//! The data of a finding: a type for each room of rules, which carries its values and makes its texts from them.

use std::any::Any;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Kind, Remedy, Words};

/// A mistake or a warning: its values, and the texts that are made from them.
///
/// A room of rules has an enum of its problems, written as a table by `problems!`. A user's role may implement it for its own
/// type: [`RoleFindings::about`](crate::role::RoleFindings::about).
pub trait Problem: Any + fmt::Debug + Send + Sync {
    /// The kind of finding that it is.
    fn kind(&self) -> Kind;

    /// Which of the kind's cases it is, in words of the code.
    fn case(&self) -> &'static str;

    /// The message.
    fn message(&self) -> String;

    /// The help, in the words of the format that the author writes.
    fn help(&self, words: Words) -> String;

    /// The settings that the help names.
    fn remedies(&self) -> Vec<Remedy> {
        Vec::new()
    }

    /// The values.
    fn data(&self) -> Data;
}

/// The values of a problem by name: names, addresses and sizes as their texts, numbers as numbers, lists as lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Data(serde_json::Map<String, serde_json::Value>);

impl Data {
    /// No values yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The fields of a value that is a struct or a map; nothing of another value.
    pub fn of(values: &impl Serialize) -> Self {
        match serde_json::to_value(values) {
            Ok(serde_json::Value::Object(values)) => Self(values),
            _ => Self::new(),
        }
    }

    /// Adds a value by its name. A value that JSON cannot hold is left out.
    #[must_use]
    pub fn with(mut self, name: &str, value: &impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.0.insert(name.to_owned(), value);
        }
        self
    }

    /// A value as a type of the caller's; `None` if there is no such value, or if it has another type.
    ///
    /// ```
    /// use fmc_core::finding::Data;
    ///
    /// let data = Data::new().with("count", &3).with("pool", &"fast");
    /// assert_eq!(data.get::<u32>("count"), Some(3));
    /// assert_eq!(data.get::<String>("pool").as_deref(), Some("fast"));
    /// ```
    pub fn get<'de, T: Deserialize<'de>>(&'de self, name: &str) -> Option<T> {
        T::deserialize(self.0.get(name)?).ok()
    }

    /// The names of the values, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `, for example 10.17.3.10`, if there is an example.
pub(crate) fn for_example(example: Option<impl fmt::Display>) -> String {
    example.map(|example| format!(", for example {example}")).unwrap_or_default()
}

/// Writes the problems of a room as a table: each case with its typed values, its kind, words that both texts are made from, its
/// message and its help, and after them the settings that the help names.
///
/// A help that spells a setting out is a compile error: its author may write the other format.
macro_rules! problems {
    (
        $(#[$doc:meta])*
        $vis:vis enum $name:ident {
            $(
                $variant:ident $({ $($field:ident: $type:ty),* $(,)? })? is $kind:ident
                    $(with ($($with:ident = $value:expr),+ $(,)?))?:
                    $message:literal,
                    $help:literal $(, $remedy:ident = $set:expr)*;
            )+
        }
    ) => {
        $(
            const _: () = assert!(
                $crate::finding::names_no_setting($help),
                "a help names a setting by a `Remedy`, which each format says in its own words"
            );
        )+

        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        $vis enum $name {
            $(
                #[doc = concat!("`", stringify!($kind), "`\n\n```text\n", $message, "\n```")]
                $variant $({
                    $(
                        #[doc = concat!("`{", stringify!($field), "}` of the texts.")]
                        $field: $type,
                    )*
                })?,
            )+
        }

        impl $crate::finding::Problem for $name {
            fn kind(&self) -> $crate::finding::Kind {
                match self { $(Self::$variant { .. } => $crate::finding::Kind::$kind,)+ }
            }

            fn case(&self) -> &'static str {
                match self { $(Self::$variant { .. } => stringify!($variant),)+ }
            }

            fn message(&self) -> String {
                match self {
                    $(Self::$variant $({ $($field),* })? => {
                        $($(let _ = $field;)*)?
                        $($(let $with = $value; let _ = &$with;)+)?
                        format_args!($message).to_string()
                    })+
                }
            }

            fn help(&self, words: $crate::finding::Words) -> String {
                let _ = words;
                match self {
                    $(Self::$variant $({ $($field),* })? => {
                        $($(let _ = $field;)*)?
                        $($(let $with = $value; let _ = &$with;)+)?
                        $(let $remedy = $set.said(words);)*
                        format_args!($help).to_string()
                    })+
                }
            }

            fn remedies(&self) -> Vec<$crate::finding::Remedy> {
                match self {
                    $(Self::$variant $({ $($field),* })? => {
                        $($(let _ = $field;)*)?
                        vec![$($set),*]
                    })+
                }
            }

            fn data(&self) -> $crate::finding::Data {
                match self {
                    $(Self::$variant $({ $($field),* })? => {
                        $crate::finding::Data::new()$($(.with(stringify!($field), $field))*)?
                    })+
                }
            }
        }

        impl $name {
            /// The finding about it, at the path of the value that is to be mended.
            pub(crate) fn at(self, at: impl std::fmt::Display) -> $crate::finding::Finding {
                $crate::finding::Finding::about(at, self)
            }
        }
    };
}

pub(crate) use problems;
