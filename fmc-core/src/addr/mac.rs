use std::fmt;

use crate::digest::push_hex;
use crate::given::{Leaf, LeafError, LeafGroup, leaf_traits};

/// The MAC address of an interface: 48 bits, unicast, in lower case with colons: `52:54:00:0a:11:03`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac([u8; 6]);

impl Mac {
    /// A locally administered unicast address from the low 46 bits of `bits`; the others are ignored.
    pub const fn local(bits: u64) -> Self {
        let [_, _, b0, b1, b2, b3, b4, b5] = bits.to_be_bytes();
        // The two low bits of the first byte mean multicast (0) and locally administered (1): IEEE 802 §8.4.
        Self([(b0 << 2) | 0b10, b1, b2, b3, b4, b5])
    }

    /// The six bytes.
    pub const fn bytes(self) -> [u8; 6] {
        self.0
    }

    /// Whether an administrator assigned it, and not the maker of the interface.
    pub const fn is_local(self) -> bool {
        let [first, ..] = self.0;
        first & 0b10 != 0
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(17);
        for byte in self.0 {
            if !text.is_empty() {
                text.push(':');
            }
            push_hex(&mut text, byte);
        }
        f.pad(&text)
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mac({self})")
    }
}

impl Leaf for Mac {
    const WHAT: &'static str = "MAC address";
    const EXAMPLE: &'static str = "52:54:00:0a:11:03";
    const GROUP: LeafGroup = LeafGroup::Address;

    fn parse(text: &str) -> Result<Self, LeafError> {
        let separator = if text.contains('-') { '-' } else { ':' };
        let bytes: Option<Vec<u8>> = text.split(separator).map(hex_byte).collect();
        let bytes: Option<[u8; 6]> = bytes.and_then(|bytes| bytes.try_into().ok());
        let bytes = bytes.ok_or_else(|| {
            LeafError::mending(
                "it is not six pairs of hexadecimal digits: write, for example, 52:54:00:0a:11:03",
            )
        })?;
        match bytes {
            [0, 0, 0, 0, 0, 0] => Err(LeafError::new("it is all zero: leave it out for one that is derived")),
            [0xfe, ..] => Err(LeafError::mending(
                "libvirt gives the host's end of each tap such an address: begin with another byte, for example 52:54:00:0a:11:03",
            )),
            [first, ..] if first & 1 == 1 => Err(LeafError::mending(
                "it is a multicast address: make its first byte even, for example 52:54:00:0a:11:03",
            )),
            bytes => Ok(Self(bytes)),
        }
    }

    #[cfg(feature = "schema")]
    fn schema() -> schemars::Schema {
        crate::given::text_schema::<Self>(Some("^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$"), None)
    }
}

leaf_traits!(Mac);

fn hex_byte(text: &str) -> Option<u8> {
    let digits = text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    digits.then(|| u8::from_str_radix(text, 16).ok()).flatten()
}
