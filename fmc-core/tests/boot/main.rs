//! What machines boot with, judged by the programs that read it.

mod cloud_init;
mod contents;
mod disks;
mod guests;
mod ignition;
mod iso;
mod order;
mod secrets;
