//! Redis as a value: a cache, or with its data on a volume.

use fmc::graph::Action;
use fmc::prelude::*;
use fmc_k8s::container::Container;
use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::redis::Redis;
use fmc_k8s::workload::Deployment;

use crate::check::{container, kinds, one};
use crate::cloud::{World, steps};

const IMAGE: &str =
    "docker.io/valkey/valkey:9.1.0@sha256:0000000000000000000000000000000000000000000000000000000000000000";

fn cache() -> Redis {
    Redis::new("cache", IMAGE, 256.mib())
}

/// A cache and a store, and a workload that asks the cache.
pub(crate) fn shop() -> Platform {
    let asks: Container = container("web").secret_variable("REDIS_PASSWORD", cache().secret());
    let namespace = Namespace::new("shop")
        .deployment(Deployment::new("web", asks).ready_within(0))
        .redis(cache().ready_within(0))
        .redis(Redis::new("sessions", IMAGE, 128.mib()).keep(1.gib()).class("block").ready_within(0))
        .connect("web", "cache", "redis");
    Platform::on("single").namespace(namespace)
}

fn arguments(world: &World<fmc_k8s::sim::Sim>, kind: &str, name: &str) -> Vec<String> {
    let object = world.cluster.object(kind, "shop", name).unwrap();
    let all = object.pointer("/spec/template/spec/containers/0/args").unwrap().as_array().unwrap().clone();
    all.iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

#[test]
fn its_memory_is_below_the_limit_and_its_password_is_a_secret() {
    let world = World::new();
    world.apply(&shop());
    let cache = arguments(&world, "deployment", "cache");
    let of = |all: &[String], key: &str| {
        let at = all.iter().position(|one| one == key).unwrap();
        all[at + 1].clone()
    };
    assert_eq!(of(&cache, "--maxmemory"), (192 << 20).to_string());
    assert_eq!(of(&cache, "--maxmemory-policy"), "allkeys-lru");
    assert_eq!(of(&cache, "--requirepass"), "$(REDIS_PASSWORD)");
    let sessions = arguments(&world, "stateful-set", "sessions");
    assert_eq!(of(&sessions, "--maxmemory"), (64 << 20).to_string());
    assert_eq!(
        (of(&sessions, "--maxmemory-policy"), of(&sessions, "--appendonly")),
        ("noeviction".to_owned(), "yes".to_owned())
    );
    assert!(world.cluster.object("claim", "shop", "data-sessions-0").is_some());
    // One secret for both who know it, and pods of both start again with a new one.
    assert!(world.cluster.object("secret", "shop", "cache-password").is_some());
    let plan = world.plan(shop());
    assert!(plan.is_empty(), "{plan}");
}

#[test]
fn a_cache_that_becomes_a_store_is_another_object() {
    let world = World::new();
    let of = |redis| Platform::on("single").namespace(Namespace::new("shop").redis(redis));
    world.apply(&of(cache()));
    let plan = world.apply(&of(cache().keep(1.gib()).class("block")));
    assert!(steps(&plan).contains(&(Action::Delete, "deployment/shop/cache".to_owned())), "{plan}");
    assert!(steps(&plan).contains(&(Action::Create, "stateful-set/shop/cache".to_owned())), "{plan}");
}

#[test]
fn each_mistake_is_found_in_its_own_settings() {
    let of = |redis| Platform::on("single").namespace(Namespace::new("shop").redis(redis));
    let find = |redis, kind: &str, path: &str| one(of(redis), kind, &format!("namespaces[0].redis[0]{path}"));
    find(Redis::new("cache", "docker.io/valkey/valkey:9.1.0", 64.mib()), "platform-unpinned", ".image");
    find(cache().class("block"), "platform-no-claim", ".class");
    find(Redis::new("a".repeat(60).as_str(), IMAGE, 64.mib()), "platform-value", ".name");
    find(Redis::new("1cache", IMAGE, 64.mib()), "platform-value", ".name");
    let found = kinds(of(Redis::new("Cache", "valkey", Size::bytes(0)).keep("1x")));
    let paths: Vec<&str> = found.iter().map(|(_, path)| path.as_str()).collect();
    let at = "roles[0].platform.namespaces[0].redis[0]";
    assert_eq!(paths, ["image", "keep", "memory", "name"].map(|key| format!("{at}.{key}")));
    let twice = Namespace::new("shop").redis(cache()).redis(cache().password(Secret::file("other", "p")));
    one(Platform::on("single").namespace(twice), "platform-twice", "namespaces[0].redis[1]");
}
