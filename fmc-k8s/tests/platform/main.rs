//! Platforms in a cluster in memory, through `fmc::Plan`; with the feature `client` also in a real control plane.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]

mod account;
mod alertmanager;
mod auto_deploy;
mod autoscale;
mod between;
mod ceph;
mod check;
mod cloud;
mod custom;
mod daemon;
mod drift;
mod gateway;
mod ingress;
mod jenkins;
mod job;
mod left;
mod monitoring;
mod namespace;
mod operated;
mod operator;
#[cfg(feature = "client")]
mod oracle;
mod outside;
mod overlay;
mod plan;
#[cfg(feature = "client")]
mod plane;
mod quota;
mod raw;
mod ready;
mod redis;
mod room;
mod secret;
#[path = "../../../examples/flatcar_micro_cloud/cloud.rs"]
mod seed;
#[cfg(all(feature = "client", feature = "full"))]
mod server;
mod several;
mod stateful;
mod staying;
mod traefik;
mod value;
