//! The programs that read boot configurations check them.

mod cloud_init;
mod contents;
mod disks;
mod fragments;
mod guests;
mod homes;
mod ignition;
mod iso;
mod order;
mod secrets;
mod validate;
