//! keepalived's configuration (keepalived.conf(5)): its members agree by VRRP version 3 (RFC 5798) which of them has
//! the shared address.
//!
//! The advertisements go to each member by its address: a cloud's networks need not carry multicast. There is no
//! password: version 3 dropped it because everyone on the network could read it (RFC 5798, section 9). The firewall
//! decides which machines may send VRRP.
//!
//! fmc does not know the kernel's name of the interface. Before keepalived starts, a script finds the interface by the
//! machine's own address and writes the line that the configuration includes.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::{ALIVE, ALIVE_PATH, VirtualRouter};

/// Where the configuration is.
pub const PATH: &str = "/etc/keepalived/keepalived.conf";

/// The line that says the interface, written before keepalived starts.
pub const INTERFACE: &str = "/etc/keepalived/interface.conf";

/// The script that writes it.
pub const FIND: &str = "/usr/local/bin/fmc-keepalived-interface";

/// The script that asks the machine's balancer whether it is alive.
pub const ASK: &str = "/usr/local/bin/fmc-balancer-alive";

/// The most members that a balancer can have.
pub const MOST: usize = 8;

/// The distance between the priorities of two members.
const STEP: usize = 10;

/// The priority of the first member. 255 would mean the owner of the address, and no member is that.
const FIRST: usize = 200;

/// One member, as it sees the others.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// The cluster.
    pub cluster: String,
    /// The machine.
    pub name: String,
    /// Its place in the balancer's list: the first holds the address while it can.
    pub place: usize,
    /// How many members there are.
    pub count: usize,
    /// Its own address on the network of the shared one.
    pub address: IpAddr,
    /// The others' addresses there.
    pub peers: Vec<IpAddr>,
    /// The shared address, with the prefix length of its subnet.
    pub shared: (IpAddr, u8),
    /// The number of the virtual router.
    pub router: VirtualRouter,
    /// Whether it takes the address back when it is well again.
    pub preempt: bool,
}

impl Member {
    /// Its priority while its balancer is alive. The members' priorities differ by equal steps.
    pub fn priority(&self) -> usize {
        FIRST.saturating_sub(STEP.saturating_mul(self.place))
    }

    /// The penalty while its balancer is dead: it falls below every other member.
    pub fn penalty(&self) -> usize {
        STEP.saturating_mul(self.count)
    }
}

/// The configuration of one member.
pub fn configuration(member: &Member) -> String {
    let Member { cluster, name, address, shared: (shared, prefix), router, preempt, .. } = member;
    let mut text = format!(
        "# The shared address of the load balancer of the cluster {cluster}, written by fmc.\n\
         global_defs {{\n    router_id {name}\n    enable_script_security\n    script_user nobody\n    vrrp_version 3\n}}\n\n\
         vrrp_script alive {{\n    script \"{ASK}\"\n    interval 2\n    timeout 2\n    fall 2\n    rise 2\n"
    );
    // Writing to a String cannot fail. Without preemption a lower priority never loses the address, so a member whose
    // balancer is dead has to leave the election: a script without weight does that.
    if *preempt {
        let _ = writeln!(text, "    weight -{}", member.penalty());
    }
    let _ = write!(
        text,
        "}}\n\nvrrp_instance {cluster} {{\n    include {INTERFACE}\n    state BACKUP\n    virtual_router_id {router}\n    \
         priority {}\n    advert_int 1\n",
        member.priority()
    );
    if !preempt {
        text.push_str("    nopreempt\n");
    }
    if !member.peers.is_empty() {
        let _ = write!(text, "    unicast_src_ip {address}\n    unicast_peer {{\n");
        for peer in &member.peers {
            let _ = writeln!(text, "        {peer}");
        }
        text.push_str("    }\n");
    }
    let _ = write!(
        text,
        "    virtual_ipaddress {{\n        {shared}/{prefix}\n    }}\n    track_script {{\n        alive\n    }}\n}}\n"
    );
    text
}

/// The script waits until an interface has the member's own address, and finds it by that.
pub fn find(member: &Member) -> String {
    let Member { address, .. } = member;
    format!(
        "#!/bin/sh\n# The shared address belongs beside {address}, on an interface whose name the kernel chose.\n\
         set -eu\n{}echo \"interface $name\" >{INTERFACE}\n",
        crate::shell::interface_with(*address)
    )
}

