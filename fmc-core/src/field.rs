//! What serde asks of a field: its default, and when it is left out.

/// Whether a value is the default, which a file leaves out.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The default of a switch that is on unless it is switched off.
pub(crate) fn yes() -> bool {
    true
}

/// Whether such a switch is on, which a file leaves out.
pub(crate) fn is_yes(value: &bool) -> bool {
    *value
}
