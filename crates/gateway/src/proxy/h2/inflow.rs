//! What comes in frames: the body of a request, or a whole response; and the trailers of either.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream};
use http::{HeaderMap, StatusCode};
use wire::body::Progress;
use wire::serialize::{line, status_line};
use wire::{BodyLimits, BodyReader, Fields, Framing, Refusal};

use super::super::stream::Cut;
use crate::limits::BUFFER_BYTES;

/// A message in frames.
#[derive(Debug)]
pub(crate) struct Frames {
    state: State,
    /// A head that did not fit when it came, as HTTP/1.1 writes it.
    head: Bytes,
    /// A piece of the body that did not fit when it came.
    rest: Bytes,
}

#[derive(Debug)]
enum State {
    /// The head is to come, and is read as HTTP/1.1 would write it.
    Awaited(ResponseFuture),
    Body(RecvStream),
}

impl Frames {
    /// The body of a request.
    pub(crate) fn of_body(stream: RecvStream) -> Self {
        Self { state: State::Body(stream), head: Bytes::new(), rest: Bytes::new() }
    }

    /// A whole response.
    pub(crate) fn of_response(response: ResponseFuture) -> Self {
        Self { state: State::Awaited(response), head: Bytes::new(), rest: Bytes::new() }
    }

    /// Whether it is known that neither a piece nor trailers will come.
    pub(crate) fn has_ended(&self) -> bool {
        let over = matches!(&self.state, State::Body(stream) if stream.is_end_stream());
        over && self.head.is_empty() && self.rest.is_empty()
    }

    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<Result<usize, Cut>> {
        if room.is_empty() {
            return Poll::Ready(Ok(0));
        }
        loop {
            if !self.head.is_empty() {
                return Poll::Ready(Ok(fill(&mut self.head, room)));
            }
            let stream = match &mut self.state {
                State::Awaited(response) => {
                    let (head, body) = std::task::ready!(poll_head(response, context))?;
                    self.head = head;
                    if let Some(body) = body {
                        self.state = State::Body(body);
                    }
                    continue;
                }
                State::Body(stream) => stream,
            };
            if !self.rest.is_empty() {
                let count = fill(&mut self.rest, room);
                // the other end may send as much again; a stream that is over needs no more
                let _ = stream.flow_control().release_capacity(count);
                return Poll::Ready(Ok(count));
            }
            match std::task::ready!(stream.poll_data(context)) {
                Some(Ok(data)) => self.rest = data,
                Some(Err(error)) => return Poll::Ready(Err(cut(&error))),
                None => return Poll::Ready(Ok(0)),
            }
        }
    }

    /// What follows the body, once that has come to its end.
    pub(crate) fn poll_trailers(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Result<Fields, Refusal>, Cut>> {
        let State::Body(stream) = &mut self.state else {
            return Poll::Ready(Ok(Ok(Fields::new())));
        };
        // the frame that ends a stream may be an empty one
        while let Some(data) = std::task::ready!(stream.poll_data(context)) {
            if !data.map_err(|error| cut(&error))?.is_empty() {
                return Poll::Ready(Err(Cut::Gone));
            }
        }
        match std::task::ready!(stream.poll_trailers(context)) {
            Ok(Some(trailers)) => Poll::Ready(Ok(read(&trailers))),
            Ok(None) => Poll::Ready(Ok(Ok(Fields::new()))),
            Err(error) => Poll::Ready(Err(cut(&error))),
        }
    }
}

/// Moves what fits from the front of `piece`.
fn fill(piece: &mut Bytes, room: &mut [u8]) -> usize {
    let count = piece.len().min(room.len());
    room[..count].copy_from_slice(&piece.split_to(count));
    count
}

/// The next head, with the body if it is the final one.
fn poll_head(
    response: &mut ResponseFuture,
    context: &mut Context<'_>,
) -> Poll<Result<(Bytes, Option<RecvStream>), Cut>> {
    if let Some(interim) = std::task::ready!(response.poll_informational(context)) {
        let (parts, ()) = interim.map_err(|error| cut(&error))?.into_parts();
        return Poll::Ready(Ok((written(parts.status, &parts.headers), None)));
    }
    let answered = std::task::ready!(Pin::new(response).poll(context));
    let (parts, body) = answered.map_err(|error| cut(&error))?.into_parts();
    Poll::Ready(Ok((written(parts.status, &parts.headers), Some(body))))
}

/// The head of a response as HTTP/1.1 would write it: there is one reader of heads. Its body ends
/// where its length says, or with the stream.
fn written(status: StatusCode, headers: &HeaderMap) -> Bytes {
    let mut out = Vec::with_capacity(BUFFER_BYTES / 8);
    status_line(status.as_u16(), b"", &mut out);
    for (name, value) in headers {
        line(name.as_ref(), value.as_bytes(), &mut out);
    }
    out.extend_from_slice(b"\r\n");
    Bytes::from(out)
}

/// Reads trailers as if they stood behind the last chunk: there is one set of rules for them.
fn read(trailers: &HeaderMap) -> Result<Fields, Refusal> {
    let mut chunk = b"0\r\n".to_vec();
    for (name, value) in trailers {
        line(name.as_ref(), value.as_bytes(), &mut chunk);
    }
    chunk.extend_from_slice(b"\r\n");
    let mut reader = BodyReader::new(Framing::Chunked, &BodyLimits::response())?;
    let (used, progress) = reader.advance(&chunk)?;
    let whole = used == chunk.len() && progress == Progress::End;
    if whole { Ok(reader.trailers().clone()) } else { Err(Refusal::BodyTruncated) }
}

/// What an error of the stream means. Who refuses a stream, or says in GOAWAY that it was not
/// reached, has done nothing with it (RFC 9113 §8.7, §6.8); `h2` tells the latter to no other.
fn cut(error: &h2::Error) -> Cut {
    let refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
    if error.is_remote() && (refused || error.is_go_away()) { Cut::Unprocessed } else { Cut::Gone }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn map(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        fields.iter().map(pair).collect()
    }

    #[test]
    fn a_response_says_the_same_in_the_other_version() {
        let head = written(StatusCode::OK, &map(&[("content-length", "2"), ("x-a", "b")]));
        assert_eq!(head, "HTTP/1.1 200 \r\ncontent-length: 2\r\nx-a: b\r\n\r\n");
    }

    #[test]
    fn trailers_keep_the_rules_of_chunked_bodies() {
        let good = read(&map(&[("grpc-status", "0"), ("grpc-message", "")])).unwrap();
        assert_eq!(good.get("grpc-status"), Some(b"0".as_slice()));
        assert_eq!(good.len(), 2);
        let refused = |trailers| read(&trailers).unwrap_err();
        assert_eq!(refused(map(&[("content-length", "1")])), Refusal::TrailerForbidden);
        let long = HeaderValue::from_str(&"x".repeat(20 << 10)).unwrap();
        let long = HeaderMap::from_iter([(HeaderName::from_static("x-a"), long)]);
        assert_eq!(refused(long), Refusal::Trailers);
    }
}
