//! `check`: all findings, how much of each host the cloud uses, and the tables that roles show of a cluster's nodes or the like. These stand
//! beside errors as well, unless the machines of the cloud are wrong.
//!
//! With `--json` it writes one array of objects with `kind`, `severity`, `at`, `message` and `help`. They have `also` if the
//! finding concerns further places, `accepted` with the reason if the cloud accepts it, and `file`, `line` and `column` if
//! the cloud comes from a file.

use fmc_core::check::budget::{Budget, Space};
use fmc_core::checked::Checked;
use fmc_core::cloud::Cloud;
use fmc_core::dns::{ZoneServer, servers_of};
use fmc_core::finding::{Finding, Severity, Words};
use fmc_core::unit::Size;

use super::args::Args;
use super::cloud_file::{CloudFile, Map};
use super::failure::Failure;
use super::io::Io;
use super::plain::{plain, plain_lines};
use super::style::{BAD, GOOD, Paint, STRONG, WARN};
use super::table::Table;
use super::wrap::wrapped;
use super::{DONE, FAILED, root_key};
use crate::json::{FilePlace, FindingView};
use crate::set::Setting;

pub(super) fn run(cloud: &Cloud, args: &Args, io: &mut Io<'_>) -> Result<u8, Failure> {
    root_key::validate(args, io)?;
    let (findings, checked) = match cloud.check() {
        Ok(checked) => (checked.findings().to_vec(), Some(checked)),
        Err(report) => (report.into_findings(), None),
    };
    let map = args.file.as_ref().map(CloudFile::map);
    // The author of a program knows what it reads; a file may come from anybody.
    let of_file = checked.as_ref().filter(|_| args.file.is_some());
    let reads = match of_file {
        Some(checked) => {
            let wanted = crate::compile(checked);
            root_key::validate_for(&wanted, args, io)?;
            root_key::reads(&wanted, args, io)?
        }
        None => String::new(),
    };
    if args.json {
        let placed: Vec<FindingView> =
            findings.iter().map(|finding| placed(finding, map.as_ref(), args)).collect();
        io.json(&placed)?;
    } else {
        let teller = Teller {
            map: map.as_ref(),
            args,
            colour: io.colour_out,
            draws: io.draw_out,
            width: io.width_out,
        };
        for (number, finding) in findings.iter().enumerate() {
            io.show(teller.tell(number, finding))?;
        }
        if let Some(checked) = &checked {
            io.show(format_args!("{}\n", budget(checked)))?;
        }
        // A person who mends an error about room sees what there is.
        let tables = match &checked {
            Some(checked) => cloud.roles.iter().flat_map(|role| role.as_spanning().tables(checked)).collect(),
            None => cloud.tables(),
        };
        for table in &tables {
            io.show(format_args!("  {}\n{}\n", plain(table.title()), Table::of_role(table)))?;
        }
        io.show(summary(&findings, checked.as_ref()))?;
        io.tell(reads)?;
    }
    Ok(if checked.is_some() { DONE } else { FAILED })
}

/// The checked cloud, for the commands that need one. Errors are shown as diagnostics.
pub(super) fn checked(cloud: &Cloud, args: &Args, io: &mut Io<'_>) -> Result<Checked, Failure> {
    match checked_or_hosts(cloud, args, io)? {
        Standing::Cloud(checked) => {
            left_out(&checked, io);
            Ok(checked)
        }
        Standing::Hosts { errors, .. } => Err(refused(errors)),
    }
}

/// Tells which parts of a cloud this program has no provider for.
fn left_out(checked: &Checked, io: &mut Io<'_>) {
    let is_kept = |server: &ZoneServer| server.key.is_some() || server.ipa.is_some();
    if !cfg!(feature = "dns") && servers_of(checked).iter().any(is_kept) {
        io.err(format_args!(
            "{}: the zones of `dns` are left out, because this program was built without the feature `dns`\n",
            Paint("warning", WARN, io.colour_err),
        ));
    }
}

