//! How findings speak of many: the first by name, and how many there are besides.

/// `worker1`, `worker1 and 1 other machine`, `worker1 and 5 other machines`.
pub(crate) fn first_of(first: &str, count: usize, noun: &str) -> String {
    match count {
        0 | 1 => first.to_owned(),
        2 => format!("{first} and 1 other {noun}"),
        _ => format!("{first} and {} other {noun}s", count - 1),
    }
}
