//! The values of roles that span machines, for providers whose objects follow from them.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// The values of the cloud's own spanning roles, in the order of the draft. Equal lists share their values: code cannot be compared.
#[derive(Clone, Default)]
pub(crate) struct RoleValues(Vec<Arc<dyn Any + Send + Sync>>);

impl RoleValues {
    /// The values of one type.
    pub(super) fn of<R: Any>(&self) -> impl Iterator<Item = &R> {
        self.0.iter().filter_map(|value| value.downcast_ref())
    }

    /// The values of one type, each with its index among all.
    pub(super) fn placed<R: Any>(&self) -> impl Iterator<Item = (usize, &R)> {
        let all = self.0.iter().enumerate();
        all.filter_map(|(index, value)| Some((index, value.downcast_ref()?)))
    }
}

impl FromIterator<Arc<dyn Any + Send + Sync>> for RoleValues {
    fn from_iter<I: IntoIterator<Item = Arc<dyn Any + Send + Sync>>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl PartialEq for RoleValues {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().zip(&other.0).all(|(one, other)| Arc::ptr_eq(one, other))
    }
}

impl fmt::Debug for RoleValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoleValues({})", self.0.len())
    }
}
