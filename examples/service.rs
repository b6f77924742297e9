//! A service that checks, plans and applies other people's clouds, on the simulation: `cargo run --example
//! service`, then
//!
//! ```text
//! curl --data-binary @cloud.yaml localhost:8080/check    the findings, each with line and column
//! curl --data-binary @cloud.yaml localhost:8080/plan     what an apply would do
//! curl --no-buffer --data-binary @cloud.yaml localhost:8080/apply    one event in each line
//! ```
//!
//! Closing the connection stops the apply: running steps end at a safe place, and no further step begins. The
//! clouds come from other people, so they may not name files of this computer: images are read from a folder
//! of the service, and secrets are placeholders. For a real libvirt only `Service::providers` changes.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use fmc::Providers;
use fmc::checked::Checked;
use fmc::file::{FileError, Source, Syntax};
use fmc::files::Files;
use fmc::graph::{ApplyOptions, Event, StopFlag};
use fmc::json::{End, FindingView, HostAt, Line, PlanObject, Versioned};
use fmc::libvirt::image::Images;
use fmc::libvirt::sim::Sim;
use futures_util::stream;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

/// The name of the posted text in findings.
const NAME: &str = "cloud.yaml";

/// A larger text is refused before it is read.
const MOST_BYTES: usize = 1 << 20;

/// The state that all requests share.
struct Service {
    /// The hypervisor; each call takes some time, as with a real one.
    world: Sim,
    /// The only folder whose files clouds may name.
    images: PathBuf,
    /// Only one apply runs at a time: a second one waits.
    turn: Mutex<()>,
}

impl Service {
    fn providers(&self, checked: &Checked) -> Providers {
        let images = Images::stand_ins().files(Files::below(&self.images));
        let none = Providers::new().images(images);
        let hosts = fmc::json::CheckedView::of(checked).hosts;
        hosts
            .iter()
            .filter_map(|at| at.host.parse().ok())
            .fold(none, |providers, host| providers.host(host, self.world.clone()))
    }
}

fn router(service: Service) -> Router {
    Router::new()
        .route("/check", post(check))
        .route("/plan", post(plan))
        .route("/apply", post(apply))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(Arc::new(service))
}

/// Reads and checks the posted text: it returns the cloud with its warnings, or the reason of the refusal. A
/// large cloud takes a while, so this runs on a thread for blocking work.
async fn checked(text: Bytes) -> Result<(Checked, Vec<FindingView>), Response> {
    let work = tokio::task::spawn_blocking(move || read(&text)).await;
    work.map_err(|_| failed("the check ended early"))?
        .map_err(|findings| json(StatusCode::UNPROCESSABLE_ENTITY, &findings))
}

fn read(text: &[u8]) -> Result<(Checked, Vec<FindingView>), Vec<FindingView>> {
    let mistakes = |error| match error {
        FileError::Read(mistakes) => mistakes.iter().map(|one| FindingView::of_mistake(one, NAME)).collect(),
        // Only writing can fail otherwise.
        _ => Vec::new(),
    };
    let source = Source::new(text, Syntax::Yaml).map_err(mistakes)?;
    let cloud = source.cloud().map_err(mistakes)?;
    let places = source.places();
    let placed = |findings: &[fmc::finding::Finding]| {
        findings.iter().map(|one| FindingView::in_source(one, &source, &places, NAME)).collect::<Vec<_>>()
    };
    match cloud.check() {
        Ok(checked) => {
            let warnings = placed(checked.findings());
            Ok((checked, warnings))
        }
        Err(report) => Err(placed(report.findings())),
    }
}

async fn check(text: Bytes) -> Response {
    match checked(text).await {
        Ok((_, warnings)) => json(StatusCode::OK, &warnings),
        Err(refused) => refused,
    }
}

async fn plan(State(service): State<Arc<Service>>, text: Bytes) -> Response {
    let checked = match checked(text).await {
        Ok((checked, _)) => checked,
        Err(refused) => return refused,
    };
    let providers = service.providers(&checked);
    match providers.plan(&fmc::compile(&checked)).await {
        Ok(plan) => json(StatusCode::OK, &shown(&plan)),
        Err(error) => failed(error),
    }
}

