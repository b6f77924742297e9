#![doc = include_str!("../docs/history.md")]
