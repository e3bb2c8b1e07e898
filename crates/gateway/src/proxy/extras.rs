//! What a service may want of an answer on its way, beside passing it on: a copy for the cache, a
//! coding for the client, stored answers forgotten. A service that wants none of it has no extras,
//! and pays one branch.

use std::io;

use wire::response::Asked;
use wire::{Fields, ResponseHead};

use super::reply::Reply;
use crate::amend::Amend;
use crate::cache::{Forgetting, Recorder, Verdict};
use crate::compress::{Choice, Coder, Offer};

/// What one exchange's answer goes through.
#[derive(Default)]
pub(crate) struct Extras {
    /// Stores it.
    pub(crate) recorder: Option<Recorder>,
    /// Stored answers that are wrong once it is a success.
    pub(crate) forgetting: Option<Forgetting>,
    /// What the client takes.
    pub(crate) offer: Option<Offer>,
    coder: Option<Coder>,
    coded: Vec<u8>,
}

impl Extras {
    /// Those of an exchange whose client takes what is offered.
    pub(crate) fn new(offer: Option<Offer>) -> Self {
        Self { offer, ..Self::default() }
    }

    /// The head of the final answer is complete.
    pub(crate) fn head(&mut self, head: &ResponseHead) -> Verdict {
        if let Some(forgetting) = self.forgetting.take_if(|_| matches!(head.status(), 200..=399)) {
            forgetting.forget();
        }
        match &mut self.recorder {
            Some(recorder) => recorder.head(head),
            None => Verdict::Pass,
        }
    }

    /// The head as the client sees it; `None`: as it came.
    pub(crate) fn amend(&mut self, head: &ResponseHead, asked: Asked) -> Option<ResponseHead> {
        let mut amend = Amend::default();
        if let Some(recorder) = &self.recorder {
            amend.append("Cache-Status", recorder.status().as_bytes());
        }
        let choice = self.offer.as_ref().map_or(Choice::AsItCame, |offer| offer.choose(head));
        choice.amend(head, &mut amend);
        if amend.is_empty() {
            return None;
        }
        // a head that has no room for more goes out as it came, with its body as it came
        let amended = amend.apply(head, asked)?;
        if let Choice::Coded(coder) = choice {
            self.coder = Some(coder);
        }
        Some(amended)
    }

    /// A piece of the body.
    pub(crate) fn data<'s>(&mut self, data: &[u8], client: &mut impl Reply<'s>) -> io::Result<()> {
        if let Some(recorder) = &mut self.recorder {
            recorder.data(data);
        }
        let Some(coder) = &mut self.coder else {
            client.data(data);
            return Ok(());
        };
        coder.push(data, &mut self.coded)?;
        self.pass(client);
        Ok(())
    }

    /// More has to be waited for: what has come must not be kept back.
    pub(crate) fn flush<'s>(&mut self, client: &mut impl Reply<'s>) -> io::Result<()> {
        if let Some(coder) = &mut self.coder {
            coder.flush(&mut self.coded)?;
            self.pass(client);
        }
        Ok(())
    }

    /// The answer is whole.
    pub(crate) fn end<'s>(
        &mut self,
        request: &Fields,
        client: &mut impl Reply<'s>,
    ) -> io::Result<()> {
        if let Some(recorder) = &mut self.recorder {
            recorder.finish(request);
        }
        if let Some(coder) = self.coder.take() {
            coder.finish(&mut self.coded)?;
            self.pass(client);
        }
        Ok(())
    }

    fn pass<'s>(&mut self, client: &mut impl Reply<'s>) {
        if !self.coded.is_empty() {
            client.data(&self.coded);
            self.coded.clear();
        }
    }
}