/// Answers at once; the events follow as they happen.
async fn apply(State(service): State<Arc<Service>>, text: Bytes) -> Response {
    let checked = match checked(text).await {
        Ok((checked, _)) => checked,
        Err(refused) => return refused,
    };
    let (lines, waiting) = mpsc::unbounded_channel();
    let stop = StopFlag::default();
    tokio::spawn(run(service, checked, lines, stop.clone()));
    // The body is dropped when it is complete, or when the client closes the connection.
    let listener = Listener { lines: waiting, stop };
    let body = stream::unfold(listener, |mut listener| async {
        let line = listener.lines.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(line), listener))
    });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(body)).into_response()
}

/// The receiver of an apply's events: dropping it stops the apply.
struct Listener {
    lines: mpsc::UnboundedReceiver<String>,
    stop: StopFlag,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

async fn run(service: Arc<Service>, checked: Checked, lines: mpsc::UnboundedSender<String>, stop: StopFlag) {
    // A line that cannot be sent is dropped, because the stop flag ends the apply when the client is gone.
    let say = |line: Line| drop(lines.send(in_line(&line)));
    let _turn = service.turn.lock().await;
    let providers = service.providers(&checked);
    let plan = match providers.plan(&fmc::compile(&checked)).await {
        Ok(plan) => plan,
        Err(error) => return drop(lines.send(in_line(&Failure { error: error.to_string() }))),
    };
    say(Line::Plan(Box::new(shown(&plan))));
    let options = ApplyOptions { stop: stop.clone(), ..ApplyOptions::default() };
    match plan.apply_with(&providers, options, |event: Event| say(Line::Event(event))).await {
        Ok(outcome) => say(Line::Outcome(End::of(&outcome, stop.is_stopped()))),
        Err(refused) => drop(lines.send(in_line(&Failure { error: refused.to_string() }))),
    }
}

#[derive(Serialize)]
struct Failure {
    error: String,
}

fn shown(plan: &fmc::Plan) -> PlanObject {
    let hosts: Vec<HostAt> = Vec::new();
    PlanObject::new(plan, hosts, true)
}

fn in_line(value: &impl Serialize) -> String {
    serde_json::to_string(&Versioned::new(value)).map(|line| line + "\n").unwrap_or_default()
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => (status, [(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => failed(error),
    }
}

fn failed(error: impl std::fmt::Display) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
}

fn service(delay: Duration, images: PathBuf) -> Service {
    Service { world: Sim::new().slow(delay), images, turn: Mutex::new(()) }
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:8080").await?;
        let service = service(Duration::from_millis(50), PathBuf::from("images"));
        axum::serve(listener, router(service)).await?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::{SocketAddr, TcpStream};

    use fmc::graph::Impact;

    use super::*;

    const CLOUD: &str = "name: first\nhosts: {local: {}}\nmachines:\n  web: {image: {os: none}, memory: 1 GiB, root_disk: 2 GiB}\n  \
                         db: {image: {os: none}, memory: 1 GiB, root_disk: 2 GiB}\n";
    const PATIENCE: Duration = Duration::from_secs(30);

    /// Runs a service on a free port; it ends with the runtime.
    fn serve(delay: Duration) -> (tokio::runtime::Runtime, SocketAddr) {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let router = router(service(delay, PathBuf::from("/nonexistent")));
        runtime.spawn(async move { axum::serve(listener, router).await });
        (runtime, address)
    }

    /// Posts a text, and returns the connection, which the server closes after its answer.
    fn post(address: SocketAddr, path: &str, text: &str) -> BufReader<TcpStream> {
        let mut connection = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = text.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
        );
        connection.write_all(format!("{head}{text}").as_bytes()).unwrap();
        BufReader::new(connection)
    }

    /// The status and the body of an answer.
    fn answer(mut connection: BufReader<TcpStream>) -> (String, String) {
        let mut all = String::new();
        connection.read_to_string(&mut all).unwrap();
        let (head, body) = all.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }

    /// The lines of an apply, without their chunk headers.
    fn lines(body: &str) -> Vec<Line> {
        let lines = body.lines().filter(|line| line.starts_with('{'));
        lines.map(|line| serde_json::from_str::<Versioned<Line>>(line).unwrap().value).collect()
    }

    fn planned(address: SocketAddr) -> PlanObject {
        let (status, body) = answer(post(address, "/plan", CLOUD));
        assert!(status.contains("200"), "{status} {body}");
        serde_json::from_str(&body).unwrap()
    }

    #[test]
    fn findings_have_lines_and_columns() {
        let (_runtime, address) = serve(Duration::ZERO);
        let (status, body) = answer(post(address, "/check", CLOUD));
        assert!(status.contains("200") && body == "[]", "{status} {body}");
        for (text, kind, line) in [
            (CLOUD.replacen("2 GiB", "2 GB", 1), "size-invalid", 4),
            (CLOUD.replace("memory", "memroy"), "file", 4),
        ] {
            let (status, body) = answer(post(address, "/check", &text));
            assert!(status.contains("422"), "{status} {body}");
            let findings: Vec<FindingView> = serde_json::from_str(&body).unwrap();
            let place = findings[0].place.as_ref().unwrap();
            assert_eq!(
                (findings[0].kind.as_str(), place.line, place.file.as_str()),
                (kind, line, NAME),
                "{body}"
            );
            assert!(place.column > 1, "{body}");
        }
    }

    #[test]
    fn an_apply_tells_what_happens_and_converges() {
        let (_runtime, address) = serve(Duration::ZERO);
        assert_eq!(planned(address).plan.impact, Impact::Create);
        let (status, body) = answer(post(address, "/apply", CLOUD));
        assert!(status.contains("200"), "{status} {body}");
        let lines = lines(&body);
        assert!(matches!(lines.first(), Some(Line::Plan(_))), "{body}");
        assert!(lines.iter().any(|line| matches!(line, Line::Event(Event::Done { .. }))), "{body}");
        let Some(Line::Outcome(end)) = lines.last() else { panic!("{body}") };
        assert!(end.done > 0 && (end.failed, end.skipped, end.stopped) == (0, 0, false), "{body}");
        assert!(planned(address).plan.steps.is_empty());
    }

    #[test]
    fn whoever_hangs_up_stops_the_apply() {
        let (_runtime, address) = serve(Duration::from_millis(40));
        let all = planned(address).plan.steps.len();
        let mut connection = post(address, "/apply", CLOUD);
        let mut line = String::new();
        while !line.contains("\"event\":\"done\"") {
            line.clear();
            assert!(connection.read_line(&mut line).unwrap() > 0, "the apply ended first");
        }
        drop(connection);
        // The next apply waits for its turn, and so until the stopped one has ended.
        let (_, body) = answer(post(address, "/apply", CLOUD));
        let lines = lines(&body);
        let Some(Line::Plan(rest)) = lines.first() else { panic!("{body}") };
        let left = rest.plan.steps.len();
        assert!(0 < left && left < all, "{left} of {all} steps were left: {body}");
        let Some(Line::Outcome(end)) = lines.last() else { panic!("{body}") };
        assert_eq!((end.failed, end.skipped), (0, 0), "{body}");
    }

    #[test]
    fn a_cloud_of_somebody_else_reads_no_file_of_this_machine() {
        let (_runtime, address) = serve(Duration::ZERO);
        let digest = "0".repeat(64);
        let source = format!("{{file: {{path: /etc/passwd, digest: \"sha256:{digest}\"}}}}");
        let text = CLOUD.replacen("{os: none}", &format!("{{os: none, source: {source}}}"), 1);
        let (_, body) = answer(post(address, "/apply", &text));
        assert!(body.contains("\"event\":\"failed\"") && !body.contains("root:"), "{body}");
    }
}
