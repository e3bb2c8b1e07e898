//! Requests to an authority: HTTP/1.1 over verified TLS, one connection each.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use bytes::Bytes;
use gateway::tls::Connector;
use http_body_util::{BodyExt as _, Limited};
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use tokio::net::TcpStream;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of an answer: chains have some thousand.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Carries requests to authorities with these roots.
#[derive(Debug)]
pub(super) struct Courier(Arc<Connector>);

impl Courier {
    pub(super) fn new(connector: &Arc<Connector>) -> Self {
        Self(Arc::clone(connector))
    }
}

impl HttpClient for Courier {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let connector = Arc::clone(&self.0);
        Box::pin(async move {
            let carried = tokio::time::timeout(PATIENCE, carry(&connector, request)).await;
            let carried = carried.unwrap_or_else(|_| Err(anyhow!("no answer in {PATIENCE:?}")));
            carried.map_err(|error| Error::Other(error.into()))
        })
    }
}

async fn carry(
    connector: &Connector,
    mut request: Request<BodyWrapper<Bytes>>,
) -> anyhow::Result<BytesResponse> {
    let uri = std::mem::take(request.uri_mut());
    let authority = uri.authority().ok_or_else(|| anyhow!("{uri} names no host"))?;
    if uri.scheme_str() != Some("https") {
        return Err(anyhow!("{uri} is not an https URL"));
    }
    let host = authority.host().trim_matches(['[', ']']);
    let port = authority.port_u16().unwrap_or(443);
    let failed = |error: std::io::Error| anyhow!("{host}:{port}: {error}");
    let stream = TcpStream::connect((host, port)).await.map_err(failed)?;
    let stream = connector.connect(stream, host, false).await.map_err(failed)?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse::<Uri>()?;
    request.headers_mut().insert(HOST, HeaderValue::from_str(authority.as_str())?);
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let carrying = tokio::spawn(connection);
    let (parts, body) = sender.send_request(request).await?.into_parts();
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
    let body = body.map_err(|error| anyhow!("{host}:{port}: {error}"))?.to_bytes();
    // one request was all
    carrying.abort();
    Ok(BytesResponse { parts, body: Box::new(body) })
}
