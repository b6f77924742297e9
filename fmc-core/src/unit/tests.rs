use proptest::prelude::*;

use super::*;
use crate::given::tests::{reads_back, refused_or_reads_back};

#[test]
fn sizes_that_are_right() {
    let cases = [
        ("2GiB", 2 << 30, "2 GiB"),
        ("2 GiB", 2 << 30, "2 GiB"),
        ("1536 MiB", 1536 << 20, "1536 MiB"),
        ("2048 MiB", 2 << 30, "2 GiB"),
        ("1 B", 1, "1 B"),
        ("4KiB", 4096, "4 KiB"),
        ("51200000000 B", 51_200_000_000, "50000000 KiB"),
        ("8388607 TiB", 8_388_607 << 40, "8388607 TiB"),
        ("9223372036854775807 B", i64::MAX.unsigned_abs(), "9223372036854775807 B"),
    ];
    for (text, bytes, shown) in cases {
        let size = Size::parse(text).unwrap();
        assert_eq!((size.as_bytes(), size.to_string().as_str()), (bytes, shown));
    }
}

#[test]
fn sizes_that_are_refused_and_why() {
    let cases = [
        ("", "it is not a whole number with a unit: write, for example, 2 GiB"),
        ("GiB", "it is not a whole number with a unit: write, for example, 2 GiB"),
        ("-1 GiB", "it is not a whole number with a unit: write, for example, 2 GiB"),
        ("0.5 GiB", "a size is a whole number: write 512 MiB"),
        ("1.5GiB", "a size is a whole number: write 1536 MiB"),
        ("0.3 GiB", "a size is a whole number: write 322122547 B"),
        ("128Mi", "the unit is written MiB here: write 128 MiB"),
        ("10 Gi", "the unit is written GiB here: write 10 GiB"),
        ("2048", "it has no unit: write, for example, 2048 MiB or 2048 GiB"),
        (
            "51200 MB",
            "MB means 1000 to some programs and 1024 to others: write 51200 MiB (or 51200000000 B if decimal was meant)",
        ),
        (
            "2G",
            "G means 1000 to some programs and 1024 to others: write 2 GiB (or 2000000000 B if decimal was meant)",
        ),
        (
            "2kB",
            "kB means 1000 to some programs and 1024 to others: write 2 KiB (or 2000 B if decimal was meant)",
        ),
        ("99999999 TB", "TB means 1000 to some programs and 1024 to others: write 99999999 TiB"),
        ("2gib", "the unit is written GiB: write 2 GiB"),
        ("2 b", "the unit is written B: write 2 B"),
        ("0 GiB", "it is zero: write at least 1 B, usually some MiB or GiB"),
        ("9223372036854775808 B", "it is too large: the maximum is 8388607 TiB"),
        ("18446744073709551616 B", "it is too large: the maximum is 8388607 TiB"),
        ("99999999999 TiB", "it is too large: the maximum is 8388607 TiB"),
    ];
    for (text, why) in cases {
        assert_eq!(Size::parse(text).unwrap_err().why(), why, "{text:?}");
    }
    for text in ["1.5.2 GiB", "1. GiB", "2  GiB", "2 GiB ", "2 GiB/s", "2 ü", "1e3 MiB", "2 EiB"] {
        let error = Size::parse(text).unwrap_err();
        assert!(
            error.why().starts_with("it has no whole number before one of the units"),
            "{text:?}: {error}"
        );
    }
}

#[test]
fn sizes_from_numbers() {
    assert_eq!(
        [1.kib(), 1.mib(), 1.gib(), 1.tib()].map(Size::as_bytes),
        [1 << 10, 1 << 20, 1 << 30, 1 << 40]
    );
    assert_eq!((Size::bytes(1_572_864).as_kib(), Size::bytes(1_572_864).as_mib_floor()), (1536, 1));
    assert_eq!(Size::bytes(u64::MAX).checked_add(1.kib()), None);
    assert_eq!(Size::bytes(u64::MAX).saturating_add(1.kib()), Size::bytes(u64::MAX));
    assert_eq!(1.kib().saturating_sub(1.mib()), Size::ZERO);
    assert_eq!([1.gib(), 512.mib()].into_iter().sum::<Size>(), 1536.mib());
    assert!(1.tib() > 1023.gib());
}

