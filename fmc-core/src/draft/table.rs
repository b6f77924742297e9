//! The macro that a draft is declared by. The module above says what it takes.

/// A struct whose settings are each declared once: see the module.
///
/// Behind the struct stands the constructor, as `pub fn new(..);`, which takes the key and all that is needed in their order. In Rust a
/// value is a call of it and of its setters. Where it is not, one more line says what it is:
///
/// - `in "k3s::";`: the constructor is called by a path.
/// - `said PATH;`: this function makes the expression; it calls `say_settings` for settings with setters.
/// - `rule PATH;`, after that: this function checks settings of the value together.
/// - `arguments;`: the setter of its owner takes its parts.
/// - `by hand;`: [`Setting`] is implemented by hand.
macro_rules! draft {
    // The fields, one by one, each to a record: attributes, visibility, name, type, parameter and value of the constructor, setters,
    // look, call, argument, key.
    (@field [$($top:tt)*] [$($end:tt)*] [$($done:tt)*]
        $(#[doc = $doc:tt])* #[key] $vis:vis $field:ident: Given<$leaf:ty>, $($rest:tt)*) => {
        $crate::draft::draft! { @field [$($top)*] [$($end)*] [$($done)* {
            [$(#[doc = $doc])* #[serde(skip, default = "crate::named::unnamed")]] [$vis] $field [Given<$leaf>]
            [$field: impl Into<Given<$leaf>>,] [$field.into()]
            [] [name $field] [none] [$field] [$field [$leaf]]
        }] $($rest)* }
    };
    (@field [$($top:tt)*] [$($end:tt)*] [$($done:tt)*]
        $(#[doc = $doc:tt])* #[needed] $(#[rule($rule:path)])? $vis:vis $field:ident: Given<$leaf:ty>, $($rest:tt)*) => {
        $crate::draft::draft! { @field [$($top)*] [$($end)*] [$($done)* {
            [$(#[doc = $doc])*] [$vis] $field [Given<$leaf>]
            [$field: impl Into<Given<$leaf>>,] [$field.into()]
            [] [setting $field $($rule)?] [none] [$field] []
        }] $($rest)* }
    };
    (@field [$($top:tt)*] [$($end:tt)*] [$($done:tt)*]
        $(#[doc = $doc:tt])* #[needed] $(#[rule($rule:path)])? $vis:vis $field:ident: String, $($rest:tt)*) => {
        $crate::draft::draft! { @field [$($top)*] [$($end)*] [$($done)* {
            [$(#[doc = $doc])*] [$vis] $field [String]
            [$field: impl Into<String>,] [$field.into()]
            [] [setting $field $($rule)?] [none] [$field] []
        }] $($rest)* }
    };
    (@field [$($top:tt)*] [$($end:tt)*] [$($done:tt)*]
        $(#[doc = $doc:tt])* #[needed] $(#[rule($rule:path)])? $vis:vis $field:ident: $ty:ty, $($rest:tt)*) => {
        $crate::draft::draft! { @field [$($top)*] [$($end)*] [$($done)* {
            [$(#[doc = $doc])*] [$vis] $field [$ty]
            [$field: $ty,] [$field]
            [] [setting $field $($rule)?] [none] [$field] []
        }] $($rest)* }
    };
    (@field [$($top:tt)*] [$($end:tt)*] [$($done:tt)*]
        $(#[doc = $doc:tt])* #[list] $(#[rule($rule:path)])? $vis:vis $field:ident: Vec<Given<$leaf:ty>>, $($rest:tt)*) => {
        $crate::draft::draft! { @field [$($top)*] [$($end)*] [$($done)* {
            [$(#[doc = $doc])* #[serde(default, skip_serializing_if = "Vec::is_empty")]] [$vis] $field [Vec<Given<$leaf>>]
            [] [Vec::new()]
            [
                $(#[doc = $doc])*
                #[must_use]
                pub fn $field<T: Into<Given<$leaf>>>(mut self, $field: impl IntoIterator<Item = T>) -> Self {
                    self.$field = $field.into_iter().map(Into::into).collect();
                    self
                }
            ] [setting $field $($rule)?] [list $field Vec::new()] [] []
        }] $($rest)* }
    };
    (@field [$($top:tt)*] [$($end:tt)*] [$($done:tt)*]
        $(#[doc = $doc:tt])* #[list] $vis:vis $field:ident: Option<Vec<$part:ty>>, $($rest:tt)*) => {
        $crate::draft::draft! { @field [$($top)*] [$($end)*] [$($done)* {
            [$(#[doc = $doc])* #[serde(default, skip_serializing_if = "Option::is_none")]] [$vis] $field [Option<Vec<$part>>]
            [] [None]
            [
                $(#[doc = $doc])*
                #[must_use]
                pub fn $field(mut self, $field: impl IntoIterator<Item = $part>) -> Self {
                    self.$field = Some($field.into_iter().collect());
                    self
                }
            ] [setting $field] [list $field None] [] []
        }] $($rest)* }
    };
    (@field [$($top:tt)*] [$($end:tt)*] [$($done:tt)*]
        $(#[doc = $doc:tt])* #[each($one:ident)] $(#[rule($rule:path)])? $vis:vis $field:ident: Vec<Given<$leaf:ty>>, $($rest:tt)*) => {
        $crate::draft::draft! { @field [$($top)*] [$($end)*] [$($done)* {
            [$(#[doc = $doc])* #[serde(default, skip_serializing_if = "Vec::is_empty")]] [$vis] $field [Vec<Given<$leaf>>]
            [] [Vec::new()]
            [
                $(#[doc = $doc])*
                ///
                /// Each call adds one.
                #[must_use]
                pub fn $one(mut self, $one: impl Into<Given<$leaf>>) -> Self {
                    self.$field.push($one.into());
                    self
                }
            ] [setting $field $($rule)?] [call $field $one Vec::new()] [] []
        }] $($rest)* }
    };
    (@field [$($top:tt)*] [$($end:tt)*] [$($done:tt)*]
        $(#[doc = $doc:tt])* #[each($one:ident $(, $map:ident)?)] $vis:vis $field:ident: $many:ident<$part:ty>, $($rest:tt)*) => {
        $crate::draft::draft! { @field [$($top)*] [$($end)*] [$($done)* {
            [$(#[doc = $doc])* #[serde(default, skip_serializing_if = "crate::field::is_default")]] [$vis] $field [$many<$part>]
            [] [$many::default()]
            [
                $(#[doc = $doc])*
                ///
                /// Each call adds one.
                #[must_use]
                pub fn $one(mut self, $one: $part) -> Self {
                    self.$field.push($one);
                    self
                }

                $(
                    #[doc = concat!("The same with each of its ", stringify!($field), " changed.")]
                    #[must_use]
                    pub fn $map(mut self, change: impl FnMut($part) -> $part) -> Self {
                        self.$field = self.$field.into_iter().map(change).collect();
                        self
                    }
                )?
            ] [setting $field] [call $field $one $many::default()] [] []
        }] $($rest)* }
    };
    (@field [$($top:tt)*] [$($end:tt)*] [$($done:tt)*]
        $(#[doc = $doc:tt])* #[switch($one:ident)] $vis:vis $field:ident: bool, $($rest:tt)*) => {
        $crate::draft::draft! { @field [$($top)*] [$($end)*] [$($done)* {
            [$(#[doc = $doc])* #[serde(default, skip_serializing_if = "std::ops::Not::not")]] [$vis] $field [bool]
            [] [false]
            [
                $(#[doc = $doc])*
                ///
                /// This switches it on.
                #[must_use]
                pub fn $one(mut self) -> Self {
                    self.$field = true;
                    self
                }
            ] [setting $field] [switch $field $one] [] []
        }] $($rest)* }
    };
    (@field [$($top:tt)*] [$($end:tt)*] [$($done:tt)*]
        $(#[doc = $doc:tt])* #[by_hand] $vis:vis $field:ident: bool = true, $($rest:tt)*) => {
        $crate::draft::draft! { @field [$($top)*] [$($end)*] [$($done)* {
            [$(#[doc = $doc])* #[serde(default = "crate::field::yes", skip_serializing_if = "crate::field::is_yes")]] [$vis] $field [bool]
            [] [true]
            [] [setting $field] [call $field $field true] [] []
        }] $($rest)* }
    };
    (@field [$($top:tt)*] [$($end:tt)*] [$($done:tt)*]
        $(#[doc = $doc:tt])* #[by_hand] $(#[rule($rule:path)])? $vis:vis $field:ident: $($rest:tt)*) => {
        $crate::draft::draft! { @field [$($top)*] [$($end)*] [$($done)*]
            $(#[doc = $doc])* #[by_hand($field)] $(#[rule($rule)])? $vis $field: $($rest)* }
    };
    (@field [$($top:tt)*] [$($end:tt)*] [$($done:tt)*]
        $(#[doc = $doc:tt])* #[by_hand($one:ident)] $(#[rule($rule:path)])? $vis:vis $field:ident: $ty:ty, $($rest:tt)*) => {
        $crate::draft::draft! { @field [$($top)*] [$($end)*] [$($done)* {
            [$(#[doc = $doc])* #[serde(default, skip_serializing_if = "crate::field::is_default")]] [$vis] $field [$ty]
            [] [Default::default()]
            [] [setting $field $($rule)?] [call $field $one <$ty>::default()] [] []
        }] $($rest)* }
    };
    (@field [$($top:tt)*] [$($end:tt)*] [$($done:tt)*]
        $(#[doc = $doc:tt])* #[setter($one:ident)] $(#[rule($rule:path)])? $vis:vis $field:ident: Option<Given<$leaf:ty>>, $($rest:tt)*) => {
        $crate::draft::draft! { @field [$($top)*] [$($end)*] [$($done)* {
            [$(#[doc = $doc])* #[serde(default, skip_serializing_if = "Option::is_none")]] [$vis] $field [Option<Given<$leaf>>]
            [] [None]
            [
                $(#[doc = $doc])*
                #[must_use]
                pub fn $one(mut self, $field: impl Into<Given<$leaf>>) -> Self {
                    self.$field = Some($field.into());
                    self
                }
            ] [setting $field $($rule)?] [call $field $one None] [] []
        }] $($rest)* }
    };
    (@field [$($top:tt)*] [$($end:tt)*] [$($done:tt)*]
        $(#[doc = $doc:tt])* #[setter($one:ident)] $(#[rule($rule:path)])? $vis:vis $field:ident: Option<$part:ty>, $($rest:tt)*) => {
        $crate::draft::draft! { @field [$($top)*] [$($end)*] [$($done)* {
            [$(#[doc = $doc])* #[serde(default, skip_serializing_if = "Option::is_none")]] [$vis] $field [Option<$part>]
            [] [None]
            [
                $(#[doc = $doc])*
                #[must_use]
                pub fn $one(mut self, $field: $part) -> Self {
                    self.$field = Some($field);
                    self
                }
            ] [setting $field $($rule)?] [call $field $one None] [] []
        }] $($rest)* }
    };
    (@field [$($top:tt)*] [$($end:tt)*] [$($done:tt)*]
        $(#[doc = $doc:tt])* $vis:vis $field:ident: String, $($rest:tt)*) => {
        $crate::draft::draft! { @field [$($top)*] [$($end)*] [$($done)* {
            [$(#[doc = $doc])* #[serde(default, skip_serializing_if = "String::is_empty")]] [$vis] $field [String]
            [] [String::new()]
            [
                $(#[doc = $doc])*
                #[must_use]
                pub fn $field(mut self, $field: impl Into<String>) -> Self {
                    self.$field = $field.into();
                    self
                }
            ] [setting $field] [call $field $field ""] [] []
        }] $($rest)* }
    };
    // Without an attribute: the same by the field's own name.
    (@field [$($top:tt)*] [$($end:tt)*] [$($done:tt)*]
        $(#[doc = $doc:tt])* $(#[rule($rule:path)])? $vis:vis $field:ident: Option<$($rest:tt)*) => {
        $crate::draft::draft! { @field [$($top)*] [$($end)*] [$($done)*]
            $(#[doc = $doc])* #[setter($field)] $(#[rule($rule)])? $vis $field: Option<$($rest)* }
    };
    (@field [$($top:tt)*] [$($end:tt)*] [$($done:tt)*]
        $(#[doc = $doc:tt])* $vis:vis $field:ident: bool = true, $($rest:tt)*) => {
        $crate::draft::draft! { @field [$($top)*] [$($end)*] [$($done)* {
            [$(#[doc = $doc])* #[serde(default = "crate::field::yes", skip_serializing_if = "crate::field::is_yes")]] [$vis] $field [bool]
            [] [true]
            [
                $(#[doc = $doc])*
                #[must_use]
                pub fn $field(mut self, on: bool) -> Self {
                    self.$field = on;
                    self
                }
            ] [setting $field] [call $field $field true] [] []
        }] $($rest)* }
    };
    (@field [$($top:tt)*] [$($end:tt)*] [$($done:tt)*]
        $(#[doc = $doc:tt])* $(#[rule($rule:path)])? $vis:vis $field:ident: $ty:ty, $($rest:tt)*) => {
        $crate::draft::draft! { @field [$($top)*] [$($end)*] [$($done)* {
            [$(#[doc = $doc])* #[serde(default, skip_serializing_if = "crate::field::is_default")]] [$vis] $field [$ty]
            [] [Default::default()]
            [
                $(#[doc = $doc])*
                #[must_use]
                pub fn $field(mut self, $field: $ty) -> Self {
                    self.$field = $field;
                    self
                }
            ] [setting $field $($rule)?] [call $field $field <$ty>::default()] [] []
        }] $($rest)* }
    };

    // All fields are read.
    (@field [$(#[$meta:meta])* $vis:vis struct $name:ident]
        [[$($(#[$new_meta:meta])* $new_vis:vis fn $new:ident(..);)?] $($end:tt)*]
        [$({
            [$($attribute:tt)*] [$field_vis:vis] $field:ident [$ty:ty] [$($param:tt)*] [$($init:tt)*]
            [$($setter:tt)*] [$($look:tt)*] [$($say:tt)*] [$($argument:ident)?] [$($key:tt)*]
        })*]
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        #[non_exhaustive]
        $vis struct $name {
            $($($attribute)* $field_vis $field: $ty,)*
        }

        impl $name {
            $crate::draft::draft!(@new [$($(#[$new_meta])* $new_vis fn $new)?] [$($($param)*)*] [$($field: $($init)*,)*]);

            $($($setter)*)*

            $crate::draft::draft! { @unless_arguments [$($end)*]
                /// Adds the calls that set what differs from the default, but for the settings that the expression has.
                fn say_settings(
                    &self,
                    on: &mut $crate::rust::Expr,
                    but: &[&str],
                    names: &$crate::rust::Names,
                ) -> Result<(), $crate::rust::Unsaid> {
                    $($crate::draft::draft!(@say self on but names $($say)*);)*
                    // A value may have nothing but what its constructor takes.
                    let _ = (on, but, names);
                    Ok(())
                }
            }
        }

        $($crate::draft::draft!(@keyed $name $($key)*);)*
        $crate::draft::draft!(@setting $name [$($new)?] [$($($argument)?)*] [$([$($look)*])*] $($end)*);
    };

    (@unless_arguments [arguments;] $($function:tt)*) => {};
    (@unless_arguments [$($end:tt)*] $($function:tt)*) => { $($function)* };

    (@new [] [$($param:tt)*] [$($init:tt)*]) => {};
    (@new [$(#[$meta:meta])* $vis:vis fn $new:ident] [$($param:tt)*] [$($init:tt)*]) => {
        $(#[$meta])*
        $vis fn $new($($param)*) -> Self {
            Self { $($init)* }
        }
    };

    (@look $self:ident $at:ident $look:ident name $field:ident) => {
        $look.name(&$self.$field, $at)
    };
    (@look $self:ident $at:ident $look:ident rule $rule:path) => {
        $rule($self, $at, $look.findings)
    };
    (@look $self:ident $at:ident $look:ident setting $field:ident $($rule:path)?) => {{
        let at = $at.key(stringify!($field));
        $crate::draft::Setting::look(&$self.$field, &at, $look);
        $($rule(&$self.$field, &at, $look.findings);)?
    }};

    (@say $self:ident $on:ident $but:ident $names:ident none) => {};
    (@say $self:ident $on:ident $but:ident $names:ident switch $field:ident $setter:ident) => {
        if $self.$field && !$but.contains(&stringify!($field)) {
            $on.call(stringify!($setter), "");
        }
    };
    (@say $self:ident $on:ident $but:ident $names:ident list $field:ident $($default:tt)*) => {
        if $self.$field != $($default)* && !$but.contains(&stringify!($field)) {
            $on.nest(stringify!($field), $crate::draft::Setting::rust(&$self.$field, $names)?);
        }
    };
    (@say $self:ident $on:ident $but:ident $names:ident call $field:ident $setter:ident $($default:tt)*) => {
        if $self.$field != $($default)* && !$but.contains(&stringify!($field)) {
            $crate::draft::Setting::say(&$self.$field, stringify!($setter), $on, $names)?;
        }
    };

    (@keyed $name:ident) => {};
    (@keyed $name:ident $field:ident [$leaf:ty]) => {
        impl $crate::named::Keyed for $name {
            type Name = $leaf;

            fn name(&self) -> &Given<$leaf> {
                &self.$field
            }

            fn with_name(self, $field: Given<$leaf>) -> Self {
                Self { $field, ..self }
            }
        }
    };

    (@setting $name:ident [$($new:ident)?] [$($argument:ident)*] [$($looks:tt)*] by hand;) => {};
    (@setting $name:ident [$($new:ident)?] [$($argument:ident)*] [$($looks:tt)*] said $said:path; $(rule $rule:path;)?) => {
        $crate::draft::draft!(@impl $name [$($looks)* $([rule $rule])?] self names { $said(self, names) });
    };
    (@setting $name:ident [$($new:ident)?] [$($argument:ident)*] [$($looks:tt)*] arguments;) => {
        $crate::draft::draft!(@impl $name [$($looks)*] self names {
            let arguments = [$($crate::draft::Setting::rust(&self.$argument, names)?.line()),*];
            Ok($crate::rust::Expr::leaf(arguments.join(", ")))
        });
    };
    (@setting $name:ident [$new:ident] [$($argument:ident)*] [$($looks:tt)*] $(in $room:literal;)?) => {
        $crate::draft::draft!(@impl $name [$($looks)*] self names {
            let constructor = concat!($($room,)? stringify!($name), "::", stringify!($new));
            let mut on = $crate::rust::Expr::of(constructor, vec![$($crate::draft::Setting::rust(&self.$argument, names)?),*]);
            self.say_settings(&mut on, &[], names)?;
            Ok(on)
        });
    };
    (@impl $name:ident [$([$($look:tt)*])*] $self:ident $names:ident $rust:block) => {
        impl $crate::draft::Setting for $name {
            fn look(&$self, at: &$crate::finding::At<'_>, look: &mut $crate::draft::Look<'_>) {
                $($crate::draft::draft!(@look $self at look $($look)*);)*
            }

            fn rust(&$self, $names: &$crate::rust::Names) -> Result<$crate::rust::Expr, $crate::rust::Unsaid> $rust
        }
    };

    (
        $(#[$meta:meta])* $vis:vis struct $name:ident { $($fields:tt)* }
        $(#[$new_meta:meta])* $new_vis:vis fn $new:ident(..);
        $($end:tt)*
    ) => {
        $crate::draft::draft! { @field [$(#[$meta])* $vis struct $name]
            [[$(#[$new_meta])* $new_vis fn $new(..);] $($end)*] [] $($fields)* }
    };
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($fields:tt)* } $($end:tt)*) => {
        $crate::draft::draft! { @field [$(#[$meta])* $vis struct $name] [[] $($end)*] [] $($fields)* }
    };
}
pub(crate) use draft;
