//! The inside of a cluster, as typed values: workloads that are secure by default, their manifests, and the provider that applies
//! them to a Kubernetes API.
//!
//! A [`Platform`](platform::Platform) is a role of a cloud. It compiles to [manifests](manifest::Manifest), and
//! [`Kubernetes`](provider::Kubernetes) plans and applies them over a [`ApiLink`](link::ApiLink).

pub mod account;
pub mod alertmanager;
pub mod budget;
pub mod ceph;
pub mod config_map;
pub mod connection;
pub mod container;
pub mod daemon;
pub mod gateway;
pub mod grafana;
pub mod image_lock;
pub mod ingress;
pub mod jenkins;
pub mod job;
pub mod kafka;
pub mod kind;
pub mod kube_state_metrics;
pub mod link;
pub mod manifest;
pub mod name;
pub mod object;
pub mod operator;
pub mod outside;
pub mod overlay;
pub mod platform;
pub mod postgres;
pub mod prometheus;
pub mod provider;
pub mod quantity;
pub mod quota;
pub mod raw;
pub mod redis;
pub mod secret;
pub mod stateful;
pub mod traefik;
pub mod workload;

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "registry")]
pub mod registry;
#[cfg(feature = "sim")]
pub mod sim;

mod compare;
mod compile;
mod operated;
mod schema;
mod setters;
mod typed;
