//! The commands as a person meets them: what they write, where, and how they end.

mod compile;
mod input;
mod life;
mod secrets;
mod stage;
