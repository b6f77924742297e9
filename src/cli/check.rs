//! `check`: all findings, and what the cloud takes of each host.
//!
//! With `--json` it writes one array of objects with `kind`, `severity`, `at`, `message` and `help`; `also` where a
//! finding is about further places, `accepted` with the reason where the cloud accepts it.

use fmc_core::check::budget::{Budget, Space};
use fmc_core::checked::Checked;
use fmc_core::cloud::Cloud;
use fmc_core::finding::{Finding, Severity};
use fmc_core::unit::Size;

use super::args::Args;
use super::failure::Failure;
use super::io::Io;
use super::style::{BAD, GOOD, Paint, STRONG, WARN};
use super::table::Table;
use super::{DONE, FAILED};

pub(super) fn run(cloud: &Cloud, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    let (findings, checked) = match cloud.check() {
        Ok(checked) => (checked.findings.clone(), Some(checked)),
        Err(report) => (report.into_findings(), None),
    };
    if args.json {
        io.json(&findings)?;
    } else {
        let colour = io.colour_out;
        for finding in &findings {
            io.out(show(finding, &args.program, colour))?;
        }
        if let Some(checked) = &checked {
            io.out(format_args!("{}\n", budget(checked)))?;
        }
        io.out(summary(&findings, checked.as_ref()))?;
    }
    Ok(if checked.is_some() { DONE } else { FAILED })
}

/// The checked cloud, for the commands that need one; they show what refuses it and what it warns of as diagnostics.
pub(super) fn checked(cloud: &Cloud, args: &Args, io: &mut Io<'_>) -> Result<Checked, Failure> {
    let colour = io.colour_err;
    match cloud.check() {
        Ok(checked) => Ok(checked),
        Err(report) => {
            let refused = report.findings().iter().filter(|finding| finding.refuses()).count();
            for finding in report.findings().iter().filter(|finding| finding.refuses()) {
                io.err(show(finding, &args.program, colour));
            }
            Err(Failure::new(format!("the cloud is refused: {}", count(refused, "error"))))
        }
    }
}

fn show(finding: &Finding, program: &str, colour: bool) -> String {
    let severity = match finding.severity {
        Severity::Error if finding.refuses() => BAD,
        Severity::Error | Severity::Warning => WARN,
    };
    let head = format!("{}[{}]", finding.severity, finding.kind.as_str());
    let mut text =
        format!("{}: {}\n", Paint(head, severity, colour), Paint(&finding.message, STRONG, colour));
    text += &format!("  at {}\n", finding.at);
    for at in &finding.also {
        text += &format!("  and {at}\n");
    }
    text += &format!("  {}: {}\n", Paint("help", GOOD, colour), finding.help);
    match &finding.accepted {
        Some(reason) => text += &format!("  accepted: {reason}\n"),
        None => text += &format!("  `{program} explain {}` says more\n", finding.kind.as_str()),
    }
    text.push('\n');
    text
}

/// What the cloud takes of each host.
fn budget(checked: &Checked) -> Table {
    let mut table =
        Table::new(["host", "resource", "taken", "reserve", "there is", "left"]).right(&[2, 3, 4, 5]);
    let known = |size: Option<Size>| size.map_or_else(|| "not said".to_owned(), |size| size.to_string());
    for Budget { host, machines: _, memory, cpus, pools } in Budget::of(checked) {
        let left = match memory.missing() {
            Some(missing) => format!("{missing} missing"),
            None => memory.free().map_or_else(String::new, |free| free.to_string()),
        };
        let (used, reserve) = (memory.used().to_string(), memory.reserve.to_string());
        table.row([host.to_string(), "memory".to_owned(), used, reserve, known(memory.total), left]);
        let (threads, left) = match cpus.threads() {
            None => ("not said".to_owned(), String::new()),
            Some(threads) if threads < cpus.virtual_cpus => {
                (threads.to_string(), format!("{} over", cpus.virtual_cpus - threads))
            }
            Some(threads) => (threads.to_string(), (threads - cpus.virtual_cpus).to_string()),
        };
        let vcpus = cpus.virtual_cpus.to_string();
        table.row([String::new(), "vCPUs by threads".to_owned(), vcpus, String::new(), threads, left]);
        for Space { pool, is_own: _, capacity, full, thin } in pools {
            for (how, taken) in [("at once", full), ("at most", full.saturating_add(thin))] {
                let left = match capacity {
                    None => String::new(),
                    Some(there) if there < taken => format!("{} over", taken.saturating_sub(there)),
                    Some(there) => there.saturating_sub(taken).to_string(),
                };
                let what = format!("pool {pool}, {how}");
                table.row([String::new(), what, taken.to_string(), String::new(), known(capacity), left]);
            }
        }
    }
    table
}

fn summary(findings: &[Finding], checked: Option<&Checked>) -> String {
    let accepted = findings.iter().filter(|finding| finding.accepted.is_some()).count();
    let errors = findings.iter().filter(|finding| finding.refuses()).count();
    let warnings = findings.len() - accepted - errors;
    let size = checked.map_or_else(String::new, |checked| {
        format!(
            "{} · {} · {}: ",
            count(checked.hosts.len(), "host"),
            count(checked.networks.len(), "network"),
            count(checked.machines.len(), "machine")
        )
    });
    format!("{size}{}, {}, {accepted} accepted\n", count(errors, "error"), count(warnings, "warning"))
}

/// A number of things, as `1 host` or `2 hosts`.
pub(super) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