/// The script that checks over HTTP whether the balancer is alive.
pub fn ask() -> String {
    format!(
        "#!/bin/bash\n# Fails unless this machine's balancer is alive.\n\
         exec 3<>/dev/tcp/127.0.0.1/{ALIVE} || exit 1\n\
         printf 'GET {ALIVE_PATH} HTTP/1.0\\r\\n\\r\\n' >&3\n\
         read -r -t 1 answer <&3 && [[ $answer == *' 200 '* ]]\n"
    )
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn member() -> Member {
        Member {
            cluster: "prod".to_owned(),
            name: "lb1".to_owned(),
            place: 0,
            count: 2,
            address: [10, 17, 5, 11].into(),
            peers: vec![[10, 17, 5, 12].into()],
            shared: ([10, 17, 5, 10].into(), 24),
            router: VirtualRouter::new(10).unwrap(),
            preempt: true,
        }
    }

    /// keepalived judges the text with the included line in place, an existing script, and root as the script's user:
    /// with another user keepalived 2.2.7 ends itself in a test, because it checks for a parent process.
    /// `tests/balancer` runs the text unchanged.
    #[track_caller]
    fn judge(text: &str) {
        let include = format!("include {INTERFACE}");
        assert!(text.contains(&include) && text.contains(ASK), "{text}");
        let text = text.replace(&include, "interface ens3").replace(ASK, "/usr/bin/true");
        let text = text.replace("script_user nobody", "script_user root");
        fmc_testkit::keepalived::check(&text, &["ens3"]).unwrap();
        fmc_testkit::keepalived::check(&text, &["ens4"]).unwrap_err();
    }

    #[test]
    fn two_members() {
        let text = configuration(&member());
        judge(&text);
        expect![[r##"
            # The shared address of the load balancer of the cluster prod, written by fmc.
            global_defs {
                router_id lb1
                enable_script_security
                script_user nobody
                vrrp_version 3
            }

            vrrp_script alive {
                script "/usr/local/bin/fmc-balancer-alive"
                interval 2
                timeout 2
                fall 2
                rise 2
                weight -20
            }

            vrrp_instance prod {
                include /etc/keepalived/interface.conf
                state BACKUP
                virtual_router_id 10
                priority 200
                advert_int 1
                unicast_src_ip 10.17.5.11
                unicast_peer {
                    10.17.5.12
                }
                virtual_ipaddress {
                    10.17.5.10/24
                }
                track_script {
                    alive
                }
            }
        "##]]
        .assert_eq(&text);
    }

    #[test]
    fn who_keeps_the_address_leaves_the_election_when_it_is_not_well() {
        let text = configuration(&Member { preempt: false, ..member() });
        judge(&text);
        assert!(text.contains("nopreempt") && !text.contains("weight"), "{text}");
    }

    #[test]
    fn one_member_and_ipv6() {
        judge(&configuration(&Member { peers: Vec::new(), count: 1, ..member() }));
        let six = |last: &str| format!("fd00:17::{last}").parse::<IpAddr>().unwrap();
        judge(&configuration(&Member {
            address: six("11"),
            peers: vec![six("12")],
            shared: (six("10"), 64),
            ..member()
        }));
    }

    #[test]
    fn a_member_with_a_dead_balancer_falls_below_all_others() {
        let most = MOST;
        let members: Vec<Member> = (0..most).map(|place| Member { place, count: most, ..member() }).collect();
        let lowest = members.iter().map(Member::priority).min().unwrap();
        for (one, next) in members.iter().zip(members.iter().skip(1)) {
            assert!(one.priority() > next.priority());
        }
        for one in &members[..most - 1] {
            let fallen = one.priority() - one.penalty();
            assert!((1..=254).contains(&one.priority()) && fallen >= 1 && fallen < lowest, "{one:?}");
        }
    }

    #[test]
    fn the_scripts() {
        expect![[r##"
            #!/bin/sh
            # The shared address belongs beside 10.17.5.11, on an interface whose name the kernel chose.
            set -eu
            until name=$(ip -oneline address show to 10.17.5.11/32 | awk '{ print $2; exit }') && [ -n "$name" ]; do
                sleep 1
            done
            name=${name%@*}
            echo "interface $name" >/etc/keepalived/interface.conf
        "##]].assert_eq(&find(&member()));
        expect![[r#"
            #!/bin/bash
            # Fails unless this machine's balancer is alive.
            exec 3<>/dev/tcp/127.0.0.1/8405 || exit 1
            printf 'GET /ping HTTP/1.0\r\n\r\n' >&3
            read -r -t 1 answer <&3 && [[ $answer == *' 200 '* ]]
        "#]]
        .assert_eq(&ask());
    }
}
