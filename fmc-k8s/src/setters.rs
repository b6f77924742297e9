//! The setters of settings that all services have, with one wording.

/// Writes setters of a service by the names of its settings: `setters! { Grafana: cpu, class, ready_within }`.
macro_rules! setters {
    (@cpu) => {
        /// The share of CPUs that it is sure of.
        #[must_use]
        pub fn cpu(self, cpu: impl Into<fmc_core::given::Given<$crate::quantity::Cpu>>) -> Self {
            Self { cpu: Some(cpu.into()), ..self }
        }
    };
    (@class) => {
        /// The storage class of its volume.
        #[must_use]
        pub fn class(self, class: impl Into<fmc_core::given::Given<$crate::name::ObjectName>>) -> Self {
            Self { class: Some(class.into()), ..self }
        }
    };
    (@ready_within) => {
        /// How long an apply waits until its pod is ready, in seconds; 0 for not at all.
        #[must_use]
        pub fn ready_within(self, seconds: u32) -> Self {
            Self { ready_within: seconds, ..self }
        }
    };
    ($service:ident: $($name:ident),+) => {
        impl $service {
            $($crate::setters::setters! { @$name })+
        }
    };
}

pub(crate) use setters;
