//! Lines of shell that several scripts of guests share.

use std::net::IpAddr;

/// Waits for the interface that has an address, and leaves its name in `$name`.
pub(crate) fn interface_with(address: IpAddr) -> String {
    let length = if address.is_ipv4() { 32 } else { 128 };
    format!(
        "until name=$(ip -oneline address show to {address}/{length} | awk '{{ print $2; exit }}') && [ -n \"$name\" ]; do\n    \
         sleep 1\ndone\n\
         name=${{name%@*}}\n"
    )
}
