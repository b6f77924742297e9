//! Debian's `ipa-client-install`, in a host of a lab. No registry has a server for it, so that it goes as far as the server.
//!
//! Its packages replace a machine's own program of time, so they are unpacked into the host's layers, and nothing is installed.

use std::path::Path;
use std::time::Duration;

use crate::netns::Lab;
use crate::program::{command, run};

/// Fetches the packages that this machine lacks, in the versions of its suite, and unpacks them. Those that would replace packages of the
/// machine are left as they are.
const FETCH: &str = "cd \"$1\" && mkdir all && packages=$(apt-get install --simulate --no-install-recommends freeipa-client | \
    awk '/^Inst/ && $3 !~ /^\\[/ && $2 != \"chrony\" { print $2 }') && apt-get download --quiet $packages && \
    for package in *.deb; do dpkg-deb --extract \"$package\" all; done && rm ./*.deb";

const COPY: &str = "for folder in usr etc var; do [ ! -d \"$1/$folder\" ] || cp -a \"$1/$folder/.\" \"/$folder/\"; done; \
    [ ! -d \"$1/lib\" ] || cp -a \"$1/lib/.\" /usr/lib/; ldconfig; mkdir -p /etc/ipa /var/lib/ipa-client/sysrestore /var/lib/ipa-client/pki";

/// Puts `ipa-client-install` and all that it needs into a host.
///
/// # Panics
///
/// When Debian's packages cannot be fetched or unpacked.
#[expect(clippy::panic, reason = "a test that could not run is never green")]
pub fn install(lab: &Lab, host: &str) {
    let fetch = |folder: &Path| {
        let mut fetch = command("sh");
        run(fetch.args(["-c", FETCH, "ipa_client.sh"]).arg(folder)).success().map(drop)?;
        Ok(())
    };
    let folder = xtask::kept::kept("ipa-client", &["bookworm".to_owned()], fetch)
        .unwrap_or_else(|failure| panic!("ipa-client-install: {failure}"));
    let all = folder.join("all").display().to_string();
    lab.run_for(host, Duration::from_secs(120), &["sh", "-c", COPY, "ipa_client.sh", &all])
        .unwrap_or_else(|refused| panic!("{refused}"));
}
