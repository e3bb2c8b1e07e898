//! Compressed bodies to what they hold, within caps on size and ratio.

use std::borrow::Cow;
use std::io::Read;

use exchange::body::Why;
use exchange::limits;

/// Undoes one `Content-Encoding`. Several of them, unknown ones, broken ones and bombs are not
/// undone: the body then counts as not looked at.
///
/// # Errors
/// [`Why::Encoded`], or [`Why::OverLimit`] when the cap was reached.
pub(crate) fn content<'b>(encoding: Option<&[u8]>, body: &'b [u8]) -> Result<Cow<'b, [u8]>, Why> {
    let Some(encoding) = encoding.map(<[u8]>::trim_ascii) else { return Ok(Cow::Borrowed(body)) };
    let is = |name: &[u8]| encoding.eq_ignore_ascii_case(name);
    if is(b"") || is(b"identity") || body.is_empty() {
        return Ok(Cow::Borrowed(body));
    }
    if is(b"gzip") || is(b"x-gzip") {
        return capped(flate2::read::MultiGzDecoder::new(body), body.len());
    }
    if is(b"deflate") {
        return capped(flate2::read::ZlibDecoder::new(body), body.len());
    }
    if is(b"br") {
        return capped(brotli::Decompressor::new(body, 4096), body.len());
    }
    Err(Why::Encoded)
}

fn capped<'b>(reader: impl Read, encoded_bytes: usize) -> Result<Cow<'b, [u8]>, Why> {
    let ratio_cap = encoded_bytes.saturating_mul(limits::DECODED_RATIO_MAX).max(64 << 10);
    let cap = limits::DECODED_BYTES_MAX.min(ratio_cap);
    let mut decoded = Vec::new();
    match reader.take(cap as u64 + 1).read_to_end(&mut decoded) {
        Ok(_) if decoded.len() > cap => Err(Why::OverLimit),
        Ok(_) => Ok(Cow::Owned(decoded)),
        Err(_) => Err(Why::Encoded),
    }
}