/// A cloud for a command that looks at objects, or takes them away, by their marks.
pub(super) enum Standing {
    /// The cloud is right.
    Cloud(Checked),
    /// The cloud is refused, and so many errors were shown. Its name, owner and hosts are right, and are all that it has
    /// here: they suffice to find its objects.
    Hosts {
        /// The cloud without all else.
        checked: Checked,
        /// The number of errors.
        errors: usize,
    },
}

impl Standing {
    /// The cloud, and whether it is only its hosts. A person is told of that, with what the command goes by.
    pub(super) fn by_marks(self, command: &str, io: &mut Io<'_>) -> (Checked, bool) {
        match self {
            Self::Cloud(checked) => (checked, false),
            Self::Hosts { checked, errors } => {
                io.err(format_args!(
                    "{}: the cloud has {}: {command} goes by the marks of the objects of the owner `{}` on its hosts\n",
                    Paint("warning", WARN, io.colour_err),
                    count(errors, "error"),
                    checked.owner()
                ));
                (checked, true)
            }
        }
    }
}

fn refused(errors: usize) -> Failure {
    Failure::new(format!("the cloud is refused: {}", count(errors, "error")))
}

/// The checked cloud or, if it is refused, what is right of it. It fails if its name, its owner or a host is wrong.
pub(super) fn checked_or_hosts(cloud: &Cloud, args: &Args, io: &mut Io<'_>) -> Result<Standing, Failure> {
    match cloud.check() {
        Ok(checked) => Ok(Standing::Cloud(checked)),
        Err(report) => {
            let refusing = || report.findings().iter().filter(|finding| finding.refuses());
            let map = args.file.as_ref().map(CloudFile::map);
            let teller = Teller {
                map: map.as_ref(),
                args,
                colour: io.colour_err,
                draws: io.draw_err,
                width: io.width_err,
            };
            for (number, finding) in refusing().enumerate() {
                io.err_whole(teller.tell(number, finding));
            }
            let errors = refusing().count();
            match hosts_alone(cloud).check() {
                Ok(checked) => Ok(Standing::Hosts { checked, errors }),
                Err(_) => Err(refused(errors)),
            }
        }
    }
}

/// The cloud with its name, its owner and its hosts.
fn hosts_alone(cloud: &Cloud) -> Cloud {
    let mut alone = Cloud::new(cloud.name.clone());
    alone.owner.clone_from(&cloud.owner);
    (alone.prefixed, alone.lab) = (cloud.prefixed, cloud.lab);
    alone.hosts.clone_from(&cloud.hosts);
    alone.accept.clone_from(&cloud.accept);
    alone
}

/// A finding with its place in the cloud's file.
fn placed(finding: &Finding, map: Option<&Map<'_>>, args: &Args) -> FindingView {
    let set = set_by(args, finding.at()).map(|set| Setting::argument(set).to_owned());
    let place = map.filter(|_| set.is_none()).map(|map| {
        let (line, column) = map.place(finding.at());
        FilePlace { file: map.name().to_owned(), line, column }
    });
    FindingView { set, ..FindingView::new(finding, words(map), place) }
}

/// The words of the format that the author used.
fn words(map: Option<&Map<'_>>) -> Words {
    if map.is_some() { Words::File } else { Words::Rust }
}

/// Findings beyond this number are shown without their source lines: a terminal is slow, and a person stops reading.
const DRAWN_MOST: usize = 40;

/// Shows findings to a person.
struct Teller<'a> {
    map: Option<&'a Map<'a>>,
    args: &'a Args,
    colour: bool,
    draws: bool,
    width: Option<usize>,
}

