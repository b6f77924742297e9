//! The web server: the login and the door to the commands, as Apache and `ipaserver/rpcserver.py` answer.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming};
#[cfg(feature = "kerberos")]
use hyper::header::AUTHORIZATION;
use hyper::header::{CONTENT_TYPE, COOKIE, HeaderName, LOCATION, REFERER, SET_COOKIE, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;

#[cfg(feature = "kerberos")]
use super::kerberos;
use super::rpc;
use super::state::{Caller, IpaFault, State};

/// The largest request that is read.
const LARGEST: usize = 64 << 20;

type Page = Response<Content>;

/// What a page says, and whether its end is missing.
#[derive(Debug)]
pub(super) struct Content {
    rest: Option<Bytes>,
    is_cut: bool,
}

impl Body for Content {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(match self.rest.take() {
            Some(bytes) => Some(Ok(Frame::data(bytes))),
            None if self.is_cut => Some(Err(io::Error::other("the answer is cut"))),
            None => None,
        })
    }
}

pub(super) async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Page, Infallible> {
    state.count_request();
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST).collect().await else {
        return Ok(html(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"));
    };
    let body = body.to_bytes();
    Ok(match parts.uri.path() {
        "/ipa/session/login_password" => login(&state, &parts, &body),
        #[cfg(feature = "kerberos")]
        "/ipa/session/login_kerberos" => login_by_ticket(&state, &parts),
        "/ipa/session/json" => commands(&state, &parts, &body).await,
        _ => html(StatusCode::NOT_FOUND, "Not Found"),
    })
}

/// The form of the login.
fn login(state: &State, parts: &Parts, body: &[u8]) -> Page {
    if !has_referer(state, parts) {
        return html(StatusCode::BAD_REQUEST, "Bad Request");
    }
    if !kind(parts).starts_with("application/x-www-form-urlencoded") || parts.method != Method::POST {
        return html(StatusCode::BAD_REQUEST, "Bad Request");
    }
    let (users, passwords) = (field(body, "user"), field(body, "password"));
    let ([user], [password]) = (users.as_slice(), passwords.as_slice()) else {
        return html(StatusCode::BAD_REQUEST, "Bad Request");
    };
    let name = match user.split_once('@') {
        Some((name, realm)) if realm.eq_ignore_ascii_case(state.realm()) => name,
        Some(_) => return rejected("denied"),
        None => user,
    };
    let caller = {
        let directory = state.directory();
        match directory.accounts.get(name) {
            Some(account) if account.password.expose() == password.as_bytes() => match &account.rejected {
                Some(reason) => return rejected(reason),
                None => Caller { name: name.to_owned(), rights: account.rights },
            },
            _ => return rejected("invalid-password"),
        }
    };
    session_page(state, caller)
}

/// The login by a ticket: the web server judges it before FreeIPA sees the request.
#[cfg(feature = "kerberos")]
fn login_by_ticket(state: &State, parts: &Parts) -> Page {
    let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(accepted) = header.and_then(kerberos::accept) else { return unauthorized() };
    let mut page = if has_referer(state, parts) {
        let Some((name, realm)) = accepted.principal.rsplit_once('@') else { return rejected("denied") };
        let rights = state.directory().accounts.get(name).map(|account| account.rights);
        match rights.filter(|_| realm == state.realm()) {
            Some(rights) => session_page(state, Caller { name: name.to_owned(), rights }),
            None => return rejected("denied"),
        }
    } else {
        html(StatusCode::BAD_REQUEST, "Bad Request")
    };
    let answer = accepted.answer;
    let answer = if state.has_fault(IpaFault::Unproven) { kerberos::forged(&answer) } else { answer };
    set(&mut page, WWW_AUTHENTICATE, &answer);
    page
}

/// A page that begins a session.
fn session_page(state: &State, caller: Caller) -> Page {
    let cookie = format!("ipa_session={};path=/ipa;httponly;secure;", state.begin_session(caller));
    let mut page = html(StatusCode::OK, "");
    set(&mut page, SET_COOKIE, &cookie);
    page
}

/// Commands in a session.
async fn commands(state: &State, parts: &Parts, body: &[u8]) -> Page {
    let Some(caller) = session(parts).and_then(|token| state.caller(&token)) else { return unauthorized() };
    if !has_referer(state, parts) {
        return html(StatusCode::BAD_REQUEST, "Bad Request");
    }
    if parts.method != Method::POST || !kind(parts).starts_with("application/json") {
        return html(StatusCode::BAD_REQUEST, "Bad Request");
    }
    let fault = state.next_fault();
    match fault {
        IpaFault::Unavailable => return html(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        IpaFault::Html => return html(StatusCode::OK, "Maintenance"),
        IpaFault::Redirect => {
            let mut page = html(StatusCode::MOVED_PERMANENTLY, "Moved Permanently");
            set(&mut page, LOCATION, "https://other.lab.test/ipa/session/json");
            return page;
        }
        IpaFault::Session => return unauthorized(),
        IpaFault::Slow => tokio::time::sleep(Duration::from_secs(2)).await,
        _ => {}
    }
    let token = session(parts).unwrap_or_default();
    let text = rpc::answer(state, &caller, &token, body, fault).await;
    let mut content = Content { rest: Some(Bytes::from(text)), is_cut: fault == IpaFault::Cut };
    if content.is_cut {
        content.rest = content.rest.map(|bytes| bytes.slice(..bytes.len() / 2));
    }
    let mut page = Response::new(content);
    set(&mut page, CONTENT_TYPE, "application/json; charset=utf-8");
    page
}

/// Whether the request comes from a page of this server, by its FQDN and without a port.
fn has_referer(state: &State, parts: &Parts) -> bool {
    let referer = parts.headers.get(REFERER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    referer.starts_with(&format!("https://{}/ipa", state.fqdn()))
}

fn kind(parts: &Parts) -> String {
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.unwrap_or_default().to_ascii_lowercase()
}

/// The token of the cookie.
fn session(parts: &Parts) -> Option<String> {
    let cookies = parts.headers.get(COOKIE)?.to_str().ok()?;
    cookies.split(';').find_map(|pair| pair.trim().strip_prefix("ipa_session=")).map(str::to_owned)
}

/// The values of a field of a form.
fn field(body: &[u8], name: &str) -> Vec<String> {
    let body = String::from_utf8_lossy(body).replace('+', " ");
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    let found = pairs.filter(|(key, _)| *key == name);
    found.map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned()).collect()
}

/// A session that has ended: Apache offers Kerberos, and says it in HTML.
fn unauthorized() -> Page {
    let mut page = html(StatusCode::UNAUTHORIZED, "Unauthorized");
    set(&mut page, WWW_AUTHENTICATE, "Negotiate");
    page
}

fn rejected(reason: &str) -> Page {
    let mut page = html(StatusCode::UNAUTHORIZED, "Unauthorized");
    set(&mut page, HeaderName::from_static("x-ipa-rejection-reason"), reason);
    page
}

fn html(status: StatusCode, title: &str) -> Page {
    let text = match title {
        "" => String::new(),
        title => {
            format!("<!DOCTYPE html>\n<html><head><title>{title}</title></head><body>{title}</body></html>\n")
        }
    };
    let mut page = Response::new(Content { rest: Some(Bytes::from(text)), is_cut: false });
    *page.status_mut() = status;
    set(&mut page, CONTENT_TYPE, "text/html; charset=iso-8859-1");
    page
}

fn set(page: &mut Page, name: HeaderName, value: &str) {
    if let Ok(value) = value.parse() {
        page.headers_mut().insert(name, value);
    }
}
