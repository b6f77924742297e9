use proptest::prelude::*;

use super::*;
use crate::given::tests::{reads_back, refused_or_reads_back};

fn refused<T: Leaf>(cases: &[(&str, &str)]) {
    for (text, why) in cases {
        let error = T::parse(text).unwrap_err();
        assert!(error.why().contains(why), "{text:?}: {}", error.why());
    }
}

fn right<T: Leaf>(texts: &[&str]) {
    for text in texts {
        let value = T::parse(text).unwrap();
        assert_eq!(value.to_string(), *text);
        reads_back(&value);
    }
}

#[test]
fn durations() {
    right::<Duration>(&["0s", "10m", "1h30m", "1h1m1s1ms", "500ms"]);
    for (text, milliseconds) in [("90s", 90_000), ("5m0s", 300_000), ("0s0m", 0), ("1m60s", 120_000)] {
        assert_eq!(Duration::parse(text).unwrap().as_millis(), milliseconds, "{text}");
    }
    let unit = "whole numbers with the units h, m, s and ms";
    refused::<Duration>(&[
        ("", unit),
        ("10", unit),
        ("m", unit),
        ("-5m", unit),
        ("5 m", unit),
        ("1d", unit),
        ("1m5", unit),
        ("99999999999999999999h", unit),
    ]);
    let given: Given<Duration> = Seconds::new(300).into();
    assert_eq!(given.ok().map(ToString::to_string).as_deref(), Some("5m"));
}

#[test]
fn schedules() {
    right::<Schedule>(&[
        "0 */12 * * *",
        "*/5 0-6 1,15 jan-mar MON",
        "59 23 31 12 6",
        "@daily",
        "@every 6h",
        "0 0-12/2 * * ?",
        "0 0 29 2 *",
        "0 0 31 2 mon",
        "0 0 31 2-3 *",
        "0 0 */31 2 *",
    ]);
    assert_eq!(Schedule::parse("0  1 * * *").unwrap().as_str(), "0 1 * * *");
    refused::<Schedule>(&[
        ("", "it has 0 fields, and a schedule has five"),
        ("0 0 * * * *", "it has 6 fields"),
        ("60 * * * *", "its minute \"60\" must be from 0 to 59"),
        ("* 24 * * *", "its hour"),
        ("* * 0 * *", "its day of the month"),
        ("* * * 13 *", "its month"),
        ("* * * * 7", "must be from 0 to 6, and Sunday is 0"),
        ("* * * * 0-7", "its day of the week"),
        ("0 0 31 2 *", "it never comes: no month 2 has a day 31"),
        ("0 0 30,31 feb ?", "it never comes"),
        ("0 0 31 4-6/2 */2", "it never comes"),
        ("0 0 31/1 nov *", "it never comes"),
        ("*/0 * * * *", "its minute"),
        ("5-1 * * * *", "its minute"),
        ("+5 * * * *", "its minute"),
        ("1,, * * * *", "its minute"),
        ("@sometimes", "@sometimes is not known"),
        ("@every 6", "@every 6 is not known"),
    ]);
}

#[test]
fn ports_addresses_and_urls() {
    right::<PortRange>(&["30000-32767", "1-1", "1-65535"]);
    refused::<PortRange>(&[
        ("30000", "it has no `-`"),
        ("0-5", "a port that is not 1 to 65535"),
        ("1-65536", "a port that is not 1 to 65535"),
        ("32767-30000", "it ends before it begins: write 30000-32767"),
    ]);
    right::<Port>(&["1", "65535"]);
    refused::<Port>(&[
        ("0", "1 to 65535"),
        ("65536", "1 to 65535"),
        ("+5", "1 to 65535"),
        ("", "1 to 65535"),
    ]);
    right::<Count>(&["0", "2147483647"]);
    refused::<Count>(&[("2147483648", "0 to"), ("-1", "0 to"), ("5.0", "0 to")]);
    right::<Bind>(&["0.0.0.0", "::", "10.17.4.21"]);
    refused::<Bind>(&[
        ("224.0.0.1", "multicast"),
        ("eth0", "not an IP address"),
        ("10.0.0.0/8", "not an IP address"),
    ]);
    right::<ServerUrl>(&["https://10.17.4.20:6443", "https://[fd00::1]:6443", "https://api.example/"]);
    refused::<ServerUrl>(&[
        ("http://10.17.4.20:6443", "K3s joins by https:// only: write https://10.17.4.20:6443"),
        ("10.17.4.20:6443", "does not begin with https://"),
        ("https://a.example:6443/v1", "nothing stands behind the port: write https://a.example:6443"),
    ]);
}

#[test]
fn lines_and_arguments() {
    right::<Line>(&["a", " a: b # c"]);
    refused::<Line>(&[("", "leave the key out"), ("a\nb", "a line break"), ("a\u{7f}", "control character")]);
    right::<Argument>(&[
        "audit-log-maxage=30",
        "v=2",
        "enable-admission-plugins+=NodeRestriction",
        "x",
        "a-=b",
    ]);
    refused::<Argument>(&[
        ("--audit-log-maxage=30", "K3s adds the dashes itself: write audit-log-maxage=30"),
        ("", "the form FLAG=VALUE"),
        ("=5", "the form FLAG=VALUE"),
        ("a b=c", "the form FLAG=VALUE"),
        ("a=b\nc", "the form FLAG=VALUE"),
    ]);
    assert_eq!(Argument::parse("a=b=c").unwrap().flag(), "a");
}

proptest! {
    #[test]
    fn nothing_panics(any in "\\PC*", near in "[-0-9hms@* /,:.]{0,16}") {
        for text in [any, near] {
            refused_or_reads_back::<Duration>(&text);
            refused_or_reads_back::<Schedule>(&text);
            refused_or_reads_back::<PortRange>(&text);
            refused_or_reads_back::<Bind>(&text);
            refused_or_reads_back::<ServerUrl>(&text);
            refused_or_reads_back::<Port>(&text);
            refused_or_reads_back::<Count>(&text);
            refused_or_reads_back::<Line>(&text);
            refused_or_reads_back::<Argument>(&text);
        }
    }
}
