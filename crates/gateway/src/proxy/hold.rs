//! The request's body on its way: handed in, and either held until inspection has answered or
//! passed on as it comes.

use std::cell::RefCell;

use exchange::decision::Decision;
use inspect::{Step, Want};
use policy::Mode;
use wire::body::{CHUNK_END, Progress, encode_chunk_head, encode_last_chunk};
use wire::{BodyLimits, BodyReader, Fields, Framing, Refusal};

use super::buffer::Buffer;
use super::inspected::Inspected;
use super::stream::{Cut, Source};
use crate::limits::{BUFFER_BYTES, HOLD_SLACK_BYTES, SMALL_CHUNK_BYTES};
use crate::pace::{Kept, Pace};
use crate::ticker::Watch;

/// Bodies have no bound on the way through: what a service bounds is what is inspected.
const LIMITS: BodyLimits = BodyLimits { bytes: u64::MAX, ..BodyLimits::request() };

/// The body of one request.
#[derive(Debug)]
pub(crate) struct RequestBody {
    reader: BodyReader,
    /// How it is written.
    form: Form,
    /// The body ends with its input, and the input has ended.
    input_ended: bool,
    /// What followed the body of a message in frames, and then what is to be sent behind it.
    trailers: Result<Fields, Refusal>,
    want: Want,
    told_end: bool,
    ended: bool,
    pace: Pace,
    /// Small chunks that go on as one.
    gathered: Vec<u8>,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    /// As it is: its length has been declared.
    Measured,
    Chunked,
    /// As it is: its way out has an end of its own.
    Bare,
}

/// Why a body must not be passed on any further.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Its framing is wrong.
    Refused(Refusal),
    /// Inspection says so.
    Stopped(Decision),
}

impl RequestBody {
    /// A body that has not begun; `want` is what inspection said of it. One whose length is not
    /// declared is chunked; if it comes over HTTP/2 (`in_frames`), its chunks have been undone.
    pub(crate) fn new(framing: Framing, in_frames: bool, want: Want) -> Self {
        let (form, incoming) = match framing {
            Framing::Chunked if in_frames => (Form::Chunked, Framing::UntilClose),
            Framing::Chunked => (Form::Chunked, framing),
            _ => (Form::Measured, framing),
        };
        let reader = BodyReader::new(incoming, &LIMITS)
            .expect("no declared length is over the largest number there is");
        Self {
            reader,
            form,
            input_ended: false,
            trailers: Ok(Fields::new()),
            want,
            told_end: false,
            ended: false,
            pace: Pace::new(),
            gathered: Vec::new(),
        }
    }

    /// Nothing of it has been written, and it is to be written as it is: its way out has an end of
    /// its own.
    pub(crate) fn write_bare(&mut self) {
        self.form = Form::Bare;
    }

    /// What is to be sent behind a body that was written bare, and has ended.
    pub(crate) fn trailers(&self) -> Option<&Fields> {
        self.trailers.as_ref().ok().filter(|trailers| !trailers.is_empty())
    }

    /// Waits for more of it. The end of a message in frames is the end of the body. A client that
    /// keeps below the floor is late, however regularly it sends.
    pub(crate) async fn wait(
        &mut self,
        source: &mut Source<'_>,
        watch: &Watch,
    ) -> Result<usize, Cut> {
        let before = watch.now();
        let count = source.fill(watch).await?;
        if count == 0 && source.ends_with_message() {
            self.trailers = source.trailers(watch).await?;
            self.input_ended = true;
        }
        match self.pace.sent(watch.now().wrapping_sub(before), count) {
            Kept::Pace => Ok(count),
            Kept::TooSlow => Err(Cut::Late),
        }
    }

    /// Whether nothing may be sent before the body has ended.
    pub(crate) fn is_held(&self) -> bool {
        self.want == Want::Hold && !self.ended
    }

    /// Whether all of it has been taken, and inspection has said what it has to say.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Whether any of it has come.
    pub(crate) fn has_begun(&self) -> bool {
        self.reader.received() > 0
    }

