//! Addresses of contents, as Go's `net/url` and Ignition's parser of `data:` read them.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// Go's decoder does not look at the bits behind the last byte.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

const NOT_A_URL: &str = "unable to parse url";

/// The parts of an address that decide whether Ignition takes it.
pub(super) struct Url<'u> {
    pub(super) scheme: String,
    /// The text after the scheme, if it does not begin with a slash.
    opaque: &'u str,
    query: &'u str,
}

/// Reads an address; `None` if it is not one.
pub(super) fn parse(text: &str) -> Option<Url<'_>> {
    if text.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return None;
    }
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    if !is_escaped(fragment) {
        return None;
    }
    let (scheme, rest) = scheme(text)?;
    let scheme = scheme.to_ascii_lowercase();
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !rest.starts_with('/') {
        if !scheme.is_empty() {
            return Some(Url { scheme, opaque: rest, query });
        }
        // A relative address whose first part has a colon.
        if rest.split('/').next().is_some_and(|first| first.contains(':')) {
            return None;
        }
    }
    let has_authority = rest.starts_with("//") && (!scheme.is_empty() || !rest.starts_with("///"));
    let path = match rest.strip_prefix("//").filter(|_| has_authority) {
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            if !is_authority(authority) {
                return None;
            }
            path
        }
        None => rest,
    };
    is_escaped(path).then_some(Url { scheme, opaque: "", query })
}

fn scheme(text: &str) -> Option<(&str, &str)> {
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if index > 0 => {}
            b':' if index == 0 => return None,
            b':' => return text.split_once(':'),
            _ => break,
        }
    }
    Some(("", text))
}

/// Whether each `%` is followed by two digits of base 16.
fn is_escaped(text: &str) -> bool {
    let mut parts = text.split('%').skip(1);
    parts.all(|part| part.get(..2).is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())))
}

fn is_authority(authority: &str) -> bool {
    let (user, host) =
        authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let is_of_user = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%@:".contains(&byte);
    if user.is_some_and(|user| !user.bytes().all(is_of_user) || !is_escaped(user)) {
        return false;
    }
    let is_port = |port: &str| {
        port.is_empty()
            || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let port = if host.starts_with('[') {
        match host.rfind(']') {
            Some(end) => host.get(end + 1..).unwrap_or_default(),
            None => return false,
        }
    } else {
        host.rfind(':').and_then(|colon| host.get(colon..)).unwrap_or_default()
    };
    // In a host an escape is for bytes beyond ASCII.
    let is_of_host =
        |byte: u8| byte >= 0x80 || byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"%".contains(&byte);
    let beyond = |part: &str| part.bytes().next().is_some_and(|digit| !matches!(digit, b'0'..=b'7'));
    is_port(port)
        && host.bytes().all(is_of_host)
        && is_escaped(host)
        && host.split('%').skip(1).all(|part| beyond(part) || part.starts_with("25"))
}

impl Url<'_> {
    /// The first value of a key of the query, as Go's lenient reader finds it.
    fn asks(&self, key: &str) -> Option<&str> {
        let pairs = self.query.split('&').filter(|pair| !pair.contains(';') && is_escaped(pair));
        pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    fn version_id(&self) -> Option<&'static str> {
        self.asks("versionId").is_some_and(str::is_empty).then_some("invalid S3 object VersionId")
    }
}

/// Why a source is wrong in a spec; `None` if it is right.
pub(super) fn source(text: &str, minor: u8) -> Option<String> {
    let Some(url) = parse(text) else { return Some(NOT_A_URL.to_owned()) };
    match url.scheme.as_str() {
        "http" | "https" | "tftp" => None,
        "gs" if minor >= 2 => None,
        "s3" => url.version_id().map(str::to_owned),
        "arn" if minor >= 4 => arn(&url).or_else(|| url.version_id()).map(str::to_owned),
        "data" => data(text),
        _ => Some("invalid url scheme".to_owned()),
    }
}

