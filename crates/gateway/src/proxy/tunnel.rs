//! Two connections that speak a protocol of their own from here on: bytes are passed both ways
//! until both sides have finished, or nothing has moved for too long.

use std::cell::Cell;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use super::stream::{Sink, Source};
use crate::ticker::Watch;

/// Where one direction stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    /// It was cut: the other direction has nobody to talk to.
    Cut,
    /// Its sender has finished.
    Finished,
}

/// Passes bytes both ways. What has been read behind the heads goes first.
pub(super) async fn tunnel(
    client: (&mut Source<'_>, &mut Sink<'_>),
    upstream: (&mut Source<'_>, &mut Sink<'_>),
    watch: &Watch,
    idle: Duration,
) {
    let moved = Cell::new(false);
    let mut there = pin!(pass(client.0, upstream.1, watch, &moved));
    let mut back = pin!(pass(upstream.0, client.1, watch, &moved));
    let (mut ended_there, mut ended_back) = (None, None);
    watch.arm(idle);
    std::future::poll_fn(|context| {
        for (way, ended) in [
            (there.as_mut() as std::pin::Pin<&mut dyn Future<Output = Way>>, &mut ended_there),
            (back.as_mut(), &mut ended_back),
        ] {
            if ended.is_none()
                && let Poll::Ready(end) = way.poll(context)
            {
                *ended = Some(end);
            }
        }
        if moved.replace(false) {
            watch.arm(idle);
        }
        match (ended_there, ended_back) {
            (Some(Way::Cut), _) | (_, Some(Way::Cut)) | (Some(_), Some(_)) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    })
    .await;
}

/// Passes bytes one way until their sender finishes, and passes that on.
async fn pass(
    source: &mut Source<'_>,
    sink: &mut Sink<'_>,
    watch: &Watch,
    moved: &Cell<bool>,
) -> Way {
    loop {
        let count = source.buffer.filled().len();
        if count > 0 {
            if sink.write(source.buffer.filled(), watch).await.is_err() {
                return Way::Cut;
            }
            source.buffer.consume(count);
            moved.set(true);
        }
        match source.fill(watch).await {
            Ok(0) => {
                sink.finish(watch).await;
                return Way::Finished;
            }
            Ok(_) => moved.set(true),
            Err(_) => return Way::Cut,
        }
    }
}