    /// Takes what has been read: hands it in, and appends it to `out` as it is to be sent.
    pub(crate) fn take(
        &mut self,
        buffer: &mut Buffer,
        inspected: &RefCell<Inspected>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        while !self.ended {
            let (used, progress) = self.reader.advance(buffer.filled()).map_err(Fault::Refused)?;
            match progress {
                Progress::Data(range)
                    if self.form == Form::Chunked && range.len() <= SMALL_CHUNK_BYTES =>
                {
                    let data = buffer.filled().get(range).unwrap_or_default();
                    self.gathered.extend_from_slice(data);
                    buffer.consume(used);
                    if self.gathered.len() >= BUFFER_BYTES {
                        self.pass_gathered(inspected, out)?;
                    }
                }
                Progress::Data(range) => {
                    self.pass_gathered(inspected, out)?;
                    let data = buffer.filled().get(range).unwrap_or_default();
                    let step = self.pass(data, inspected, out);
                    buffer.consume(used);
                    self.obey(step)?;
                }
                Progress::More if self.input_ended => {
                    self.pass_gathered(inspected, out)?;
                    self.reader.end_of_input().map_err(Fault::Refused)?;
                    return self.end(inspected, out);
                }
                Progress::More => {
                    buffer.consume(used);
                    self.pass_gathered(inspected, out)?;
                    return self.bound(inspected);
                }
                Progress::End => {
                    buffer.consume(used);
                    self.pass_gathered(inspected, out)?;
                    return self.end(inspected, out);
                }
            }
        }
        Ok(())
    }

    /// Hands a piece in and appends it to what is to be sent.
    fn pass(&mut self, data: &[u8], inspected: &RefCell<Inspected>, out: &mut Vec<u8>) -> Step {
        write_data(data, self.form == Form::Chunked, out);
        self.told_end = self.reader.is_ended();
        inspected.borrow_mut().request_body(data, self.told_end)
    }

    fn pass_gathered(
        &mut self,
        inspected: &RefCell<Inspected>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let mut gathered = std::mem::take(&mut self.gathered);
        let step = self.pass(&gathered, inspected, out);
        gathered.clear();
        self.gathered = gathered;
        self.obey(step)
    }

    fn end(&mut self, inspected: &RefCell<Inspected>, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.trailers.as_ref().map_err(|refusal| Fault::Refused(*refusal))?;
        if !self.reader.trailers().is_empty() {
            self.trailers = Ok(self.reader.trailers().clone());
        }
        if inspected.borrow().lane().mode == Mode::Block {
            // nobody has decided about trailers
            self.trailers = Ok(Fields::new());
        }
        if self.form == Form::Chunked {
            encode_last_chunk(self.trailers(), out);
        }
        self.ended = true;
        if self.told_end {
            return Ok(());
        }
        let step = inspected.borrow_mut().request_body(&[], true);
        self.obey(step)
    }

    /// Reads what is left of a refused body as far as it has come. Returns whether that was all,
    /// so that the connection can carry another request.
    pub(crate) fn discard(&mut self, buffer: &mut Buffer) -> bool {
        while let Ok((used, progress)) = self.reader.advance(buffer.filled()) {
            buffer.consume(used);
            match progress {
                Progress::Data(_) => {}
                Progress::End => return true,
                Progress::More => return false,
            }
        }
        false
    }

    fn obey(&mut self, step: Step) -> Result<(), Fault> {
        match step {
            Step::Continue(want) => {
                self.want = want;
                Ok(())
            }
            Step::Stop(decision) => Err(Fault::Stopped(decision)),
        }
    }

    /// Holds no more than the service's limit, even if inspection should never decide.
    fn bound(&mut self, inspected: &RefCell<Inspected>) -> Result<(), Fault> {
        if self.want != Want::Hold {
            return Ok(());
        }
        let mut inspected = inspected.borrow_mut();
        let lane = inspected.lane();
        let most = lane.request_body_bytes_max as u64;
        let (received, announced) = (self.reader.received(), self.reader.announced());
        // what is announced and will be refused need not be waited for
        let hopeless = lane.on_overflow == Mode::Block && announced > most.max(received);
        if received <= most.saturating_add(HOLD_SLACK_BYTES as u64) && !hopeless {
            return Ok(());
        }
        let step = inspected.overflow();
        self.obey(step)
    }
}

/// Appends a piece of a body in its outgoing framing.
pub(crate) fn write_data(data: &[u8], chunked: bool, out: &mut Vec<u8>) {
    if !chunked {
        out.extend_from_slice(data);
    } else if !data.is_empty() {
        encode_chunk_head(data.len(), out);
        out.extend_from_slice(data);
        out.extend_from_slice(CHUNK_END);
    }
}
