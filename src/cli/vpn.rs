//! `vpn PERSON`: the configuration of a person's device for a tunnel of the cloud.

use std::io::ErrorKind;
use std::path::Path;

use fmc_core::checked::Checked;
use fmc_core::guest::TextPart;
use fmc_core::nearest::nearest;
use fmc_core::secret::{SecretBytes, Secrets};
use fmc_core::wireguard::Wireguard;

use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};

use super::DONE;
use super::args::Args;
use super::failure::Failure;
use super::io::Io;
use super::root_key;

/// Where a configuration goes, and how.
#[derive(Clone, Copy)]
pub(super) enum Form<'a> {
    /// To standard output.
    Text,
    /// To standard output, as a QR code.
    Qr,
    /// Into a new file of mode 0600.
    File(&'a Path),
}

/// Writes the configuration of one person.
pub(super) fn of(
    checked: &Checked,
    person: &str,
    tunnel: Option<&str>,
    form: Form<'_>,
    args: &Args,
    io: &mut Io<'_>,
) -> Result<u8, Failure> {
    let tunnel = chosen(checked, person, tunnel)?;
    let parts = tunnel.client(checked, person).ok_or_else(|| {
        Failure::new(format!("the tunnel {} tells people no address of its gateway", tunnel.instance_name()))
            .help("write it into the cloud: `endpoint: vpn.example.com`")
    })?;
    let keyring = root_key::keyring(&checked.secret_scope(), args, io)?;
    if keyring.is_sample() {
        root_key::say_sample("The keys of this configuration are", io);
    }
    let text = filled(parts, &*keyring)?;
    match form {
        Form::Text => io.out(String::from_utf8_lossy(text.expose()))?,
        Form::Qr => {
            let drawn = drawn(text.expose(), io.colour_out)?;
            io.out(drawn)?;
        }
        Form::File(out) => {
            root_key::write(&io.folder.join(out), text.expose()).map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => {
                    Failure::new(format!("{} already exists, and was not changed", out.display()))
                        .help("name a new file")
                }
                _ => Failure::new(format!("failed to write {}: {error}", out.display())),
            })?;
            io.show(format_args!(
                "{} lets {person} into {} for as long as the gateway has this key of theirs.\n",
                out.display(),
                tunnel.instance_name()
            ))?;
        }
    }
    root_key::say_derivation(checked, io);
    Ok(DONE)
}

/// The tunnel of a person: the one that is named, or the only one that has them.
fn chosen<'a>(checked: &'a Checked, person: &str, name: Option<&str>) -> Result<&'a Wireguard, Failure> {
    let all: Vec<&Wireguard> = checked.spanning_roles::<Wireguard>().collect();
    let names = |tunnels: &[&Wireguard]| {
        tunnels.iter().map(|tunnel| tunnel.instance_name()).collect::<Vec<_>>().join(", ")
    };
    if all.is_empty() {
        return Err(
            Failure::new("the cloud has no tunnel").help("`fmc explain wireguard-members` tells of them")
        );
    }
    let asked: Vec<&Wireguard> =
        all.iter().copied().filter(|tunnel| name.is_none_or(|name| tunnel.instance_name() == name)).collect();
    if asked.is_empty() {
        return Err(Failure::usage(format!("the cloud has no tunnel `{}`", name.unwrap_or_default()))
            .help(format!("it has {}", names(&all))));
    }
    let has: Vec<&Wireguard> =
        asked.iter().copied().filter(|tunnel| tunnel.logins().any(|login| login == person)).collect();
    match *has {
        [only] => Ok(only),
        [] => {
            let logins: Vec<&str> = asked.iter().flat_map(|tunnel| tunnel.logins()).collect();
            let near = nearest(person, logins.iter().copied());
            let failure = Failure::usage(format!("no tunnel of the cloud has `{person}` among its people"));
            Err(match near {
                Some(near) => failure.help(format!("did you mean {near}?")),
                None => failure.help(format!("they are {}", logins.join(", "))),
            })
        }
        _ => Err(Failure::usage(format!("{person} is in several tunnels"))
            .help(format!("name one of {}: vpn {person} --tunnel NAME", names(&has)))),
    }
}

/// The text with the keys in it.
fn filled(parts: Vec<TextPart>, secrets: &dyn Secrets) -> Result<SecretBytes, Failure> {
    let mut text = Vec::new();
    for part in parts {
        match part {
            TextPart::Text(plain) => text.extend_from_slice(plain.as_bytes()),
            TextPart::Secret(secret) => {
                let reference = secret.reference().ok_or_else(|| Failure::new("a key has no valid name"))?;
                text.extend_from_slice(secrets.bytes(&reference).map_err(Failure::to)?.expose());
            }
            _ => return Err(Failure::new("this program does not know a part of the configuration")),
        }
    }
    Ok(SecretBytes::new(text))
}

/// The QR code of a text, two of its rows in a line: light on dark, as terminals are, and told to be so where there are colours.
fn drawn(text: &[u8], has_colours: bool) -> Result<String, Failure> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).map_err(|_| {
        Failure::new("the configuration is too long for a QR code")
            .help("`--out FILE` writes it into a file, which the apps of phones read too")
    })?;
    let lines = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    let (before, after) = if has_colours { ("\x1b[40;97m", "\x1b[0m") } else { ("", "") };
    Ok(lines.lines().map(|line| format!("{before}{line}{after}\n")).collect())
}