fn arn(url: &Url<'_>) -> Option<&'static str> {
    let whole = format!("arn:{}", url.opaque);
    let parts: Vec<&str> = whole.splitn(6, ':').collect();
    let is_right = matches!(parts.as_slice(), ["arn", _, "s3", _, _, resource] if {
        let slashes = whole.split('/').count();
        if resource.starts_with("accesspoint/") { slashes >= 3 } else { slashes >= 2 }
    });
    (!is_right).then_some("invalid S3 ARN format")
}

/// Why a `data:` address is wrong (RFC 2397); `None` if it is right.
fn data(text: &str) -> Option<String> {
    let wrong = |what: &str| Some(what.to_owned());
    let Some(rest) = text.strip_prefix("data:") else { return wrong("missing data prefix") };
    let (head, content) = match parameters(rest) {
        Ok(parts) => parts,
        Err(what) => return wrong(what),
    };
    if head {
        let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=\n".contains(&byte);
        if !content.bytes().all(is_base64) {
            return wrong("invalid data character");
        }
        let plain: String = content.chars().filter(|letter| *letter != '\n').collect();
        return LENIENT.decode(plain).err().map(|_| "illegal base64 data".to_owned());
    }
    let is_plain = |letter: char| letter.is_ascii_graphic() && !"<>#\"{}|\\^[]`".contains(letter);
    if !content.chars().all(is_plain) {
        return wrong("invalid data character");
    }
    if is_escaped(content) { None } else { wrong("unexpected end of unescape sequence") }
}

fn is_token(letter: char) -> bool {
    letter.is_ascii_graphic() && !"()<>@,;:\\\"/[]?=".contains(letter)
}

/// Whether what follows is base64, and what follows, behind the media type and its parameters.
fn parameters(text: &str) -> Result<(bool, &str), &'static str> {
    let mut rest = text;
    if !rest.starts_with([';', ',']) {
        let end = rest.find(|letter| !is_token(letter)).unwrap_or(rest.len());
        let (kind, after) = rest.split_at(end);
        let Some(after) = after.strip_prefix('/') else { return Err("missing media type slash") };
        let known = ["text", "image", "audio", "video", "application", "multipart", "message"];
        let is_known = known.iter().any(|known| kind.starts_with(known));
        if !is_known && !kind.to_ascii_lowercase().starts_with("x-") {
            return Err("invalid media type");
        }
        let end = after.find(|letter| !is_token(letter)).unwrap_or(after.len());
        rest = after.split_at(end).1;
    }
    loop {
        if let Some(content) = rest.strip_prefix(',') {
            return Ok((false, content));
        }
        let Some(after) = rest.strip_prefix(';') else { return Err("expected semicolon or comma") };
        let end = after.find(|letter| !is_token(letter)).unwrap_or(after.len());
        let (name, after) = after.split_at(end);
        if name.is_empty() {
            return Err("unterminated parameter sequence");
        }
        if let Some(content) = after.strip_prefix(',') {
            return if name == "base64" { Ok((true, content)) } else { Err("expected base64") };
        }
        let Some(value) = after.strip_prefix('=') else {
            return Err("invalid character for parameter attribute");
        };
        rest = match value.strip_prefix('"') {
            Some(quoted) => {
                let mut is_behind_a_slash = false;
                let end = quoted.find(|letter| {
                    let is_end = letter == '"' && !is_behind_a_slash;
                    is_behind_a_slash = letter == '\\' && !is_behind_a_slash;
                    is_end
                });
                let Some(end) = end else { return Err("unclosed quoted string") };
                quoted.get(end + 1..).unwrap_or_default()
            }
            None => {
                let end = value.find(|letter| !is_token(letter)).unwrap_or(value.len());
                let (value, rest) = value.split_at(end);
                if value.is_empty() || !is_escaped(value) {
                    return Err("invalid character for parameter value");
                }
                rest
            }
        };
    }
}

/// Why a proxy is wrong, or what to think of.
pub(super) fn proxy(text: &str) -> Result<bool, &'static str> {
    let url = parse(text).ok_or(NOT_A_URL)?;
    match url.scheme.as_str() {
        "https" => Ok(true),
        "http" => Ok(false),
        _ => Err("proxies must be http(s)"),
    }
}

/// Why headers do not fit an address.
pub(super) fn headers(text: Option<&str>) -> Option<&'static str> {
    let Some(url) = text.filter(|text| !text.is_empty()).and_then(parse) else { return Some(NOT_A_URL) };
    let fits = matches!(url.scheme.as_str(), "http" | "https");
    (!fits).then_some("cannot use HTTP headers with this source scheme")
}

/// Why the address of a Tang server is wrong.
pub(super) fn tang(text: &str) -> Option<&'static str> {
    let Some(url) = parse(text) else { return Some(NOT_A_URL) };
    (!matches!(url.scheme.as_str(), "http" | "https")).then_some("invalid url scheme")
}
