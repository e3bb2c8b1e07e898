//! Answers as the frames of HTTP/2.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use wire::response::ResponseHead;
use wire::{Fields, Framing};

use super::super::reply::Reply;
use super::super::stream::{Cut, Sink};
use super::header_map;
use crate::refuse::Rendered;
use crate::ticker::Watch;

/// Our side of a stream, before and after the head of the answer.
pub(super) struct Line {
    respond: SendResponse<Bytes>,
    stream: Option<SendStream<Bytes>>,
}

impl Line {
    pub(super) fn new(respond: SendResponse<Bytes>) -> Self {
        Self { respond, stream: None }
    }

    /// Whether the client has given the stream up.
    pub(super) fn is_reset(&mut self, context: &mut Context<'_>) -> bool {
        match &mut self.stream {
            Some(stream) => stream.poll_reset(context).is_ready(),
            None => self.respond.poll_reset(context).is_ready(),
        }
    }

    /// Breaks the stream off.
    pub(super) fn reset(&mut self, reason: Reason) {
        match &mut self.stream {
            Some(stream) => stream.send_reset(reason),
            None => self.respond.send_reset(reason),
        }
    }
}

/// An answer in frames.
pub(super) struct Frames {
    line: Rc<RefCell<Line>>,
    /// What is prepared: the head, the body so far, and whether that is all.
    head: Option<Response<()>>,
    body: BytesMut,
    body_bytes: u64,
    ended: bool,
    trailers: Option<HeaderMap>,
    /// The client expects its errors in trailers.
    speaks_grpc: bool,
}

impl Frames {
    pub(super) fn new(line: Rc<RefCell<Line>>, request: &http::request::Parts) -> Self {
        let media = request.headers.get(CONTENT_TYPE).map_or(b"".as_slice(), HeaderValue::as_bytes);
        Self {
            line,
            head: None,
            body: BytesMut::new(),
            body_bytes: 0,
            ended: false,
            trailers: None,
            speaks_grpc: media.starts_with(b"application/grpc"),
        }
    }

    /// Sends as much as the client lets us.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<Result<(), h2::Error>> {
        let mut line = self.line.borrow_mut();
        if let Some(head) = self.head.take() {
            let is_all = self.ended && self.body.is_empty() && self.trailers.is_none();
            let stream = line.respond.send_response(head, is_all)?;
            line.stream = Some(stream);
            self.ended &= !is_all;
        }
        let Some(stream) = line.stream.as_mut() else { return Poll::Ready(Ok(())) };
        while !self.body.is_empty() {
            stream.reserve_capacity(self.body.len());
            let room = match std::task::ready!(stream.poll_capacity(context)) {
                Some(room) => room?,
                None => return Poll::Ready(Err(Reason::CANCEL.into())),
            };
            let piece = self.body.split_to(room.min(self.body.len())).freeze();
            let is_last = self.ended && self.body.is_empty() && self.trailers.is_none();
            stream.send_data(piece, is_last)?;
            self.ended &= !is_last;
        }
        if std::mem::take(&mut self.ended) {
            match self.trailers.take() {
                Some(trailers) => stream.send_trailers(trailers)?,
                None => stream.send_data(Bytes::new(), true)?,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<'s> Reply<'s> for Frames {
    fn head(
        &mut self,
        head: &ResponseHead,
        _framing: Framing,
        request_id: Option<&str>,
        _keeps: bool,
    ) -> bool {
        let mut response = Response::new(());
        *response.status_mut() =
            StatusCode::from_u16(head.status()).unwrap_or(StatusCode::BAD_GATEWAY);
        *response.headers_mut() = header_map(head.fields());
        if let Some(id) = request_id.and_then(|id| id.parse().ok()) {
            response.headers_mut().insert("x-request-id", id);
        }
        self.head = Some(response);
        self.body.clear();
        self.body_bytes = 0;
        (self.ended, self.trailers) = (false, None);
        true
    }

    fn data(&mut self, data: &[u8]) {
        self.body_bytes += data.len() as u64;
        self.body.extend_from_slice(data);
    }

    fn end(&mut self, trailers: &Fields) {
        self.ended = true;
        self.trailers = (!trailers.is_empty()).then(|| header_map(trailers));
    }

    fn pending(&self) -> usize {
        self.body.len()
    }

    fn body_bytes(&self) -> u64 {
        self.body_bytes
    }

    async fn flush(&mut self, watch: &Watch) -> Result<(), Cut> {
        std::future::poll_fn(|context| match self.poll_send(context) {
            Poll::Ready(sent) => Poll::Ready(sent.map_err(|_| Cut::Gone)),
            Poll::Pending if watch.is_late(context) => Poll::Ready(Err(Cut::Late)),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    async fn interim(&mut self, head: &ResponseHead, _watch: &Watch) -> Result<(), Cut> {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::from_u16(head.status()).map_err(|_| Cut::Gone)?;
        *response.headers_mut() = header_map(head.fields());
        self.line.borrow_mut().respond.send_informational(response).map_err(|_| Cut::Gone)
    }

    async fn invite(&mut self, _watch: &Watch) -> Result<(), Cut> {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::CONTINUE;
        self.line.borrow_mut().respond.send_informational(response).map_err(|_| Cut::Gone)
    }

    async fn own(
        &mut self,
        answer: &Rendered,
        bodiless: bool,
        _keeps: bool,
        watch: &Watch,
    ) -> Result<(), Cut> {
        let mut response = Response::new(());
        let headers = response.headers_mut();
        self.body.clear();
        if self.speaks_grpc {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
            headers.insert("grpc-status", HeaderValue::from(grpc_status(answer.status)));
        } else {
            for (name, value) in &answer.fields {
                if let (Ok(name), Ok(value)) = (HeaderName::try_from(*name), value.parse()) {
                    headers.append(name, value);
                }
            }
            headers.insert("content-length", HeaderValue::from(answer.body.len()));
            if !bodiless {
                self.body.extend_from_slice(answer.body.as_bytes());
            }
            *response.status_mut() =
                StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        }
        self.head = Some(response);
        self.body_bytes = self.body.len() as u64;
        (self.ended, self.trailers) = (true, None);
        self.flush(watch).await
    }

    fn bare(&mut self) -> Option<&mut Sink<'s>> {
        None
    }
}

/// The status that gRPC has for one of HTTP: its own mapping for what proxies answer, and the
/// nearest for what only an API gateway says (gRPC over HTTP/2, "HTTP to gRPC Status Code
/// Mapping").
fn grpc_status(status: u16) -> u16 {
    const INVALID_ARGUMENT: u16 = 3;
    const DEADLINE_EXCEEDED: u16 = 4;
    const PERMISSION_DENIED: u16 = 7;
    const RESOURCE_EXHAUSTED: u16 = 8;
    const UNIMPLEMENTED: u16 = 12;
    const UNAVAILABLE: u16 = 14;
    const UNAUTHENTICATED: u16 = 16;
    const UNKNOWN: u16 = 2;
    match status {
        400 | 415 => INVALID_ARGUMENT,
        401 => UNAUTHENTICATED,
        403 => PERMISSION_DENIED,
        404 | 405 | 501 => UNIMPLEMENTED,
        408 | 504 => DEADLINE_EXCEEDED,
        413 | 431 => RESOURCE_EXHAUSTED,
        429 | 502 | 503 => UNAVAILABLE,
        _ => UNKNOWN,
    }
}