impl Teller<'_> {
    fn tell(&self, number: usize, finding: &Finding) -> String {
        // If an argument has replaced the value, the line of the file is not at fault.
        let draws = self.draws && number < DRAWN_MOST && set_by(self.args, finding.at()).is_none();
        let drawn = self.map.filter(|_| draws).and_then(|map| self.draw(finding, map));
        drawn.unwrap_or_else(|| wrapped(&self.write(finding), self.width).into_owned())
    }

    fn draw(&self, finding: &Finding, map: &Map<'_>) -> Option<String> {
        let mut labels = vec![(map.range(finding.at()), plain(finding.at()).into_owned())];
        labels.extend(finding.also_at().iter().map(|at| (map.range(at), plain(at).into_owned())));
        let paths = std::iter::once(finding.at()).chain(finding.also_at().iter().map(String::as_str));
        labels.extend(paths.filter_map(|at| Some((map.alias(at)?, format!("{} by this alias", plain(at))))));
        let more = match finding.accepted() {
            Some(reason) => format!("accepted: {}", plain(reason)),
            None => format!("`{} explain {}` says more", self.args.program, finding.kind().as_str()),
        };
        let others = others(finding).map(|others| format!("the same {others}\n")).unwrap_or_default();
        let help = format!("{others}{}\n{more}", self.help(finding));
        let code = Some(finding.kind().as_str());
        let excerpt = map.excerpt(self.width);
        excerpt.draw(code, finding.refuses(), &plain(&finding.message()), &help, &labels, self.colour)
    }

    fn write(&self, finding: &Finding) -> String {
        let colour = self.colour;
        let severity = match finding.severity() {
            Severity::Error if finding.refuses() => BAD,
            Severity::Error | Severity::Warning => WARN,
        };
        let head = format!("{}[{}]", finding.severity(), finding.kind().as_str());
        let message = finding.message();
        let mut text =
            format!("{}: {}\n", Paint(head, severity, colour), Paint(plain(&message), STRONG, colour));
        text += &format!("  at {}\n", self.place(finding.at()));
        for at in finding.also_at() {
            text += &format!("  and {}\n", self.place(at));
        }
        if let Some(others) = others(finding) {
            text += &format!("  and {others}\n");
        }
        text += &format!("  {}: {}\n", Paint("help", GOOD, colour), self.help(finding));
        match finding.accepted() {
            Some(reason) => text += &format!("  accepted: {}\n", plain(reason)),
            None => {
                text += &format!("  `{} explain {}` says more\n", self.args.program, finding.kind().as_str())
            }
        }
        text.push('\n');
        text
    }

    /// The help, in the words of the format that the author used.
    fn help(&self, finding: &Finding) -> String {
        plain_lines(&finding.help_in(words(self.map))).into_owned()
    }

    /// A path, after its line and column if it is in a file, or the argument that set the value.
    fn place(&self, path: &str) -> String {
        if let Some(set) = set_by(self.args, path) {
            return format!("--set {}", plain(set.argument()));
        }
        self.map.map_or_else(
            || plain(path).into_owned(),
            |map| {
                let (line, column) = map.place(path);
                let by = map.alias_line(path).map(|line| format!(" (by the alias in line {line})"));
                format!("{}:{line}:{column} {}{}", plain(map.name()), plain(path), by.unwrap_or_default())
            },
        )
    }
}

/// The other machines with the same fault.
fn others(finding: &Finding) -> Option<String> {
    let machines = &finding.machines();
    (!machines.is_empty()).then(|| format!("on {} more: {}", machines.len(), plain(&machines.to_string())))
}

/// The last argument that set the value at a path.
fn set_by<'a>(args: &'a Args, path: &str) -> Option<&'a Setting> {
    args.set.iter().rev().find(|set| set.covers(path))
}

/// How much of each host the cloud uses.
fn budget(checked: &Checked) -> Table {
    let mut table =
        Table::new(["host", "resource", "taken", "reserve", "there is", "left"]).right(&[2, 3, 4, 5]);
    let known = |size: Option<Size>| size.map_or_else(|| "not said".to_owned(), |size| size.to_string());
    for Budget { host, memory, cpus, pools, .. } in Budget::of(checked) {
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
        for Space { pool, capacity, full, thin, .. } in pools {
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
    let accepted = findings.iter().filter(|finding| finding.accepted().is_some()).count();
    let errors = findings.iter().filter(|finding| finding.refuses()).count();
    let warnings = findings.len() - accepted - errors;
    let size = checked.map_or_else(String::new, |checked| {
        format!(
            "{} · {} · {}: ",
            count(checked.hosts().len(), "host"),
            count(checked.networks().len(), "network"),
            count(checked.machines().len(), "machine")
        )
    });
    format!("{size}{}, {}, {accepted} accepted\n", count(errors, "error"), count(warnings, "warning"))
}

/// A number of things, as `1 host` or `2 hosts`.
pub(super) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
