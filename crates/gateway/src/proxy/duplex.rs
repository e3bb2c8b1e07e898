//! A request whose body is still coming while its answer may already be on the way back.

use std::pin::pin;
use std::task::Poll;

use super::h2::header_map;
use super::hold::{Fault, RequestBody};
use super::relay::{Flow, Relayed};
use super::stream::{Cut, Sink, Source};

/// The request's way, from client to upstream.
pub(crate) struct Side<'a, 's, 'u> {
    pub(crate) source: &'a mut Source<'s>,
    pub(crate) sink: &'a mut Sink<'u>,
    pub(crate) out: &'a mut Vec<u8>,
    pub(crate) body: &'a mut RequestBody,
}

/// How the request's way ended.
#[derive(Debug)]
pub(crate) enum Pumped {
    /// The body must not be passed on.
    Fault(Fault),
    /// The client went away.
    Gone,
    /// The client stopped sending.
    Late,
    /// The client has finished sending before the end of the body.
    Truncated,
    /// The upstream has all of it.
    Sent,
    /// The upstream stopped reading: its answer may say why.
    Unread,
}

/// Sends the body and passes the answer on, both at once. The answer decides when it is over: an
/// upstream that answers early need not read the rest. What ends the request's way before that,
/// other than its own end, ends both.
pub(crate) async fn duplex(
    side: Side<'_, '_, '_>,
    answer: impl Future<Output = Relayed>,
    flow: &Flow<'_>,
) -> Result<Relayed, Pumped> {
    let mut pump = pin!(pump(side, flow));
    let mut answer = pin!(answer);
    let mut pumping = true;
    std::future::poll_fn(|context| {
        if pumping && let Poll::Ready(pumped) = pump.as_mut().poll(context) {
            pumping = false;
            if !matches!(pumped, Pumped::Sent | Pumped::Unread) {
                return Poll::Ready(Err(pumped));
            }
        }
        answer.as_mut().poll(context).map(Ok)
    })
    .await
}

/// Sends what is there, and more as it comes.
async fn pump(side: Side<'_, '_, '_>, flow: &Flow<'_>) -> Pumped {
    let Side { source, sink, out, body } = side;
    loop {
        if sink.write(out, flow.watch).await.is_err() {
            return Pumped::Unread;
        }
        out.clear();
        if body.is_ended() {
            sink.end(|| body.trailers().map(header_map));
            flow.sent.set(true);
            flow.watch.arm(flow.timeouts.response_head);
            return Pumped::Sent;
        }
        match body.wait(source, flow.watch).await {
            Ok(0) if source.ends_with_message() => {}
            Ok(0) => return Pumped::Truncated,
            Err(Cut::Gone | Cut::Unprocessed) => return Pumped::Gone,
            Ok(_) => flow.watch.arm(flow.timeouts.client_stall),
            Err(Cut::Late) => return Pumped::Late,
        }
        if let Err(fault) = body.take(source.buffer, flow.inspected, out) {
            return Pumped::Fault(fault);
        }
    }
}
