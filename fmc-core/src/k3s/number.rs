//! Whole numbers of K3s's keys, each with its range.

use std::fmt;

use crate::given::{Given, Leaf, LeafError, leaf_traits};

/// Writes a leaf that is a whole number of a range.
macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident($repr:ty) in $min:literal..=$max:literal, $what:literal, $example:literal;)+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name($repr);

            impl $name {
                /// The number.
                pub const fn get(self) -> $repr {
                    self.0
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    fmt::Display::fmt(&self.0, f)
                }
            }

            impl Leaf for $name {
                const WHAT: &'static str = $what;
                const EXAMPLE: &'static str = $example;

                fn parse(text: &str) -> Result<Self, LeafError> {
                    let plain = text.bytes().all(|digit| digit.is_ascii_digit());
                    let number = plain.then(|| text.parse().ok()).flatten();
                    let number = number.filter(|number| ($min..=$max).contains(number));
                    let range = concat!("it must be a whole number from ", $min, " to ", $max);
                    number.map(Self).ok_or_else(|| LeafError::new(range))
                }

                fn is_number() -> bool {
                    true
                }

                #[cfg(feature = "schema")]
                fn schema() -> schemars::Schema {
                    crate::given::number_schema::<Self>($min, $max)
                }
            }

            leaf_traits!($name);

            impl From<$repr> for Given<$name> {
                fn from(number: $repr) -> Self {
                    Self::text(&number.to_string())
                }
            }
        )+
    };
}

numbers! {
    /// A TCP port, 1 to 65535.
    Port(u16) in 1..=65535, "port", "6443";
    /// A whole number from 0 to 2147483647.
    Count(u32) in 0..=2147483647, "number", "5";
    /// A share of the whole in percent, 0 to 100.
    Percent(u8) in 0..=100, "percentage", "80";
}
