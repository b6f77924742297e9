//! The macro for an enumeration as a setting.

/// An enumeration without values, whose variants Rust writes as `Power::Stopped`.
macro_rules! choice {
    (@one [$($room:literal)?] $choice:ident) => {
        impl $crate::draft::Setting for $choice {
            fn look(&self, _: &$crate::finding::At<'_>, _: &mut $crate::draft::Look<'_>) {}

            fn rust(&self, _: &$crate::rust::Names) -> Result<$crate::rust::Expr, $crate::rust::Unsaid> {
                Ok($crate::rust::Expr::leaf(format!(concat!($($room,)? stringify!($choice), "::{:?}"), self)))
            }
        }
    };
    ($($choice:ident),+) => {$(
        $crate::draft::choice!(@one [] $choice);
    )+};
    (in $room:literal; $choice:ident) => {
        $crate::draft::choice!(@one [$room] $choice);
    };
}
pub(crate) use choice;
