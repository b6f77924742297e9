//! A time server for guests without access to another.

use crate::libvirtd::Own;
use crate::program::python;
use crate::tree::write;

const SERVER: &str = include_str!("ntp.py");

/// Starts a time server beside a libvirtd of the tests' own. It serves this machine's time on every address
/// that the hypervisor has on the guests' networks. [`Own::said`] lists the clients under the name `ntp`.
pub fn start(host: &Own) {
    let script = host.path().join("ntp.py");
    write(&script, SERVER.as_bytes());
    host.start_inside("ntp", &format!("exec {} '{}'", python(), script.display()));
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// A client by the same RFC. It prints the answer's version, mode, stratum, the client's own time stamp,
    /// and whether the time is right.
    const CLIENT: &str = "import socket, struct, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1); \
        s.sendto(bytes([0x23]) + bytes(39) + b\"mystamps\", (\"127.0.0.1\", 123)); a = s.recv(1024); \
        print(len(a), a[0], a[1], a[24:32].decode(), abs(struct.unpack(\"!I\", a[40:44])[0] - 2208988800 - time.time()) < 5)";

    #[test]
    fn it_tells_the_time() {
        let host = Own::start();
        start(&host);
        let asked = Instant::now();
        let answer = loop {
            match host.inside(&format!("{} -c '{CLIENT}'", python())) {
                Ok(said) => break said,
                Err(refused) => {
                    assert!(asked.elapsed() < Duration::from_secs(20), "{refused}{}", host.said("ntp"))
                }
            }
        };
        assert_eq!(answer.trim(), "48 36 1 mystamps True");
        // The server answers before it prints the client. A client that gave up is printed too.
        while !host.said("ntp").lines().any(|line| line == "127.0.0.1") {
            assert!(asked.elapsed() < Duration::from_secs(20), "{}", host.said("ntp"));
        }
    }
}
