//! Helpers for serde's attributes of fields: defaults, and when a field is left out.

/// Whether a value is the default; a file leaves it out then.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The default of a switch that is on unless the user turns it off.
pub(crate) fn yes() -> bool {
    true
}

/// Whether such a switch is on; a file leaves it out then.
pub(crate) fn is_yes(value: &bool) -> bool {
    *value
}