#[test]
fn sizes_are_computed_and_what_is_no_size_is_a_wrong_leaf() {
    assert_eq!(2.gib() + 512.mib(), Size::mib(2560));
    assert_eq!(2.gib() - 512.mib(), Size::mib(1536));
    assert_eq!(3.gib() * 4, Size::gib(12));
    assert_eq!(5_000_000_000_u64.kib(), Size::bytes(5_120_000_000_000));
    let wrong = [
        8_388_607.tib() + 1.tib(),
        8_388_607.tib() * u64::MAX,
        u64::MAX.gib(),
        1.gib() - 1.gib(),
        1.gib() - 2.gib(),
        (-1).gib(),
    ];
    for size in wrong {
        assert!(matches!(Given::from(size), Given::Wrong { .. }), "{size:?}");
    }
}

#[test]
fn a_size_that_no_text_can_say_is_wrong_in_a_draft_too() {
    assert_eq!(Given::from(0.gib()).wrong().map(|(text, _)| text.to_owned()), Some("0 B".to_owned()));
    assert!(Given::from(u32::MAX.tib()).wrong().is_some());
    assert_eq!(Given::from(2.gib()), Given::Right(Size::gib(2)));
}

#[test]
fn counts() {
    for (text, right) in [
        ("1", true),
        ("4096", true),
        ("0", false),
        ("4097", false),
        ("+1", false),
        ("two", false),
        ("", false),
    ] {
        assert_eq!(Cpus::parse(text).is_ok(), right, "{text:?}");
    }
    for (text, right) in
        [("68", true), ("65535", true), ("67", false), ("65536", false), ("9k", false), ("", false)]
    {
        assert_eq!(Mtu::parse(text).is_ok(), right, "{text:?}");
    }
    assert_eq!(Given::<Cpus>::from(2).ok().map(|cpus| cpus.get()), Some(2));
    assert_eq!(Given::<Cpus>::from(70_000).wrong(), Some(("70000", "it is a whole number from 1 to 4096")));
    assert_eq!((Cpus::new(0), Cpus::new(65_537), Cpus::MAX.get()), (None, None, 4096));
    assert_eq!(Mtu::new(1500), Some(Mtu::ETHERNET));
}

#[test]
fn counts_are_numbers_in_a_file() {
    let read: Vec<Given<Cpus>> = serde_json::from_str(r#"[2, "2", 0, 2.0, -1, true]"#).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), r#"[2,2,"0","2.0","-1","true"]"#);
    assert_eq!(serde_json::to_string(&Mtu::ETHERNET).unwrap(), "1500");
}

#[test]
fn modes() {
    const SECRET: FileMode = FileMode::new(0o600);
    assert_eq!(
        (SECRET.to_string(), format!("{SECRET:?}")),
        ("0600".to_owned(), "FileMode(0o0600)".to_owned())
    );
    assert_eq!(FileMode::parse("7777").unwrap().bits(), 0o7777);
    // 420 is 0644 in decimal; read as octal it would be another mode.
    for text in ["", "644", "420", "0o644", "00644", "0888", "+644", "rw-r--r--"] {
        assert!(FileMode::parse(text).unwrap_err().why().ends_with("\"0644\""), "{text:?}");
    }
    assert_eq!(Given::from(0o644_u16), Given::Right(FileMode::new(0o644)));
    assert!(Given::<FileMode>::from(0o10000_u16).wrong().is_some());
    assert!(serde_json::from_str::<Given<FileMode>>("644").unwrap().wrong().is_some());
}

#[test]
fn durations() {
    for (text, seconds) in [("60s", 60), ("0s", 0), ("5m", 300), ("5min", 300), ("4294967295s", u32::MAX)] {
        assert_eq!(Seconds::parse(text), Ok(Seconds::new(seconds)));
    }
    for text in ["", "60", "s", "1h", "1.5s", "-1s", "4294967296s", "71582789min"] {
        assert!(Seconds::parse(text).is_err(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn text_reads_back(bytes in 1..=i64::MAX.unsigned_abs(), shift in 0..60_u32, cpus in 1..=4096_u32, mtu in 68..=65535_u32, mode in 0..=0o7777_u16, seconds: u32) {
        let size = Size::bytes((bytes >> shift << shift).max(1));
        reads_back(&size);
        let cpus = Cpus::new(cpus).unwrap();
        reads_back(&cpus);
        let mtu = Mtu::new(mtu).unwrap();
        reads_back(&mtu);
        reads_back(&FileMode::new(mode));
        reads_back(&Seconds::new(seconds));
    }

    #[test]
    fn text_of_any_kind_never_panics(text in "[0-9+-]{0,22} ?[A-Za-zü]{0,3}") {
        refused_or_reads_back::<Size>(&text);
        refused_or_reads_back::<Cpus>(&text);
        refused_or_reads_back::<Mtu>(&text);
        refused_or_reads_back::<FileMode>(&text);
        refused_or_reads_back::<Seconds>(&text);
    }
}
