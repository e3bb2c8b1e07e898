//! What every request passes first: is it for us, from our own pages, and signed in?

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::page::refusal;
use crate::server::App;

/// Exactly what pages need: own scripts, styles and requests; no inline code, frames or plug-ins.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

/// Fields of every response, whatever it is.
const FIELDS: [(header::HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The outermost layer: refuses what is not meant for the console, and sets the fields that make
/// browsers keep to it.
pub(crate) async fn outer(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = match objection(&app, &request) {
        Some((status, why)) => refusal(&path, status, why),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in FIELDS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The layer around everything that shows traffic: only with a session.
pub(crate) async fn signed_in(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(session) = app.sessions.find(request.headers(), Instant::now()) else {
        let mut response = crate::page::signed_out(&app, request.uri().path());
        response.headers_mut().insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Cookie realm=\"palisade\""),
        );
        return response;
    };
    request.extensions_mut().insert(session);
    next.run(request).await
}

/// Why a request is refused whoever sends it.
fn objection(app: &App, request: &Request) -> Option<(StatusCode, &'static str)> {
    let headers = request.headers();
    let host = single(headers, &header::HOST).filter(|host| app.hosts.admits(host));
    let Some(host) = host else {
        return Some((
            StatusCode::MISDIRECTED_REQUEST,
            "The console does not answer for this host. Open it by the address it listens on.",
        ));
    };
    let site = single(headers, &header::HeaderName::from_static("sec-fetch-site"));
    let navigates = single(headers, &header::HeaderName::from_static("sec-fetch-mode"))
        == Some("navigate")
        && is_safe(request.method());
    let from_elsewhere = matches!(site, Some("cross-site" | "same-site")) && !navigates;
    if from_elsewhere || !(is_safe(request.method()) || is_own(headers, host, site)) {
        let why = "This request comes from another site, or does not say where it comes from.";
        return Some((StatusCode::FORBIDDEN, why));
    }
    None
}

/// True when the request was made by a page of this origin. Under `no-referrer`, browsers send
/// `Origin: null` with forms of our own pages too; then only `Sec-Fetch-Site`, which no page can
/// set, tells them from others'.
fn is_own(headers: &HeaderMap, host: &str, site: Option<&str>) -> bool {
    match single(headers, &header::ORIGIN) {
        Some("null") => site == Some("same-origin"),
        Some(origin) => origin.strip_prefix("http://") == Some(host),
        None => false,
    }
}

/// The field's value when there is exactly one, in ASCII.
fn single<'h>(headers: &'h HeaderMap, name: &header::HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then(|| first.to_str().ok())?
}

const fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// The names by which the console may be asked for. A page of another site whose name was pointed
/// at this address (DNS rebinding) has another name.
#[derive(Debug)]
pub(crate) struct Hosts(Vec<String>);

impl Hosts {
    pub(crate) fn new(port: u16, more: &[String]) -> Self {
        let own = ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{port}"));
        Self(own.into_iter().chain(more.iter().map(|name| name.to_ascii_lowercase())).collect())
    }

    fn admits(&self, host: &str) -> bool {
        self.0.iter().any(|own| own.eq_ignore_ascii_case(host))
    }
}
