//! The macros that declare a checked message beside a generated one.

/// A message whose fields are words. Both directions follow from [`Wire`](crate::field::Wire) of
/// the fields; `check` looks at several fields together.
macro_rules! message {
    (
        $(#[$doc:meta])* $name:ident {
            $($(#[$field_doc:meta])* $field:ident: $type:ty,)*
        }
        $(check $check:path)?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl TryFrom<v1::$name> for $name {
            type Error = MalformedError;

            fn try_from(v1::$name { $($field,)* }: v1::$name) -> Result<Self, MalformedError> {
                let message = Self {
                    $($field: Wire::read(
                        $field,
                        concat!(stringify!($name), ".", stringify!($field)),
                    )?,)*
                };
                $($check(&message)?;)?
                Ok(message)
            }
        }

        impl From<$name> for v1::$name {
            fn from($name { $($field,)* }: $name) -> Self {
                Self { $($field: Wire::write($field),)* }
            }
        }

        $crate::declare::nested!($name = v1::$name);

        #[cfg(any(test, feature = "test-utils"))]
        impl $crate::sample::Sample for $name {
            fn sample(source: &mut $crate::sample::Source) -> Self {
                source.valid(|source| {
                    let message = Self { $($field: source.any(),)* };
                    $($check(&message).ok()?;)?
                    let _unused_without_fields = &source;
                    Some(message)
                })
            }
        }
    };
}

/// A message, or the body of one, in a field or list of another message.
macro_rules! nested {
    ($name:ident = $wire:ty) => {
        impl Wire<$wire> for $name {
            fn read(wire: $wire, _field: &'static str) -> Result<Self, MalformedError> {
                wire.try_into()
            }

            fn write(self) -> $wire {
                self.into()
            }
        }

        impl Wire<Option<$wire>> for $name {
            fn read(wire: Option<$wire>, field: &'static str) -> Result<Self, MalformedError> {
                let (expected, found) = (Expected::Something, Found::Nothing);
                wire.ok_or(MalformedError { field, expected, found })?.try_into()
            }

            fn write(self) -> Option<$wire> {
                Some(self.into())
            }
        }
    };
}

/// The alternatives of a `oneof`.
macro_rules! bodies {
    (
        $(#[$doc:meta])* $name:ident = $wire:path {
            $($(#[$body_doc:meta])* $body:ident($type:ty),)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$body_doc])* $body($type),)*
        }

        impl TryFrom<$wire> for $name {
            type Error = MalformedError;

            fn try_from(wire: $wire) -> Result<Self, MalformedError> {
                use $wire as Body;
                Ok(match wire {
                    $(Body::$body(body) => Self::$body(Wire::read(body, stringify!($body))?),)*
                })
            }
        }

        impl From<$name> for $wire {
            fn from(body: $name) -> Self {
                match body {
                    $($name::$body(body) => Self::$body(Wire::write(body)),)*
                }
            }
        }

        $crate::declare::nested!($name = $wire);

        #[cfg(any(test, feature = "test-utils"))]
        impl $crate::sample::Sample for $name {
            fn sample(source: &mut $crate::sample::Source) -> Self {
                let bodies: &[fn(&mut $crate::sample::Source) -> Self] =
                    &[$(|source| Self::$body(source.any()),)*];
                source.one_of(bodies)(source)
            }
        }
    };
}

/// An enum of the schema without its unspecified member.
macro_rules! members {
    (
        $(#[$doc:meta])* $name:ident {
            $($(#[$member_doc:meta])* $member:ident,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$member_doc])* $member,)*
        }

        $crate::declare::codes!($name { $($member,)* });
    };
}

/// The numbers of an enum's members. The unspecified one and what no member has are refused.
macro_rules! codes {
    ($name:ident { $($member:ident),* $(,)? }) => {
        impl Wire<i32> for $name {
            fn read(wire: i32, field: &'static str) -> Result<Self, MalformedError> {
                match v1::$name::try_from(wire) {
                    $(Ok(v1::$name::$member) => Ok(Self::$member),)*
                    Ok(v1::$name::Unspecified) | Err(_) => Err(MalformedError {
                        field,
                        expected: Expected::Member,
                        found: Found::Member(wire),
                    }),
                }
            }

            fn write(self) -> i32 {
                match self {
                    $(Self::$member => v1::$name::$member.into(),)*
                }
            }
        }

        #[cfg(any(test, feature = "test-utils"))]
        impl $crate::sample::Sample for $name {
            fn sample(source: &mut $crate::sample::Source) -> Self {
                *source.one_of(&[$(Self::$member,)*])
            }
        }
    };
}

/// An enum in a field where nothing need be said. `every`: what no member has is refused. `known`:
/// it is nothing as well, for what a later version may add and nothing depends on.
macro_rules! optional {
    (every $name:ident) => {
        $crate::declare::optional!($name, |wire, field| {
            (wire != 0).then(|| $name::read(wire, field)).transpose()
        });
    };
    (known $name:ident) => {
        $crate::declare::optional!($name, |wire, field| Ok($name::read(wire, field).ok()));
    };
    ($name:ident, |$wire:ident, $field:ident| $read:expr) => {
        impl Wire<i32> for Option<$name> {
            fn read($wire: i32, $field: &'static str) -> Result<Self, MalformedError> {
                $read
            }

            fn write(self) -> i32 {
                self.map_or(0, Wire::write)
            }
        }
    };
}

pub(crate) use {bodies, codes, members, message, nested, optional};
