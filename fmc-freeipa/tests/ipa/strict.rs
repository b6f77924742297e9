//! The suite against the strict server.

use crate::suite;
use crate::support::{client, run, server};

#[test]
fn zones() {
    let server = server();
    run(suite::zones(&client(&server), "z1.test"));
}

#[test]
fn records() {
    let server = server();
    run(suite::records(&client(&server), "z2.test"));
}

#[test]
fn batch() {
    let server = server();
    run(suite::batch(&client(&server), "z3.test"));
}

#[test]
fn errors() {
    let server = server();
    run(suite::errors(&client(&server), "z4.test"));
}

#[test]
fn preflight() {
    let server = server();
    run(suite::preflight(&client(&server), "lab.test"));
}
