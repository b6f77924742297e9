//! Platforms that dice chose, placed by the real scheduler.

use std::collections::BTreeMap;

use fmc_k8s::platform::{Namespace, Platform};
use fmc_k8s::stateful::Stateful;

use super::{Comes, Scheduled};
use crate::room::{asks, shaped, sized};

/// Numbers from a seed (xorshift64*).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % most
    }

    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }
}

#[test]
fn random_platforms_are_placed_as_the_check_said() {
    let mut cluster = Scheduled::start();
    let mut seen = BTreeMap::<&str, u32>::new();
    for case in 1..=20_u64 {
        let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ (case << 8));
        let mut node = |name: String| (name, dice.between(2, 4) as u32, dice.between(8, 32) as u32 * 256);
        let count = 1 + case as usize % 5;
        let nodes: Vec<(String, u32, u32)> =
            (0..count).map(|index| node(format!("n{case}x{index}"))).collect();
        let sizes: Vec<(&str, u32, u32)> =
            nodes.iter().map(|(name, cpus, memory)| (name.as_str(), *cpus, *memory)).collect();
        let (servers, agents) = sizes.split_at(1);
        let zoned = dice.below(3) == 0;
        let avoided = dice.below(3) == 0;
        let cloud = shaped(
            servers,
            agents,
            |cluster| cluster,
            |machine| {
                let name = machine.name.to_string();
                let machine = if zoned && name.ends_with(['0', '2']) {
                    machine.label(format!("topology.kubernetes.io/zone={}", &name[..1]))
                } else {
                    machine
                };
                if avoided && name.ends_with('0') {
                    machine.taint("example.com/slow:PreferNoSchedule")
                } else {
                    machine
                }
            },
        );
        let memory: u64 = sizes.iter().map(|(.., memory)| u64::from(*memory)).sum();
        let cpus: u64 = sizes.iter().map(|(_, cpus, _)| u64::from(*cpus) * 1000).sum();
        // Half to a little more than all that the nodes have, in some workloads.
        let load = dice.between(30, 105);
        let workloads = dice.between(1, 6);
        let mut namespace = Namespace::new(format!("case{case}"));
        for index in 0..workloads {
            let replicas = dice.between(1, 5);
            let share = |all: u64, dice: &mut Dice| {
                (all * load / 100 / workloads / replicas * dice.between(40, 130) / 100).max(1) as u32
            };
            let (cpu, ram) = (share(cpus, &mut dice), share(memory, &mut dice));
            let name = format!("w{index}");
            namespace = if dice.below(4) == 0 {
                namespace
                    .stateful(Stateful::new(name.clone(), sized(&name, cpu, ram)).replicas(replicas as u16))
            } else {
                namespace.deployment(asks(&name, replicas as u16, cpu, ram))
            };
        }
        let comes = if case % 2 == 0 { Comes::InOrder } else { Comes::AtOnce };
        let kind = cluster.judge(cloud, &Platform::on("single").namespace(namespace), comes);
        *seen.entry(kind).or_default() += 1;
    }
    println!("{seen:?}");
    assert!(seen.len() >= 3, "the cases differ: {seen:?}");
}
