//! Arguments of the kernel.

use crate::draft::draft;
use crate::finding::{At, Finding, leaf};
use crate::given::Given;
use crate::name::KernelArgument;

draft! {
    /// Arguments of the kernel, as Ignition sets them on the first boot, which then restarts once.
    ///
    /// ```
    /// use fmc_core::guest::{Guest, KernelArguments};
    ///
    /// let arguments = KernelArguments::new().should_exist("console=ttyS0").should_not_exist("quiet");
    /// let guest = Guest::new().kernel_arguments(arguments);
    /// # let _ = guest;
    /// ```
    #[derive(Default, Eq)]
    pub struct KernelArguments {
        /// Arguments that it starts with, each by itself: `console=ttyS0`. Those that the image has stay.
        #[each(should_exist)]
        should_exist: Vec<Given<KernelArgument>>,
        /// Arguments of the image that it starts without.
        #[each(should_not_exist)]
        should_not_exist: Vec<Given<KernelArgument>>,
    }

    /// No arguments but those of the image.
    pub fn new(..);
}

impl KernelArguments {
    /// All that others have, behind these.
    pub(super) fn extend(&mut self, other: Self) {
        self.should_exist.extend(other.should_exist);
        self.should_not_exist.extend(other.should_not_exist);
    }

    pub(super) fn checked(&self, at: &At<'_>, findings: &mut Vec<Finding>) -> CheckedKernelArguments {
        let mut all = |given: &[Given<KernelArgument>], at: At<'_>| {
            let each = given.iter().enumerate();
            each.filter_map(|(index, given)| leaf(given, &at.index(index), findings).cloned()).collect()
        };
        CheckedKernelArguments {
            should_exist: all(&self.should_exist, at.key("should_exist")),
            should_not_exist: all(&self.should_not_exist, at.key("should_not_exist")),
        }
    }
}

/// [`KernelArguments`] with every leaf right, in the user's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckedKernelArguments {
    /// Arguments that it starts with.
    pub should_exist: Vec<KernelArgument>,
    /// Arguments that it starts without.
    pub should_not_exist: Vec<KernelArgument>,
}

impl CheckedKernelArguments {
    /// Whether nothing is asked of the kernel.
    pub fn is_empty(&self) -> bool {
        self.should_exist.is_empty() && self.should_not_exist.is_empty()
    }
}
